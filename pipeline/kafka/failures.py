"""What the client raises, in the port's words; and a bound around whatever is asked of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from aiokafka import errors

from pipeline.broker import BrokerError, Fenced, Refused, Unavailable

T = TypeVar("T")

_PAUSE = 0.05
_FAMILY = re.compile(r", <AddressFamily\.\w+: \d+>")
_FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch, errors.InvalidProducerIdMapping)
#: The broker's state of our sequences is another than ours: nothing is wrong with the records.
_OUT_OF_STEP = (errors.OutOfOrderSequenceNumber, errors.UnknownProducerId, errors.InvalidTxnState)


@contextmanager
def not_ours(what: str) -> Iterator[None]:
    """Where the client's own tasks end, it cancels what others wait for. That is no cancelling of whoever waits, and
    must not end a task of ours in silence: it is Unavailable."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Unavailable(f"{what}: the client gave it up") from None


@asynccontextmanager
async def bounded(what: str, within: float) -> AsyncIterator[None]:
    """Raises Unavailable when it takes longer than `within` seconds, Fenced or Unavailable for what the client says."""
    try:
        with not_ours(what):
            async with asyncio.timeout(within):
                yield
    except TimeoutError:
        raise Unavailable(f"{what}: no answer within {within:g} s") from None
    except errors.KafkaError as error:
        raise told(what, error) from error


async def answered(what: str, ask: Callable[[], Awaitable[T]], within: float) -> T:
    """The answer to a question that may be asked again, and is, until the bound. Raises Unavailable."""
    trouble: BrokerError | None = None
    try:
        async with asyncio.timeout(within):
            while True:
                try:
                    with not_ours(what):
                        return await ask()
                except Unavailable as given_up:
                    trouble = given_up
                except errors.KafkaError as error:
                    trouble = told(what, error)
                    if not (error.retriable or isinstance(error, errors.KafkaConnectionError)):
                        raise trouble from error
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        raise trouble or Unavailable(f"{what}: no answer within {within:g} s") from None


def told(what: str, error: BaseException) -> BrokerError:
    """A failed question."""
    return Fenced(f"{what}: another owner has taken it") if is_fenced(error) else Unavailable(_line(what, error))


def told_of_write(what: str, error: BaseException) -> BrokerError:
    """A failed write: what the client would not have repeated is about the record."""
    if is_fenced(error) or _is_transient(error):
        return told(what, error)
    return Refused(_line(what, error))


def is_fenced(error: BaseException) -> bool:
    """The client wraps what it did not expect; the reason is behind it."""
    return isinstance(error, _FENCED) or isinstance(error.__cause__, _FENCED)


def _is_transient(error: BaseException) -> bool:
    if not isinstance(error, errors.BrokerResponseError) or isinstance(error, _OUT_OF_STEP):
        return True
    return bool(error.retriable)


def _line(what: str, error: BaseException) -> str:
    """The client's errors begin with their own name, and its addresses end with what only Python calls a family."""
    name = type(error).__name__
    said = _FAMILY.sub("", " ".join(str(error).split())).removeprefix(name).lstrip(": ")
    return f"{what}: {name}{f' ({said})' if said else ''}"

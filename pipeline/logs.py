"""Logs: one JSON object per line, with shop, topic, partition, offset, event id and trace id as far as they are known.

`configure` returns the logger that is then passed as a value; libraries that use the standard library's logging speak
through it too. Bodies are never logged. What looks like a mail address, a phone number, a bearer token or another
credential is masked in every value all the same: a guard against accidents, not a licence to log them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger


class Form(StrEnum):
    JSON = "json"
    """For machines: orjson, one line each."""
    TEXT = "text"
    """For a person at a terminal, without colours."""


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


#: A longer text is cut: nobody reads it, and masking it would cost.
LONGEST = 4_000
#: How often a library may say the same, and of how many sayings that is remembered.
_SELDOM_SECONDS = 10.0
_SAYINGS = 1_000

_MASKS = (
    (re.compile(r"://[^/\s@]+@"), "://***@"),
    (re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), "***@***"),
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{6,}"), r"\1 ***"),
    (re.compile(r"(?i)\b(authorization\W{1,4}(?:basic\s+)?|(?:token|secret|password)=)[\w.~+/=-]{4,}"), r"\1***"),
    (re.compile(r"\bshp[a-z]{2,3}_\w{8,}"), "shp***"),
    (re.compile(r"(?<![\w+-])(?:\+[1-9]|00[1-9])(?:[ ()./-]{0,2}\d){6,13}(?![\w-])"), "+***"),
    (re.compile(r"(?<![\w.+-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"), "+***"),
)


def masked(text: str) -> str:
    """The text without what identifies a person or opens a door, at most `LONGEST` characters of it."""
    shown = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    for pattern, instead in _MASKS:
        shown = pattern.sub(instead, shown)
    return shown


def mask(value: object) -> object:
    """The same for what a log line may hold, however deep; what is no plain value is shown as its text.

    Bytes may be a body: of them only their number is told.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, Mapping):
        return {masked(str(key)): mask(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(inner) for inner in value]
    return masked(str(value))


def configure(
    stream: TextIO, level: str = "info", form: Form = Form.JSON, kafka_client: str = "warning"
) -> FilteringBoundLogger:
    """A logger that writes to `stream` from `level` on. Called again, it replaces what was configured before.

    `kafka_client`: from which level on Kafka's client is heard: it warns of what it then mends by itself.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_values,
        _as_json if form is Form.JSON else structlog.dev.ConsoleRenderer(colors=False, sort_keys=False),
    ]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
    )
    _take_over_standard_logging(logger, number)
    logging.getLogger("aiokafka").setLevel(logging.getLevelNamesMapping()[kafka_client.upper()])
    return logger


def silent() -> FilteringBoundLogger:
    """A logger that says nothing: for tests, and for tools that print for people."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    )
    return logger


def _mask_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: mask(value) for key, value in event.items()}


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _drop(_: WrappedLogger, __: str, ___: EventDict) -> EventDict:
    raise structlog.DropEvent


class _Seldom(logging.Filter):
    """A library that says the same many times in a second (Kafka's client without a broker) is heard now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said = (record.name, str(record.msg))
        if record.created - self._heard.get(said, 0.0) < _SELDOM_SECONDS:
            return False
        if len(self._heard) >= _SAYINGS:
            self._heard.clear()
        self._heard[said] = record.created
        return True


class _Forward(logging.Handler):
    """Lines of libraries, in our form."""

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger
        self.addFilter(_Seldom())

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _take_over_standard_logging(logger: FilteringBoundLogger, level: int) -> None:
    """Libraries say what is wrong from `warning` on; their chatter stays out even where ours is wanted."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(logger))
    root.setLevel(max(level, logging.WARNING))

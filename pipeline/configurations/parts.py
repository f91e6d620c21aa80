"""The parts of a process that work by a configuration: each of its stages, and the receiver's credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from pipeline.configurations.log import Version
from pipeline.editions import Edition, Editions
from pipeline.receiver import Credentials, credentials_of
from pipeline.settings import Secrets
from stages.stage import CallingStage, Stage

AnyStage = Stage | CallingStage[Any, Any]


class StagePart:
    """One stage: opened anew with its clients for each configuration, and handed to the tasks as an edition."""

    def __init__(self, opened: Callable[[Version], AbstractAsyncContextManager[AnyStage]]) -> None:
        self._opened = opened
        self._editions: Editions | None = None

    @property
    def editions(self) -> Editions:
        """From the first configuration on."""
        if self._editions is None:
            raise RuntimeError("no configuration has been taken yet")
        return self._editions

    def opened(self, version: Version) -> AbstractAsyncContextManager[AnyStage]:
        return self._opened(version)

    def take(self, number: int, version: Version, opened: AnyStage) -> None:
        edition = Edition(number, version.hash, opened)
        if self._editions is None:
            self._editions = Editions(edition)
        else:
            self._editions.publish(edition)

    def in_use(self) -> Collection[int]:
        return () if self._editions is None else self._editions.in_use()


class CredentialsPart:
    """Whom the receiver lets in. A request that has begun goes on with what it has read."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.credentials = Credentials({})

    @asynccontextmanager
    async def opened(self, version: Version) -> AsyncIterator[Credentials]:
        yield credentials_of(version.configuration, self._secrets)

    def take(self, _number: int, _version: Version, opened: Credentials) -> None:
        self.credentials.take_over(opened)

    def in_use(self) -> Collection[int]:
        return ()

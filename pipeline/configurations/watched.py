"""The configuration's file while the process runs. By content: where a file is a link that is turned elsewhere, as a
mounted ConfigMap's is, its times tell nothing.

What it says counts once it has stood still from one look to the next: half of a file may be a whole configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from pipeline.document import Mistake
from pipeline.settings import ConfigurationError, decoded
from schemas.configuration import Configuration


class WatchedFile:
    """`rules` are the names of the rules that there are. What it said before the first look is not known here."""

    def __init__(self, path: Path, rules: Collection[str]) -> None:
        self._path = path
        self._rules = rules
        self._seen: bytes | OSError | None = None
        self._content: bytes | OSError | None = None

    async def look(self) -> bool:
        """True where another content than before has stood still since the last look."""
        found = await asyncio.to_thread(self._read)
        is_still, self._seen = _is_same(found, self._seen), found
        if not is_still or _is_same(found, self._content):
            return False
        self._content = found
        return True

    async def says(self) -> Configuration:
        """What it said when it last stood still. Raises ConfigurationError."""
        if not isinstance(content := self._content, bytes):
            says = "cannot be read" if content is None else content.strerror or "cannot be read"
            raise ConfigurationError([Mistake(str(self._path), says)])
        return await asyncio.to_thread(decoded, content, self._path, self._rules)

    def _read(self) -> bytes | OSError:
        try:
            return self._path.read_bytes()
        except OSError as error:
            return error


def _is_same(one: bytes | OSError | None, other: bytes | OSError | None) -> bool:
    if isinstance(one, OSError) and isinstance(other, OSError):
        return one.errno == other.errno
    return one == other

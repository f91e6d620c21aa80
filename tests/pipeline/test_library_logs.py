"""Lines of libraries go through our log, and not a thousand times."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from pipeline import logs


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    logs.configure(out, "info")
    yield out
    root.handlers, root.level = handlers, level


def test_a_library_that_says_the_same_again_and_again_is_heard_once_and_its_next_sentence_too(out: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    for attempt in range(100):
        library.warning("cannot reach it, attempt %s", attempt)
    library.warning("it is there again")
    lines = out.getvalue().splitlines()
    assert ["attempt 0" in lines[0], "there again" in lines[1], len(lines)] == [True, True, 2]

"""What a task remembers of its stop, so that a restart does not forget it: only an operator lifts it.

A stopped task commits nothing more until then, so its stop stands at the very end of its changelog, where
`pipeline.stopped` finds it. The transaction that writes it must therefore be a small one.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pipeline.state import key_of
from stages.stage import Family


class Stopped(Struct, frozen=True, array_like=True):
    """`reason` is one line for a person, `at` the wall time."""

    reason: str
    at: datetime


STOPPED: Family[Stopped] = Family("stopped", Stopped)
STOPPED_KEY = key_of("", STOPPED.name)

"""The journal: what a pure task's transaction took, in order, so that its history can be worked through again.

One record for each transaction of `classify` and `group`, on the task's own partition of `journal.<stage>`, in the same
transaction. With the state as of `changelog` and these works in this order, at this time and by this configuration, the
stage gives what it gave then.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Taken(Struct, frozen=True, array_like=True):
    """Records of the task's partition of `topic`, all that can be read of `first <= offset < next`."""

    topic: str
    first: int
    next: int


class Fired(Struct, frozen=True, array_like=True):
    """A timer. `chain_passed` is False where it went on without the chain."""

    routing: str
    name: str
    due: datetime
    chain_passed: bool = True


class Visited(Struct, frozen=True, array_like=True):
    """A part of a sweep: its cause, what it is about, and the routing keys that were visited. The last part `ends`."""

    cause: str
    about: str
    routings: tuple[str, ...]
    ends: bool


class Journal(Struct, frozen=True, omit_defaults=True):
    """One transaction: first what it took, then the timers that fired, then what was visited.

    `now` and `wall` are its two times. `configuration` is the hash by which it judged. `changelog`: the offset on the
    task's partition of `state.<stage>` before which its state stood; what this transaction changed stands from there
    on. `missed_until`: as in the stage's context.
    """

    now: datetime
    wall: datetime
    changelog: int
    taken: tuple[Taken, ...] = ()
    fired: tuple[Fired, ...] = ()
    visited: tuple[Visited, ...] = ()
    configuration: str | None = None
    missed_until: datetime | None = None

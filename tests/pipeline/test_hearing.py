"""What a task has heard of those before it only grows, in whatever order it is heard."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.chain import RECEIVERS, TOLD_BEHIND, AnyBeat, Awaiting
from pipeline.state import Change, Memory, View
from pipeline.surroundings import Limits
from schemas.signals import ChainBeat, ReceiverBeat
from tests.pipeline.chained import ABOUT, PREFIX
from tests.pipeline.world import START

MINUTE = timedelta(minutes=1)


def heard(*beats: AnyBeat) -> Awaiting:
    memory = Memory([RECEIVERS, TOLD_BEHIND])
    awaiting = Awaiting(memory, 1, Limits())
    for beat in beats:
        awaiting.hear([beat], View(memory, Change(), START))
    return awaiting


def sender(at: datetime) -> ChainBeat:
    return ChainBeat(PREFIX, ABOUT, at, at, sender=0)


def receiver(at: datetime, up_since: datetime = START) -> ReceiverBeat:
    return ReceiverBeat(PREFIX, ABOUT, at, at, up_since)


def test_an_older_word_of_a_sender_takes_nothing_back() -> None:
    later = START + 5 * MINUTE
    assert heard(receiver(later), sender(later), sender(START)).passed == later


def test_a_receiver_whose_clock_is_behind_takes_nothing_back_and_is_no_gap() -> None:
    later = START + 5 * MINUTE
    awaiting = heard(sender(later), receiver(later), receiver(START + MINUTE), receiver(later, START + 4 * MINUTE))
    assert awaiting.passed == later
    assert awaiting.missed_until is None

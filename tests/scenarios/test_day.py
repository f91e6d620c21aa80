"""A day in a store is told exactly: nothing missing, nothing too much, at its time, and however it arrives."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from schemas.configuration import Configuration
from tests.scenarios.company import changed, default
from tests.scenarios.day import arriving, day, differences, doubted, expected, falsely_told, misses, played, told_of
from tests.scenarios.shops import Moody, Shops, Sulking
from tests.scenarios.steps import Change
from tests.scenarios.truth import found
from tests.scenarios.way import WAYS

HOURS_TO_ANSWER = timedelta(hours=2)
CONFIGURATIONS = {"defaults": default(), "changed": changed()}


def test_a_day_of_several_thousand_events_is_told_exactly() -> None:
    it = day(1, default(), each=11)
    steps = arriving(it, WAYS["straight"], 1)
    chain = played(it, Shops(), steps)
    assert differences(it, steps, chain) == {}
    assert chain.dead == []
    assert sum(not isinstance(step.act, Change) for step in steps) > 2000
    assert {alert.use_case for _, alert in chain.alerts} == {1, 2, 3, 4, 5, 6, 7}


@pytest.mark.parametrize("whole", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
@pytest.mark.parametrize("way", WAYS)
def test_it_is_told_exactly_in_whatever_way_it_arrives(way: str, whole: Configuration) -> None:
    seed = len(way)
    it = day(seed, whole, each=2)
    steps = arriving(it, WAYS[way], seed)
    chain = played(it, Shops(), steps)
    assert differences(it, steps, chain) == {}
    assert chain.dead == []


def test_what_the_two_configurations_tell_is_not_the_same() -> None:
    """Else the second one would prove nothing."""
    days = [day(3, whole, each=3) for whole in CONFIGURATIONS.values()]
    told = [Counter(one.rule for one in expected(it, it.steps)) for it in days]
    assert told[0] != told[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_with_one_question_in_five_unanswered_nothing_is_missing_and_what_is_false_says_so(seed: int) -> None:
    it = day(seed, default(), each=2)
    steps = arriving(it, WAYS["straight"], seed)
    chain = played(it, Moody(Random(seed)), steps)
    assert misses(it, steps, chain) == []
    assert falsely_told(it, steps, chain) == []
    assert chain.dead == []


@pytest.mark.parametrize("seed", [2, 3, 29])
def test_what_is_not_answered_for_minutes_is_told_in_the_end_and_what_is_false_says_so(seed: int) -> None:
    it = day(seed, default(), each=3)
    steps = arriving(it, WAYS["straight"], seed)
    chain = played(it, Sulking(), steps)
    wanted = expected(it, steps)
    still_open = [one for one in wanted if one.ended is None and one.opened < it.end - HOURS_TO_ANSWER]
    told, doubts = told_of(found(chain.alerts)), doubted(chain)
    # that an alert has ended is told once it is known, if ever
    must = {name for name in told_of(still_open) if name[0] != "payment-recovered"}
    assert must - told == set()
    assert told - told_of(wanted) <= doubts
    assert doubts
    assert chain.dead == []

"""After two hours without a receiver nobody is told that something has not happened which may only not have come in;
after hours without an answer of Shopify's what is open is what should be."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from tests.scenarios.company import default
from tests.scenarios.day import START, arriving, day, doubted, expected, played, told_of
from tests.scenarios.shops import Away, Shops
from tests.scenarios.steps import Gap
from tests.scenarios.truth import found
from tests.scenarios.way import missed

GAP = Gap(START + timedelta(hours=8), START + timedelta(hours=10))
RETRIES = timedelta(hours=4, minutes=15)
#: What was late is told an hour after the gap's retries at the latest.
LATE = timedelta(hours=7)
#: A job's report that was lost does not come again; a risk is told at once; a deadline that others have set goes on.
AT_ONCE = {"job-overdue", "order-high-risk", "refund-due", "dispute-evidence-due"}
RIGHT_AFTER_ALL = {"payment-recovered"}


@pytest.mark.parametrize("seed", [1, 2])
def test_where_shopify_answers_nothing_is_missing_and_what_is_false_says_so(seed: int) -> None:
    it = day(seed, default(), each=2)
    steps = arriving(it, partial(missed, gap=GAP), seed)
    chain = played(it, Shops(), steps, GAP)
    wanted, told = expected(it, steps), told_of(found(chain.alerts))
    assert told - told_of(wanted) <= doubted(chain)
    assert told_of(one for one in wanted if one.ended is None and one.opened < it.end - LATE) <= told
    assert chain.dead == []


def test_where_it_does_not_answer_either_shopifys_retries_are_waited_out() -> None:
    it = day(1, default(), each=2)
    chain = played(
        it, Away(GAP.begin, GAP.end + RETRIES + timedelta(hours=1)), arriving(it, partial(missed, gap=GAP), 1), GAP
    )
    unconfirmed = [
        (at, alert.rule)
        for at, alert in chain.alerts
        if alert.rule not in AT_ONCE and any(words.startswith("not confirmed") for words in alert.unknown)
    ]
    assert {rule for at, rule in unconfirmed if GAP.begin <= at < GAP.end + RETRIES} == set()
    assert len({rule for _, rule in unconfirmed}) > 2


@pytest.mark.parametrize("seed", [1, 5])
def test_once_shopify_answers_again_what_is_open_is_what_should_be(seed: int) -> None:
    it = day(seed, default(), each=1)
    chain = played(it, Away(GAP.begin, GAP.begin + timedelta(hours=5)), it.steps)
    wanted, told = expected(it, it.steps), list(found(chain.alerts))
    still = [one for one in wanted if one.ended is None]
    assert told_of(one for one in still if one.opened < it.end - timedelta(hours=2)) <= told_of(told)
    # what was told while nobody knew better came right after all
    assert {rule for rule, _ in told_of(one for one in told if one.ended is None) - told_of(still)} <= RIGHT_AFTER_ALL
    assert chain.dead == []

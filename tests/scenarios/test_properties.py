"""What holds of every day, whatever happens on it: the end does not depend on the way, nothing is told of what is only
a test, a low stock is told once until it is over, and nobody's personal data leave `enrich`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pipeline.simulators.shopify.orders import Order
from pipeline.state import Change as Written
from pipeline.state import Memory, View
from schemas import codec, topics
from schemas.alerts import AlertState, Severity
from schemas.notifications import Notification
from schemas.records import Record
from stages.channels.table import render
from stages.group import Group
from stages.stage import Context, Emit
from tests.scenarios.chain import Chain
from tests.scenarios.company import SHOP, default, own_shop
from tests.scenarios.day import OWN, START, STORIES, arriving, day, played
from tests.scenarios.purchases import MARK
from tests.scenarios.shops import Shops
from tests.scenarios.steps import Change, Plot, Signalled, Step, Webhook
from tests.scenarios.stories.approvals import Large
from tests.scenarios.stories.holds import Held
from tests.scenarios.stories.nots import Imported, OnlyATest
from tests.scenarios.stories.orders import BadAddress, Lacking, OnTerms, Pending, Risky, Voided
from tests.scenarios.stories.parcels import InParts, Refused, TakenBack
from tests.scenarios.stories.stock import Counted, FirstSight, Shelved
from tests.scenarios.stories.story import Story
from tests.scenarios.truth import found
from tests.scenarios.way import WAYS

WHOLE = default()
HOURS_LATER = timedelta(hours=6)
#: A course of readings is not one of states: an older one changes nothing, and the first one is where it starts from.
_COURSES = (Counted, FirstSight, Shelved)
LASTING = [kind for kind in dict.fromkeys((*STORIES, *OWN)) if kind not in _COURSES]


def told_by(kind: Callable[[Plot], Story], seed: int) -> Story:
    shop = own_shop(0) if kind in OWN else SHOP
    story = kind(Plot(0, START, Random(seed), WHOLE, shop))
    story.tell()
    story.plot.steps.sort(key=lambda step: step.at)
    return story


def afterwards(story: Story, webhooks: Sequence[Webhook]) -> set[tuple[str, str, frozenset[str]]]:
    """What is open in the end, where everything has happened before anything of it arrives, in this order."""
    over = story.plot.steps[-1].at + timedelta(minutes=1)
    steps = [step for step in story.plot.steps if not isinstance(step.act, Webhook)]
    steps += [Step(over + n * timedelta(seconds=1), sent) for n, sent in enumerate(webhooks)]
    chain = Chain(WHOLE, Shops(), START)
    chain.play(steps, over + HOURS_LATER)
    assert chain.dead == []
    milestones = {alert.id for _, alert in chain.alerts if alert.milestone}
    lasting = [(at, alert) for at, alert in chain.alerts if alert.id not in milestones]
    return {(one.rule, one.subject, one.teams) for one in found(lasting) if one.ended is None}


def webhooks_of(story: Story) -> list[Webhook]:
    return [step.act for step in story.plot.steps if isinstance(step.act, Webhook)]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(LASTING), st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(
    kind: Callable[[Plot], Story], seed: int, chance: Random
) -> None:
    story = told_by(kind, seed)
    in_order = webhooks_of(story)
    other = [*in_order, *chance.choices(in_order, k=len(in_order) // 2)] if in_order else []
    chance.shuffle(other)
    assert afterwards(story, other) == afterwards(story, in_order)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(WAYS)), st.lists(st.integers(-3, 40), min_size=2, max_size=9))
def test_a_low_stock_is_not_told_again_before_it_is_over(seed: int, way: str, available: list[int]) -> None:
    story = Counted(Plot(0, START, Random(seed), WHOLE, SHOP))
    story.kind, story.available = "watched", tuple(available)
    story.read = [START + n * timedelta(minutes=20) for n in range(len(available))]
    story.tell()
    chain = Chain(WHOLE, Shops(), START)
    chain.play(sorted(WAYS[way](story.plot.steps, Random(seed)), key=lambda step: step.at), START + timedelta(days=1))
    for rule in ("inventory-low", "inventory-out", "inventory-oversold"):
        alerts = [alert for _, alert in chain.alerts if alert.rule == rule and not alert.line]
        states = [alert.state for alert in alerts if alert.team == "procurement"]
        told = [state for state in states if state is not AlertState.UPDATED]
        assert told == [AlertState.FIRING, AlertState.RESOLVED] * (len(told) // 2) + [AlertState.FIRING] * (
            len(told) % 2
        )


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([*STORIES, *OWN]), st.integers(0, 10_000))
def test_nothing_is_told_of_deliveries_that_only_try_the_subscription(kind: Callable[[Plot], Story], seed: int) -> None:
    story = told_by(kind, seed)
    steps = [
        replace(step, act=replace(step.act, test=True) if isinstance(step.act, Webhook) else step.act)
        for step in story.plot.steps
        if not isinstance(step.act, Signalled)
    ]
    chain = Chain(WHOLE, Shops(), START)
    chain.play(
        [step for step in steps if not _is_uninstalling(step) and not _is_event(step)], START + timedelta(days=1)
    )
    assert [alert.title for _, alert in chain.alerts] == []


def _is_event(step: Step) -> bool:
    """The admin tries webhooks only: there is no header that would say so of an Event."""
    return isinstance(step.act, Webhook) and bool(step.act.resource)


def _is_uninstalling(step: Step) -> bool:
    return isinstance(step.act, Webhook) and step.act.topic == "app/uninstalled"


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([OnlyATest, Imported]), st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_nothing_is_told_of_test_orders_and_imports_in_whatever_order_deliveries_come(
    kind: Callable[[Plot], Story], seed: int, chance: Random
) -> None:
    story = told_by(kind, seed)
    sent = webhooks_of(story)
    chance.shuffle(sent)
    changes = [step for step in story.plot.steps if isinstance(step.act, Change)]
    chain = Chain(WHOLE, Shops(), START)
    arrivals = [Step(START + timedelta(minutes=10 * n), one) for n, one in enumerate(sent, 1)]
    chain.play([*changes, *arrivals], START + timedelta(days=1))
    assert [alert.title for _, alert in chain.alerts] == []


@pytest.fixture(scope="module")
def whole_day() -> Chain:
    it = day(5, WHOLE, each=2)
    return played(it, Shops(), arriving(it, WAYS["shuffled"], 5))


def test_bodies_carry_the_mark_and_no_record_behind_enrich_does(whole_day: Chain) -> None:
    it = day(5, WHOLE, each=2)
    marked = [step for step in it.steps if isinstance(step.act, Webhook) and MARK.encode() in step.act.body]
    assert len(marked) > 100
    assert [record for record in whole_day.passed if MARK.encode() in record] == []


def test_no_message_carries_the_mark(whole_day: Chain) -> None:
    messages = list(_messages(whole_day))
    assert len(messages) > 100
    assert [message for message in messages if MARK.encode() in message] == []


def _messages(chain: Chain) -> list[bytes]:
    """As they would be posted, on every channel of their team."""
    group = Group(WHOLE)
    memory, posted = Memory(group.families), list[bytes]()
    for at, alert in chain.alerts:
        view = View(memory, Written(), at)
        record = Record(topics.ALERTS, 0, 0, 0, alert.team.encode(), codec.encode(alert))
        outcomes = list(group.process(record, Context(view, at, at)))
        memory.apply(view.change)
        for outcome in outcomes:
            if isinstance(outcome, Emit) and isinstance(outcome.value, Notification):
                team = WHOLE.team(outcome.value.team)
                assert team is not None
                posted.append(render(outcome.value, team, WHOLE.opentext).body)
    return posted


# --- what comes a day late --------------------------------------------------------------------------------------------

#: Stories of orders; of parcels only Shopify could tell, and its world has none of theirs.
_OVER_MEANWHILE = (Pending, Voided, Risky, BadAddress, Lacking, OnTerms, Held, TakenBack, Refused, InParts, Large)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_but_criticals_is_told_of_what_comes_a_day_late_and_was_over_by_then(seed: int) -> None:
    it = day(seed, WHOLE, each=2, told=_OVER_MEANWHILE)
    worlds = [step for step in it.steps if isinstance(step.act, Change)]
    late = [replace(step, at=step.at + timedelta(hours=40)) for step in it.steps if not isinstance(step.act, Change)]
    end = it.end + timedelta(hours=2)
    orders = {order.id: (story, order) for step in worlds for story, order in _orders(step)}
    gone = {"cancelled_at": end, "closed_at": end, "updated_at": end}
    cancelled = [Step(end, Change(story, (structs.replace(order, **gone),))) for story, order in orders.values()]
    chain = Chain(WHOLE, Shops(), it.start)
    chain.play(sorted([*worlds, *cancelled, *late], key=lambda step: step.at), it.end + timedelta(hours=60))

    told = [alert for _, alert in chain.alerts if not alert.milestone and "/order/" in alert.subject]
    assert [alert.title for alert in told if alert.severity is not Severity.CRITICAL] == []


def _orders(step: Step) -> list[tuple[int, Order]]:
    if not isinstance(step.act, Change):
        return []
    return [(step.act.story, thing) for thing in step.act.things if isinstance(thing, Order)]

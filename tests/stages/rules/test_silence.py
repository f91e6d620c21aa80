"""Silence: webhooks that have stopped, and a shop in which nothing happens; what Shopify says of it decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.alerts import Alert, AlertState, Audience, Severity
from schemas.configuration import OperationRules, Rules, SyncRules
from schemas.facts.operations import SyncFacts
from schemas.questions import QuestionKind
from schemas.signals import TopicHeard
from stages.dossiers.rhythms import beaten, silent_from, span_end
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels, routed

TOPIC = "orders/create"
SUBJECT = subjects.topic(SHOP, TOPIC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEAST = 30 * MINUTE


def heard(desk: Desk, at: datetime | None = None) -> list[Alert]:
    moment = at or desk.now
    return desk.signal(TopicHeard(SHOP, SUBJECT, moment, moment))


def watching(rules: SyncRules) -> Desk:
    return Desk(configuration(rules=Rules(operations=OperationRules(sync=rules))))


def says(desk: Desk, newer: int | None, *, more: bool = False) -> list[Alert]:
    """Shopify answers the question that was asked first, and what follows from it is waited for."""
    since = datetime.fromisoformat(desk.asked[0].resource)
    newest = desk.now - 10 * MINUTE if newer else None
    facts = SyncFacts(since=since, newer=newer, more=more, newest=newest)
    return desk.answer(facts, ("sync",) if newer is None else ()) + desk.passes(timedelta())


def silent() -> Desk:
    """A day after the first webhook, as long as the rhythm is not known."""
    desk = Desk()
    heard(desk)
    assert desk.passes(DAY) == []
    assert desk.asked == []
    desk.passes(5 * MINUTE)
    return desk


# --- what Shopify says ------------------------------------------------------------------------------------------------


def test_where_shopify_has_newer_ones_the_webhooks_have_stopped() -> None:
    desk = silent()
    (question,) = desk.asked
    assert (question.kind, question.subject) == (QuestionKind.SYNC, SUBJECT)
    assert question.resource == "2026-11-02T09:05:00+00:00"

    (alert,) = says(desk, 7)

    assert (alert.rule, alert.severity) == ("sync-stopped", Severity.CRITICAL)
    assert alert.title == "Webhooks of demo.myshopify.com have stopped: 7 orders that orders/create has not told"
    assert labels(alert) == {
        "Shop": SHOP,
        "Topic": "orders/create",
        "Last webhook": "02 Nov 2026 at 09:05 UTC",
        "Missed": "7",
        "Newest in shopify": "03 Nov 2026 at 08:55 UTC",
    }
    assert alert.link == "https://admin.shopify.com/store/demo/orders"
    (end,) = heard(desk)
    assert (end.state, labels(end)) == (AlertState.RESOLVED, {"Ended": "a webhook came on 03 Nov 2026 at 09:05 UTC"})


def test_where_shopify_has_none_nothing_happens_in_the_shop_and_ecommerce_hears_of_it() -> None:
    desk = Desk(routed(Audience.ECOMMERCE, Audience.IT_SUPPORT))
    heard(desk)
    desk.passes(DAY + 5 * MINUTE)

    (alert,) = says(desk, 0)

    assert (alert.severity, alert.team, alert.unknown) == (Severity.WARNING, "e-commerce", ())
    assert alert.title == "No orders at all from demo.myshopify.com for 1 day"


def test_where_shopify_does_not_say_that_is_said() -> None:
    (alert,) = says(silent(), None)

    assert alert.severity is Severity.WARNING
    assert alert.title == "Nothing has come in on orders/create from demo.myshopify.com for 1 day"
    assert alert.unknown == ("whether Shopify has anything newer: it did not say",)


def test_more_than_a_page_of_them_is_said_to_be_more() -> None:
    (alert,) = says(silent(), 50, more=True)

    assert labels(alert)["Missed"] == "50 or more"


def test_while_it_lasts_shopify_is_asked_again_and_what_was_quiet_may_have_stopped() -> None:
    desk = silent()
    says(desk, 0)
    assert desk.passes(HOUR * 23) == []
    assert desk.asked == []
    desk.passes(HOUR)

    (worse,) = says(desk, 3)

    assert (worse.state, worse.severity) == (AlertState.UPDATED, Severity.CRITICAL)
    assert worse.since == START + 5 * MINUTE
    desk.passes(DAY)
    assert len(desk.asked) == 0
    desk.passes(DAY)
    assert len(desk.asked) == 1


# --- what ends it, and what never begins it ---------------------------------------------------------------------------


def test_a_webhook_in_time_begins_the_silence_anew() -> None:
    desk = Desk()
    for _ in range(4):
        heard(desk)
        desk.passes(23 * HOUR)

    assert (desk.asked, desk.alerts) == ([], [])


def test_an_answer_to_an_earlier_silence_says_nothing_of_this_one() -> None:
    desk = silent()
    heard(desk)

    assert says(desk, 7) == []
    desk.passes(DAY + 5 * MINUTE)
    assert (desk.open, len(desk.asked)) == ({}, 1)


def test_the_end_of_the_app_ends_it_and_nothing_is_asked_any_more() -> None:
    desk = SweptDesk()
    heard(desk)
    desk.passes(DAY + 5 * MINUTE)
    says(desk, 7)

    desk.uninstalled(desk.now)

    assert [(alert.state, labels(alert)) for alert in desk.alerts[1:]] == [
        (AlertState.RESOLVED, {"Ended": "the app was uninstalled"})
    ]
    assert desk.due == {}


def test_after_the_receiver_was_away_it_is_waited_until_shopify_has_stopped_sending_again() -> None:
    desk = silent()
    desk.missed_until = desk.now + 4 * HOUR

    assert says(desk, 7) == []
    assert desk.passes(3 * HOUR) == []
    (alert,) = desk.passes(HOUR)

    assert alert.severity is Severity.CRITICAL


def test_after_the_receiver_was_away_a_webhook_that_was_sent_again_ends_the_silence() -> None:
    desk = silent()
    desk.missed_until = desk.now + 4 * HOUR
    says(desk, 7)
    desk.passes(HOUR)

    assert heard(desk) == []
    assert desk.passes(5 * HOUR) == []


def test_a_topic_that_is_not_watched_is_silent() -> None:
    desk = watching(SyncRules(topics=()))
    heard(desk)
    desk.signal(TopicHeard(SHOP, subjects.topic(SHOP, "carts/update"), START, START))

    assert desk.passes(30 * DAY) == []
    assert desk.asked == []


def test_the_limit_before_a_rhythm_is_known_is_configured() -> None:
    desk = watching(SyncRules(unknown_rhythm=2 * HOUR))
    heard(desk)

    desk.passes(2 * HOUR + 5 * MINUTE)

    assert len(desk.asked) == 1


# --- the rhythm -------------------------------------------------------------------------------------------------------


def rhythm(until: datetime, *moments: tuple[int, int]) -> dict[int, int]:
    """Heard at these hours and minutes of each day of more than two weeks before."""
    found: dict[int, int] = {}
    midnight = until.replace(hour=0, minute=0)
    for day in range(16, -1, -1):
        for hour, minute in moments:
            if (at := midnight - day * DAY + hour * HOUR + minute * MINUTE) < until:
                found = beaten(found, at)
    return found


@pytest.mark.parametrize(("every", "silence"), [(5, 30), (10, 60), (20, 120), (30, 180)])
def test_six_usual_gaps_are_too_long(every: int, silence: int) -> None:
    known = rhythm(START, *((hour, minute) for hour in range(24) for minute in range(0, 60, every)))

    assert silent_from(known, START, 6, LEAST) == START + silence * MINUTE


def test_however_short_the_usual_gaps_are_half_an_hour_is_waited() -> None:
    known = rhythm(START, *((hour, minute) for hour in range(24) for minute in range(0, 60, 5)))

    assert silent_from(known, START, 2, LEAST) == START + LEAST


def test_a_night_in_which_nothing_is_usual_does_not_count() -> None:
    evening = START.replace(hour=19, minute=50) - DAY
    known = rhythm(evening, *((hour, minute) for hour in range(8, 20) for minute in range(0, 60, 10)))

    assert silent_from(known, evening, 6, LEAST) == START.replace(hour=8, minute=50)


def test_an_hour_counts_as_it_is_on_its_own_day_of_the_week() -> None:
    saturday = START.replace(hour=23, minute=50) - 2 * DAY
    known = rhythm(saturday, *((hour, minute) for hour in range(24) for minute in range(0, 60, 10)))
    quiet = {hour: bits for hour, bits in known.items() if datetime.fromtimestamp(hour * 3600, UTC).weekday() != 6}

    assert silent_from(quiet, saturday, 6, LEAST) == START.replace(hour=0, minute=50)


def test_of_a_shop_that_is_hardly_ever_heard_two_weeks_are_waited() -> None:
    assert silent_from(beaten({}, START), START, 6, LEAST) == START + 14 * DAY


def test_what_is_older_than_two_weeks_is_forgotten() -> None:
    known = beaten(beaten({}, START), START + 15 * DAY)

    assert len(known) == 1


@given(st.lists(st.integers(min_value=0, max_value=60 * 24 * 20), min_size=1, max_size=30), st.randoms())
def test_a_rhythm_does_not_depend_on_the_order_and_number_of_its_signals(minutes: list[int], chance: object) -> None:
    told = [*minutes, *minutes[:5]]
    shuffled = sorted(told, key=lambda minute: hash((minute, str(chance))))
    one: dict[int, int] = {}
    other: dict[int, int] = {}
    for minute in told:
        one = beaten(one, START + minute * MINUTE)
    for minute in shuffled:
        other = beaten(other, START + minute * MINUTE)

    assert one == other


def test_once_two_weeks_are_known_the_rhythm_is_the_limit() -> None:
    desk = Desk()
    for _ in range(15 * 24 * 2):
        heard(desk)
        desk.passes(30 * MINUTE)
    last = desk.now - 30 * MINUTE

    assert desk.due["sync-stopped|ask"] == span_end(last) + 3 * HOUR

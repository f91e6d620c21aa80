"""How rules name orders, moments and spans of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.facts.orders import OrderFacts
from schemas.facts.returns import DispositionFacts
from schemas.facts.table import AnyFacts
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import Known, Stamp
from stages.rules.rule import Case
from stages.rules.words import called, moment, order_link, order_of, plain, shipped, spell
from tests.stages.rules.world import NUMBER, SHOP, START, configuration


def case(subject: str, *facts: OrderFacts | DispositionFacts) -> Case:
    stamp = Stamp(START, START, "delivery")
    shelf: dict[str, Known[AnyFacts]] = {str(one.__struct_config__.tag): Known(stamp, "kind", one) for one in facts}
    return Case(SHOP, subject, Dossier(facts=shelf), START, configuration())


ORDER = f"{SHOP}/order/{NUMBER}"


@pytest.mark.parametrize(
    ("lasted", "words"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1, seconds=12), "1 minute"),
        (timedelta(minutes=74), "1 hour 14 minutes"),
        (timedelta(days=2, minutes=3), "2 days 3 minutes"),
        (timedelta(days=1, hours=3, minutes=9), "1 day 3 hours"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_a_span_of_time_is_told_in_its_two_largest_units(lasted: timedelta, words: str) -> None:
    assert spell(lasted) == words


def test_a_moment_is_told_in_utc() -> None:
    assert moment(datetime(2026, 11, 2, 10, tzinfo=timezone(timedelta(hours=1)))) == "02 Nov 2026 at 09:00 UTC"
    assert moment(datetime(2026, 11, 2, 10, tzinfo=UTC)) == "02 Nov 2026 at 10:00 UTC"


def test_an_order_is_called_by_its_name_wherever_one_was_told() -> None:
    unnamed = case(ORDER, OrderFacts(id=NUMBER))
    named = case(ORDER, OrderFacts(id=NUMBER, name="#1001"))
    by_the_way = case(ORDER, DispositionFacts(id=1, order_name="#1001"))

    assert [called(one) for one in (unnamed, named, by_the_way)] == [f"order {NUMBER}", "order #1001", "order #1001"]
    assert [order_of(one) for one in (unnamed, named)] == [str(NUMBER), "#1001"]


def test_what_is_no_order_has_no_order_to_be_called_by() -> None:
    card = case(f"{SHOP}/card/0123")

    assert (called(card), order_of(card), order_link(card)) == ("card 0123", None, None)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((), "not known"),
        ((OrderFacts(id=1),), "no"),
        ((OrderFacts(id=1, absent=("fulfillment",)),), "not known"),
        ((OrderFacts(id=1, fulfillment="partial"),), "in part"),
        ((OrderFacts(id=1, fulfillment="fulfilled"),), "yes"),
        ((OrderFacts(id=1, fulfillment="restocked"),), "restocked"),
    ],
)
def test_shipped_is_said_as_far_as_it_is_known(facts: tuple[OrderFacts, ...], words: str) -> None:
    assert shipped(case(ORDER, *facts)) == words


def test_shopifys_words_are_written_plainly() -> None:
    assert (plain("insufficient_funds"), plain(None)) == ("insufficient funds", "unknown")

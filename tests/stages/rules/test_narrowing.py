"""`when` of a rule: it narrows what opens and what is told once, ends what it does not hold for, and fails safely."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Alert, AlertState, Audience, Severity, Untold
from schemas.configuration import Configuration, Rules
from schemas.facts.orders import Customer, OrderFacts
from schemas.facts.shipments import FulfillmentFacts
from stages.rules.rule import Case, Clear, Due, Fire, Said, Tell, Verdict
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import NUMBER, START, Desk, configuration, labels, usd

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Paid:
    """Fires for every order that is not paid, tells once of one that is, and waits an hour with those pending."""

    name: str = "order-high-risk"
    use_case: int = 1
    watches: frozenset[str] = frozenset({"order"})

    def judge(self, case: Case) -> list[Verdict]:
        order = case.dossier.order
        said = Said(title="an order", since=START, severity=Severity.WARNING, audiences=(Audience.OPERATIONS,))
        match order.financial if order else None:
            case "paid":
                return [Clear("it is paid"), Tell(said, "paid")]
            case "pending":
                return [Due(said, START + HOUR)]
            case "open":
                return [Fire(said)]
            case _:
                return []


def narrowed(when: str) -> Configuration:
    return configuration(rules=Rules(when={"order-high-risk": when}))


def desk(when: str) -> Desk:
    return Desk(narrowed(when), [Paid()])


def tell(at: Desk, financial: str | None, total: str | None = None, minute: int = 0, **changed: Any) -> list[Alert]:
    facts = OrderFacts(id=NUMBER, financial=financial, total=None if total is None else usd(total), **changed)
    moment = START + timedelta(minutes=minute)
    return at.event("orders/updated", facts, updated=moment, occurred=moment, delivery_id=f"{minute:03d}")


def test_what_it_holds_for_opens_and_nothing_else() -> None:
    assert len(tell(desk("order.total > 500"), "open", "501")) == 1
    assert tell(desk("order.total > 500"), "open", "500") == []


def test_a_milestone_is_narrowed_too() -> None:
    assert len(tell(desk("order.total > 500"), "paid", "501")) == 1
    assert tell(desk("order.total > 500"), "paid", "500") == []


def test_what_has_to_last_waits_only_where_it_holds() -> None:
    large, mild = desk("order.total > 500"), desk("order.total > 500")
    tell(large, "pending", "501")
    tell(mild, "pending", "500")

    assert (len(large.passes(2 * HOUR)), mild.passes(2 * HOUR)) == (1, [])


def test_an_open_alert_ends_when_it_does_not_hold_any_more() -> None:
    at = desk("order.total > 500")
    tell(at, "open", "501")

    (ended,) = tell(at, "open", "400", minute=1)

    assert ended.state is AlertState.RESOLVED
    assert labels(ended)["Ended"] == "the rule's condition does not hold: order.total > 500"


def test_it_ends_also_where_the_rule_itself_has_nothing_to_say() -> None:
    at = desk("order.total > 500")
    tell(at, "open", "501")

    assert [alert.state for alert in tell(at, None, "400", minute=1)] == [AlertState.RESOLVED]


def test_an_end_of_the_rules_own_is_told_in_its_own_words() -> None:
    at = desk("order.total > 500")
    tell(at, "open", "501")

    (ended, *_) = tell(at, "paid", "400", minute=1)

    assert labels(ended)["Ended"] == "it is paid"


def test_what_cannot_be_told_goes_out_and_says_so() -> None:
    (alert,) = tell(desk("customer.orders > 3"), "open", "501")

    assert alert.unknown == ("whether it was to be told: customer.orders > 3 (not known: customer.orders)",)
    assert alert.untold is Untold.UNKNOWN


def test_a_condition_that_fails_on_the_facts_that_came_goes_out_and_says_so() -> None:
    (alert,) = tell(desk("int(order.name) > 3"), "open", "501", name="#1001")

    assert alert.unknown[0].startswith("whether it was to be told: int(order.name) > 3 (it failed: ")
    assert alert.untold is Untold.FAILED


def test_a_long_condition_and_what_it_failed_on_are_cut_in_a_message() -> None:
    long = "customer.orders > 3" + " || customer.orders > 4" * 30

    (unknown,) = tell(desk(long), "open", "501")[0].unknown
    (failed,) = tell(desk("duration(order.name) > duration('1s')"), "open", "501", name="x" * 65_536)[0].unknown

    assert unknown.startswith("whether it was to be told: customer.orders > 3 || customer.orders > 4 || ")
    assert max(len(unknown), len(failed)) < 300


def test_an_alert_of_which_it_was_not_known_ends_when_it_turns_out_not_to_hold() -> None:
    at = desk("customer.orders > 3")
    tell(at, "open", "501")

    ended = tell(at, "open", "501", minute=1, customer=Customer(3, orders=1))

    assert [alert.state for alert in ended] == [AlertState.RESOLVED]


def test_an_alert_of_which_it_was_not_known_is_not_told_again_when_it_turns_out_to_hold() -> None:
    at = desk("customer.orders > 3")
    tell(at, "open", "501")

    assert tell(at, "open", "501", minute=1, customer=Customer(3, orders=9)) == []


def test_what_is_not_known_ends_nothing() -> None:
    at = desk("order.total > 500")
    tell(at, "open", "501")

    assert tell(at, "open", None, minute=1) == []


def test_it_opens_again_when_it_holds_again() -> None:
    at = desk("order.total > 500")
    tell(at, "open", "501")
    tell(at, "open", "400", minute=1)

    assert [alert.state for alert in tell(at, "open", "600", minute=2)] == [AlertState.FIRING]


def test_a_rule_without_one_is_as_it_was() -> None:
    at = Desk(configuration(rules=Rules(when={"order-payment-pending": "order.total > 500"})), [Paid()])

    assert len(tell(at, "open", "1")) == 1


def test_a_parcels_condition_sees_its_own_parcel() -> None:
    at = Desk(configuration(rules=Rules(when={"shipment-exception": 'fulfillment.carrier == "DHL"'})))
    for number, carrier in ((7, "UPS"), (8, "DHL"), (9, "UPS")):
        facts = FulfillmentFacts(
            id=number, order_id=NUMBER, name=f"#1.{number}", status="failure", carrier=carrier, created=START
        )
        at.event("fulfillments/update", facts, updated=START, occurred=START)

    assert [alert.title for alert in at.alerts if "#1.8" in alert.title] == [alert.title for alert in at.alerts] != []


def test_another_configurations_condition_ends_what_it_does_not_hold_for_and_opens_nothing() -> None:
    at = SweptDesk(configuration(), [Paid()])
    tell(at, "open", "400")

    (ended,) = at.reconfigure(narrowed("order.total > 500"), [Paid()])

    assert ended.state is AlertState.RESOLVED
    because = "the configuration changed: the rule's condition does not hold: order.total > 500"
    assert labels(ended)["Ended"] == because
    assert at.reconfigure(narrowed("order.total > 300"), [Paid()]) == []
    assert [alert.state for alert in tell(at, "open", "401", minute=1)] == [AlertState.FIRING]


def test_what_another_configurations_condition_cannot_tell_of_stays_open() -> None:
    at = SweptDesk(configuration(), [Paid()])
    tell(at, "open", "400")

    assert at.reconfigure(narrowed("customer.orders > 3"), [Paid()]) == []


STATES = (("open", "600"), ("open", "400"), ("pending", "600"), ("paid", "600"), ("open", "700"), (None, "100"))


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    told = data.draw(st.lists(st.integers(0, len(STATES) - 1), min_size=1, unique=True))
    arriving = data.draw(st.permutations([*told, *data.draw(st.lists(st.sampled_from(told)))]))
    in_order, mixed = desk("order.total > 500"), desk("order.total > 500")
    for at, states in ((in_order, sorted(told)), (mixed, arriving)):
        for minute in states:
            financial, total = STATES[minute]
            tell(at, financial, total, minute)
    newest = STATES[max(told)]
    if newest[0] == "pending":  # waits, and leaves open what was open: that alone depends on what came before
        return

    assert set(mixed.open) == set(in_order.open)


def test_a_condition_is_about_the_newest_state_whatever_came_last() -> None:
    at = desk("order.total > 500")
    tell(at, "open", "400", minute=5)

    assert tell(at, "open", "900", minute=1) == []

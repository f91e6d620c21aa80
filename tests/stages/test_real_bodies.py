"""From real webhook bodies to alerts: what no stage's own tests can see, since each is told facts made by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import Sale
from pipeline.simulators.shopify.graph import MoneyV2, gid
from pipeline.simulators.shopify.orders import FulfillmentHold, OrderRiskAssessment, OrderRiskSummary
from pipeline.simulators.shopify.people import Customer
from schemas.alerts import Detail
from tests.stages.chain import START, Chain, bought, known, parcel, returned, scan, told


@pytest.mark.parametrize("place", range(4))
def test_of_a_test_order_nothing_stays_open_whatever_comes_first(place: int) -> None:
    chain, sale = Chain(), bought(test=True, financial="pending")
    known(chain, sale)
    bodies = [
        ("fulfillments/create", parcel(sale)),
        ("fulfillment_events/create", scan(sale, "failure")),
        ("returns/approve", returned(sale, "open")),
    ]
    bodies.insert(place, ("orders/create", sale.body()))
    for topic, body in bodies:
        chain.webhook(topic, body)
    chain.passes(days=30)
    assert chain.open == {"sync-stopped"}, "of the order nothing; the shop has been silent for a month"
    told_of = {alert.rule for alert in chain.alerts} - {"pipeline-degraded"}
    assert place > 0 or told_of == {"sync-stopped"}, "but that the shop does not know the return, for us"


def test_an_order_that_was_brought_over_is_nobodys_news_also_where_only_an_event_tells_of_it() -> None:
    chain, sale = Chain(), bought(tags=("review",))
    brought = structs.replace(sale.thing(), processed_at=START - timedelta(days=700))
    chain.store.put(brought, sale.to_be_shipped(sale.created))

    assert chain.order_event(sale.number) == []


def test_a_checkout_that_became_a_test_order_is_not_left_behind() -> None:
    chain, sale = Chain(access=False), bought(test=True, checkout_token="a1")
    chain.webhook("checkouts/create", _checkout("a1"))
    told(chain, "orders/create", sale)
    assert chain.passes(hours=3) == []


def test_a_hold_that_shopifys_replicas_have_not_heard_of_is_told_all_the_same() -> None:
    chain, sale = Chain(), bought()
    known(chain, sale)
    assert [alert.rule for alert in chain.webhook("fulfillment_holds/added", _held(sale))] == ["order-manual-review"]


def test_a_hold_that_shopifys_replicas_still_know_ends_with_its_release() -> None:
    chain, sale = Chain(), bought()
    known(chain, sale, HOLD)
    chain.webhook("fulfillment_holds/added", _held(sale))
    chain.passes(minutes=1)
    chain.webhook("fulfillment_holds/released", _held(sale))
    assert chain.open == set()


def test_a_risk_that_is_learned_a_day_late_is_what_shopify_says_now() -> None:
    chain, sale = Chain(), bought(risk=ACCEPTED)
    known(chain, sale)
    assert chain.webhook(RISK, _risk(sale), START - timedelta(days=2)) == []
    assert len(chain.webhook(RISK, _risk(sale), START - timedelta(minutes=1))) == 1


def test_two_alerts_that_one_delivery_raises_are_each_told_once_and_as_bad_as_they_are() -> None:
    chain = Chain()
    raised = told(chain, "orders/create", bought(quantity=40, verdict="ERROR"))
    assert sorted(f"{alert.rule} {alert.state} {alert.severity}" for alert in raised) == [
        "approval-required firing critical",
        "order-address-invalid firing critical",
    ]


def test_whether_a_customer_is_a_premium_one_is_said_to_be_unknown_where_shopify_does_not_tell() -> None:
    raised = told(Chain(access=False), "orders/create", bought(zip=None))
    assert [alert.unknown for alert in raised if alert.rule == "order-address-invalid"] == [
        (
            "what Shopify's own validation of the address says",
            "from where and by when it is to be fulfilled",
            "whether the customer is a premium one",
        )
    ]


def test_an_order_that_is_to_be_fulfilled_soon_is_urgent() -> None:
    chain, sale = Chain(), bought(verdict="ERROR")
    told(chain, "orders/create", sale)
    soon = structs.replace(sale.to_be_shipped(START), fulfill_by=START + timedelta(hours=20))
    chain.store.put(soon)
    body = sample(_ROUTED) | {"fulfillment_order": {"id": soon.id, "status": "open"}}
    (alert,) = chain.webhook(_ROUTED, body)
    assert (alert.rule, alert.severity) == ("order-address-invalid", "critical")
    assert alert.details[-3:] == (
        Detail("Fulfill by", "03 Nov 2026 at 05:00 UTC"),
        Detail("Location", "Main warehouse"),
        Detail("Priority", "to be fulfilled within 24 hours"),
    )


def test_without_access_a_return_begins_once_though_its_label_names_no_order() -> None:
    chain, sale = Chain(access=False), bought()
    chain.webhook("returns/request", returned(sale, "requested"))
    chain.webhook(_LABELLED, sample(_LABELLED) | {"return": {"id": 7001}})
    assert [alert.title for alert in chain.alerts if alert.team == "returns"] == [
        "Return #2001-R1: requested",
        "Return 7001: label or tracking attached",
    ]


def test_the_end_of_a_lost_dispute_does_not_ask_for_evidence() -> None:
    chain, sale = Chain(), bought(fulfillment="fulfilled")
    told(chain, "orders/create", sale)
    for topic, status in (("disputes/create", "needs_response"), ("disputes/update", "lost")):
        chain.webhook(topic, sample(topic) | {"order_id": sale.number, "status": status})
    assert [alert.title for alert in chain.alerts[-2:]] == ["Chargeback over 11.50 CAD, order #2001: lost"] * 2


def test_a_parcel_is_not_told_of_whose_order_is_a_test_or_was_brought_over_and_has_not_told_of_itself() -> None:
    for changed in ({"test": True}, {"processed_at": START - timedelta(days=700)}):
        chain, sale = Chain(), bought()
        chain.store.put(structs.replace(sale.thing(), **changed), sale.to_be_shipped(START))
        chain.webhook("fulfillments/create", parcel(sale))
        chain.webhook("fulfillment_events/create", scan(sale, "failure"))
        chain.passes(hours=1)

        assert chain.alerts == []


def test_an_order_that_only_its_parcel_has_told_of_is_called_by_its_name() -> None:
    chain, sale = Chain(), bought()
    known(chain, sale)

    (alert,) = [
        a for a in chain.webhook("fulfillment_events/create", scan(sale, "failure")) if a.severity == "critical"
    ]

    assert alert.title == "Order #2001: the carrier reports a failure"


def test_an_order_that_comes_two_days_late_is_what_shopify_says_that_it_is_now() -> None:
    for now, opened in (
        ({"tags": ("review",)}, {"order-manual-review"}),
        ({}, set()),
        ({"fulfillment": "fulfilled"}, set()),
    ):
        chain = Chain()
        known(chain, bought(updated=START - timedelta(hours=1), **now))
        old = bought(tags=("review",), created=START - timedelta(days=2), updated=START - timedelta(days=2))
        chain.webhook("orders/create", old.body(), START - timedelta(days=2))

        assert chain.open == opened


def test_a_hold_that_is_learned_two_days_late_and_is_gone_is_not_told() -> None:
    chain, sale = Chain(), bought()
    known(chain, sale)

    assert chain.webhook("fulfillment_holds/added", _held(sale), START - timedelta(days=2)) == []


@pytest.mark.parametrize(
    ("topic", "body", "severity"),
    [
        ("customer.tags_added", {"tags": ["vip"]}, "critical"),
        ("customer.tags_added", {"tags": ["newsletter"]}, "warning"),
        ("customer.tags_removed", {"tags": ["vip"]}, "warning"),
        ("customer.joined_segment", {"segment_id": gid("Segment", 3)}, "warning"),
    ],
)
def test_what_makes_a_customer_premium_makes_their_open_orders_urgent(topic: str, body: Json, severity: str) -> None:
    chain, sale = Chain(), bought(zip=None)
    chain.store.put(buyer(sale.customer))
    told(chain, "orders/create", sale)
    chain.passes(minutes=1)

    chain.webhook(topic, {"customerId": gid("Customer", sale.customer)} | body)

    assert [alert.severity for alert in chain.alerts if alert.rule == "order-address-invalid"][-1] == severity


def buyer(number: int) -> Customer:
    return Customer(id=gid("Customer", number), amount_spent=MoneyV2(amount=Decimal(10)))


def test_an_event_of_a_fulfillment_order_tells_of_its_request_and_its_holds() -> None:
    chain, sale = Chain(), bought()
    known(chain, sale)
    refused = structs.replace(sale.to_be_shipped(START), request_status="REJECTED")
    for seen, opened in (
        (refused, {"shipment-exception"}),
        (sale.to_be_shipped(START, HOLD), {"order-manual-review"}),
        (sale.to_be_shipped(START), set()),
    ):
        chain.passes(minutes=5)
        chain.store.put(seen)
        chain.event("FulfillmentOrder", seen.id)

        assert chain.open == opened


HOLD = FulfillmentHold(id=gid("FulfillmentHold", 1), reason="OTHER", display_reason="Other", handle="desk")
_ROUTED = "fulfillment_orders/order_routing_complete"
_LABELLED = "reverse_deliveries/attach_deliverable"
RISK = "orders/risk_assessment_changed"
ACCEPTED = OrderRiskSummary(recommendation="ACCEPT", assessments=(OrderRiskAssessment(risk_level="LOW"),))


def _held(sale: Sale) -> Json:
    hold = {"id": HOLD.id, "reason": "other", "handle": "desk", "held_by_requesting_app": False}
    own = {"fulfillment_order": {"id": sale.fulfillment_order}, "fulfillment_hold": hold}
    return sample("fulfillment_holds/added") | own


def _risk(sale: Sale) -> Json:
    own = {"order_id": str(sale.number), "provider_id": None, "provider_title": None, "risk_level": "HIGH"}
    return sample(RISK, "orders_risk_assessment_changed__2") | own | {"created_at": START.isoformat()}


def _checkout(token: str) -> Json:
    return sample("checkouts/create") | {
        "token": token,
        "created_at": START.isoformat(),
        "updated_at": (START + timedelta(minutes=1)).isoformat(),
    }

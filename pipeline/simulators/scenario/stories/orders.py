"""Use case 1: orders that need somebody before they can go on."""

from __future__ import annotations

from dataclasses import replace

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.sales import Sale, Terms, altered, known, ordered, placed
from pipeline.simulators.scenario.shelf import CHAIR, LAMP, SHIRT
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import gid
from pipeline.simulators.shopify.orders import FulfillmentHold, OrderRiskAssessment, OrderRiskSummary, RiskFact
from pipeline.simulators.shopify.shops import App

_SCORER = App(id=gid("App", 4400001), title="Example Risk")
_DESK = App(id=gid("App", 4400002), title="Example Order Desk")


def tell(told: Telling) -> None:
    told.use_case = 1
    _risk_that_passes(told)
    _risk_that_is_real(told)
    _payment_that_comes_late(told)
    _payment_by_terms(told)
    _hold(told)
    _address_without_zip(told)
    _risk_that_was_on_its_way_for_a_day(told)
    _test_order(told)


def _risk_that_passes(told: Telling) -> None:
    sale = ordered(told, 32, replace(placed(told, 32, "#1001", CHAIR), quantity=2), "an order like any other")
    high = OrderRiskAssessment(
        risk_level="HIGH",
        provider=_SCORER,
        facts=(RiskFact(description="The card's country is not the address's", sentiment="NEGATIVE"),),
    )
    own = OrderRiskAssessment(risk_level="LOW")
    sale = replace(sale, risk=OrderRiskSummary(recommendation="INVESTIGATE", assessments=(own, high)))
    told.change(35, sale.thing())
    told.webhook(35, _RISK, _assessed(told, 35, sale, "high", _SCORER), "order-high-risk fires")
    low = OrderRiskAssessment(risk_level="LOW", provider=_SCORER)
    sale = replace(sale, risk=OrderRiskSummary(recommendation="ACCEPT", assessments=(own, low)))
    told.change(302, sale.thing())
    told.webhook(
        302, _RISK, _assessed(told, 302, sale, "low", _SCORER), "order-high-risk ends: the provider looked again"
    )


def _risk_that_is_real(told: Telling) -> None:
    sale = ordered(told, 70, replace(placed(told, 70, "#1002", LAMP), quantity=3), "an order like any other")
    own = OrderRiskAssessment(
        risk_level="HIGH", facts=(RiskFact(description="Many cards were tried", sentiment="NEGATIVE"),)
    )
    sale = replace(sale, risk=OrderRiskSummary(recommendation="CANCEL", assessments=(own,)))
    told.change(72, sale.thing())
    told.webhook(72, _RISK, _assessed(told, 72, sale, "high", None), "order-high-risk fires: Shopify says cancel")
    cancelled = replace(sale, cancelled=told.moment(98), cancel_reason="fraud", financial="voided")
    altered(told, 98, cancelled, ["orders/cancelled", "orders/updated"], "order-high-risk ends: the order is cancelled")


def _payment_that_comes_late(told: Telling) -> None:
    pending = replace(placed(told, 64, "#1003", SHIRT), financial="pending")
    sale = ordered(told, 64, pending, "order-payment-pending fires, 60 minutes from here")
    paid = altered(
        told,
        205,
        replace(sale, financial="paid"),
        ["orders/paid", "orders/updated"],
        "order-payment-pending ends: it is paid",
    )
    told.webhook(130, "orders/updated", replace(pending, updated=told.moment(130)).body(), _OLD, arrives=221)
    altered(told, 230, replace(paid, tags=("gift",)), ["orders/updated"], "nothing: a tag nobody watches")


def _payment_by_terms(told: Telling) -> None:
    created = told.moment(-6 * 1440)
    sale = placed(told, -6 * 1440, "#0990", CHAIR)
    terms = Terms(told.number(), created, told.moment(236))
    sale = replace(sale, quantity=4, financial="pending", terms=terms)
    told.change(0, sale.thing(), sale.to_be_shipped(created), *terms.things(sale, None))
    sale = altered(told, 150, sale, ["orders/updated"], "nothing: it is not due yet")
    told.webhook(236, "payment_schedules/due", terms.schedule(sale, None), "order-payment-pending: due by its terms")
    told.change(430, *terms.things(sale, told.moment(430)))
    altered(told, 430, replace(sale, financial="paid"), ["orders/paid"], "order-payment-pending ends: it is paid")


def _hold(told: Telling) -> None:
    sale = ordered(told, 140, placed(told, 140, "#1004", CHAIR), "an order like any other")
    number = told.number()
    hold = FulfillmentHold(
        id=gid("FulfillmentHold", number),
        reason="OTHER",
        display_reason="Other",
        handle=f"desk-{number}",
        held_by_app=_DESK,
    )
    told.change(152, sale.to_be_shipped(told.moment(152), hold))
    event, why = told.action(), "order-manual-review fires: another app holds it, reason other"
    told.webhook(152, "fulfillment_holds/added", _held("fulfillment_holds/added", sale, hold), why, event=event)
    told.webhook(
        152, "fulfillment_orders/placed_on_hold", _placed_on_hold(sale, hold), "the same hold, told twice", event=event
    )
    told.change(410, sale.to_be_shipped(told.moment(410)))
    event, why = told.action(), "order-manual-review ends: the hold is gone"
    told.webhook(410, "fulfillment_holds/released", _held("fulfillment_holds/released", sale, hold), why, event=event)
    body = sample("fulfillment_orders/hold_released")
    body["fulfillment_order"] = {"id": sale.fulfillment_order, "status": "open"}
    told.webhook(410, "fulfillment_orders/hold_released", body, "the same, told twice", event=event)


def _address_without_zip(told: Telling) -> None:
    wrong = replace(placed(told, 222, "#1005", LAMP), zip=None, verdict="ERROR")
    sale = ordered(told, 222, wrong, "order-address-invalid fires: the zip is missing")
    right = replace(sale, zip="40003", verdict="NO_ISSUES")
    altered(told, 262, right, ["orders/updated"], "order-address-invalid ends: the customer wrote it")


def _risk_that_was_on_its_way_for_a_day(told: Telling) -> None:
    """And is still there: who hears of it is told since when, and that it was learned late."""
    before = -31 * 60
    own = OrderRiskAssessment(
        risk_level="HIGH", facts=(RiskFact(description="The address was used for fraud before", sentiment="NEGATIVE"),)
    )
    risk = OrderRiskSummary(recommendation="INVESTIGATE", assessments=(own,))
    sale = known(told, replace(placed(told, before, "#0989", CHAIR), risk=risk))
    why = "order-high-risk fires, learned late: Shopify delivers it 40 hours after it happened"
    told.webhook(before, _RISK, _assessed(told, before, sale, "high", None), why, arrives=545)


def _test_order(told: Telling) -> None:
    told.use_case = 0
    risky = OrderRiskSummary(recommendation="CANCEL", assessments=(OrderRiskAssessment(risk_level="HIGH"),))
    tried = replace(placed(told, 44, "#1006", CHAIR), quantity=80, financial="pending", test=True, risk=risky)
    sale = ordered(told, 44, tried, "nobody is told: a test order, however large, unpaid and risky")
    body = replace(sale, zip=None, test=False).body()
    told.webhook(46, "orders/updated", body, "nobody is told: a test delivery (X-Shopify-Test)", test=True)


_RISK = "orders/risk_assessment_changed"
_OLD = "nothing: it is older than what is known, and says the order is unpaid"


def _assessed(told: Telling, minute: float, sale: Sale, level: str, provider: App | None) -> Json:
    """As real deliveries are: the order's id as text, the provider's as a number, null for Shopify itself."""
    return sample(_RISK, "orders_risk_assessment_changed__2") | {
        "order_id": str(sale.number),
        "admin_graphql_api_order_id": gid("Order", sale.number),
        "provider_id": None if provider is None else int(provider.id.rpartition("/")[2]),
        "provider_title": None if provider is None else provider.title,
        "risk_level": level,
        "created_at": told.stamp(minute),
    }


def _hold_of(hold: FulfillmentHold) -> Json:
    return {
        "id": hold.id,
        "reason": hold.reason.lower(),
        "reason_notes": "Waiting for the customer's answer.",
        "held_by_requesting_app": hold.held_by_requesting_app,
        "handle": hold.handle,
        "held_by_app": {"id": _DESK.id},
    }


def _held(topic: str, sale: Sale, hold: FulfillmentHold) -> Json:
    return sample(topic) | {"fulfillment_order": {"id": sale.fulfillment_order}, "fulfillment_hold": _hold_of(hold)}


def _placed_on_hold(sale: Sale, hold: FulfillmentHold) -> Json:
    order = {"id": sale.fulfillment_order, "status": "on_hold", "fulfillment_holds": [_hold_of(hold)]}
    return sample("fulfillment_orders/placed_on_hold") | {
        "fulfillment_order": order,
        "remaining_fulfillment_order": None,
        "held_fulfillment_order_line_items": [],
        "created_fulfillment_hold": _hold_of(hold),
    }

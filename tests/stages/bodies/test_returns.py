"""Facts of returns in their three shapes, of what comes back, and of refunds."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.facts.returns import (
    Disposition,
    DispositionFacts,
    RefundFacts,
    RefundLine,
    RefundTransaction,
    ReturnFacts,
    ReturnLine,
    ReverseDeliveryFacts,
)
from schemas.money import Money
from stages.bodies.parsed import About
from stages.stage import Reject
from tests.stages.bodies.reading import NEW_YEAR, ORDER, parsed, varied

RETURN, RETURNED_ORDER = 123134564567890, 4783296544821
REFUNDED_LINES = (487817672276298554, 789012345678901234, 890123456789012345, 976318377106520349, 315789986012684393)


@pytest.mark.parametrize("topic", ["returns/request", "returns/approve", "returns/process"])
def test_a_return_with_its_order_inside_is_read_exactly(topic: str) -> None:
    """The documented body counts two lines and shows none: how many units they have, nobody knows."""
    read = parsed(topic, "returns_approve__1")

    assert read.about == About("order", RETURNED_ORDER)
    assert read.facts == ReturnFacts(id=RETURN, order_id=RETURNED_ORDER, status="open", exchanges=1, line_count=2)


def test_a_real_return_tells_units_and_reasons_of_its_lines() -> None:
    lines = [
        {
            "quantity": 2,
            "return_reason": "DEFECTIVE",
            "customer_note": "my name is in here",
            "fulfillment_line_item": {"id": 3, "line_item": {"id": 7}},
        },
        {"quantity": 1, "return_reason": "defective"},
        {"quantity": 1, "return_reason": "ate_by_dog"},
    ]
    found = varied("returns/request", {"return_line_items": lines, "name": "#1106-R2"}).facts
    assert isinstance(found, ReturnFacts)
    assert (found.quantity, found.reasons, found.name) == (4, ("defective", "ate_by_dog"), "#1106-R2")
    assert found.lines == (ReturnLine(2, line=7), ReturnLine(1), ReturnLine(1))


def test_a_declined_return_is_read_exactly_without_its_note() -> None:
    assert parsed("returns/decline", "returns_decline__1").facts == ReturnFacts(
        id=RETURN, order_id=RETURNED_ORDER, status="declined", decline_reason="return_period_ended"
    )


@pytest.mark.parametrize("topic", ["returns/close", "returns/cancel", "returns/reopen"])
def test_a_flat_return_is_read_exactly(topic: str) -> None:
    read = parsed(topic, "returns_close__1")

    assert read.about == About("order", RETURNED_ORDER)
    assert read.facts == ReturnFacts(id=RETURN, order_id=RETURNED_ORDER, status="closed")


def test_a_changed_return_tells_its_gid_and_what_was_taken_off() -> None:
    read = parsed("returns/update", "returns_update__1")

    assert read.about == About("return", RETURN), "whose it is, only Shopify can tell"
    assert read.facts == ReturnFacts(id=RETURN, removed=2)


def test_a_reverse_delivery_is_read_exactly_without_its_links() -> None:
    read = parsed("reverse_deliveries/attach_deliverable", "reverse_deliveries_attach_deliverable__1")

    assert read.about == About("return", RETURN)
    assert read.facts == ReverseDeliveryFacts(id=9080907654321, return_id=RETURN, carrier="USPS", has_tracking=True)
    label = {"label": {"public_file_url": "https://example.com/label"}}
    labelled = varied("reverse_deliveries/attach_deliverable", {"shipping_deliverable": label}).facts
    assert labelled == ReverseDeliveryFacts(id=9080907654321, return_id=RETURN, has_label=True)


def test_what_came_back_is_read_exactly_and_names_no_return() -> None:
    read = parsed("reverse_fulfillment_orders/dispose", "reverse_fulfillment_orders_dispose__1")

    assert read.about == About("reverse-fulfillment-order", 11111111)
    restocked = (Disposition("restocked", 1, part=2222222), Disposition("restocked", 1, part=2222223))
    assert read.facts == DispositionFacts(id=11111111, dispositions=restocked)


def test_a_refund_is_read_exactly_and_its_money_without_a_currency_is_unknown() -> None:
    read = parsed("refunds/create", "refunds_create__1")

    assert read.about == About("order", ORDER)
    assert read.facts == RefundFacts(
        id=890088186047892319,
        order_id=ORDER,
        created=NEW_YEAR,
        processed=NEW_YEAR,
        quantity=5,
        lines=tuple(RefundLine(1, line) for line in REFUNDED_LINES),
        transactions=(
            RefundTransaction(245135271310201194, "refund", "success", gateway="bogus", message="This is a refund"),
            RefundTransaction(839212141605670573, "refund", "success", gateway="bogus"),
        ),
    )


@pytest.mark.parametrize(("key", "fact"), [("return", "return_id"), ("transactions", "transactions")])
def test_a_key_that_is_missing_is_unknown_not_empty(key: str, fact: str) -> None:
    assert varied("refunds/create", without=(key,)).facts.absent == (fact,)


def test_a_refund_of_a_return_that_failed_says_so() -> None:
    moved = {"id": 1, "kind": "refund", "status": "FAILURE", "amount": "12.345", "currency": "KWD", "error_code": "x"}
    odd = [{"id": None}, 7, moved | {"id": 2, "test": True}]
    found = varied("refunds/create", {"return": {"id": RETURN}, "transactions": [moved, *odd]}).facts
    assert isinstance(found, RefundFacts)
    assert found.return_id == RETURN
    assert found.transactions == (
        RefundTransaction(1, "refund", "failure", Money(Decimal("12.345"), "KWD"), error_code="x"),
    )


def test_a_return_that_names_itself_nowhere_is_rejected() -> None:
    with pytest.raises(Reject, match=r"\$\.id"):
        varied("returns/update", without=("admin_graphql_api_id",))

"""Approvals from real webhook bodies: what is read, looked up, and told apart on the way to a request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.shelf import REGULAR, customers
from pipeline.simulators.shopify.graph import gid
from schemas.alerts import Alert, AlertState
from tests.stages.chain import START, Chain, bought, told
from tests.stages.rules.world import labels

MINUTE = timedelta(minutes=1)
DRAFT = 890612572568261625


def draft(minute: int = 0, **changed: object) -> Json:
    at = (START + timedelta(minutes=minute)).isoformat()
    own = {"created_at": START.isoformat(), "updated_at": at, "total_price": "9412.00"}
    return sample("draft_orders/create") | own | changed


def approvals(alerts: list[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.rule == "approval-required"]


def test_a_draft_is_asked_about_once_it_is_quiet_with_what_is_known_of_its_customer() -> None:
    chain = Chain()
    chain.store.put(*customers())
    assert chain.webhook("draft_orders/create", draft(customer={"id": REGULAR})) == []

    (alert,) = chain.passes(minutes=10)

    assert alert.title == "Draft order #D165 needs approval: 9412.00 USD (large-orders)"
    told_of_it = labels(alert)
    assert told_of_it["Discount"] == "8.00 USD"
    assert told_of_it["Lines"] == (
        "9 x IPod Nano - 8GB (IPOD2008RED) at 199.00, 9 x IPod Nano - 8GB (IPOD2008PINK) at 199.00, "
        "2 x IPod Nano - 8GB (IPOD2008BLACK) at 199.00"
    )
    assert (told_of_it["Destination"], told_of_it["Payment terms"]) == ("US", "Net 7")
    assert told_of_it["Orders of this customer"] == "6"
    assert not alert.unknown


@pytest.mark.parametrize("access", [True, False])
def test_nothing_of_a_persons_name_or_address_is_in_a_request(access: bool) -> None:
    chain = Chain(access=access)
    chain.webhook("draft_orders/create", draft())
    told(chain, "orders/create", bought(quantity=40))
    chain.passes(minutes=10)

    found = approvals(chain.alerts)
    assert len(found) == 2
    for word in ("Steve", "Shipper", "John", "Smith", "jon@", "Shipping Street", "40150", "invoices/"):
        assert word not in str(found)


def test_a_draft_goes_its_way_from_its_first_word_to_its_end() -> None:
    chain = Chain()
    chain.webhook("draft_orders/create", draft())
    chain.passes(minutes=5)
    chain.webhook("draft_orders/update", draft(5, total_price="9500.00"))
    chain.passes(minutes=30)
    chain.webhook("draft_orders/update", draft(35, total_price="9500.00", status="invoice_sent"))
    chain.webhook("draft_orders/delete", {"id": DRAFT, "admin_graphql_api_id": gid("DraftOrder", DRAFT)})

    assert [(alert.state, alert.severity.value, (alert.at - START) // MINUTE) for alert in chain.alerts] == [
        (AlertState.FIRING, "warning", 15),
        (AlertState.UPDATED, "critical", 35),
        (AlertState.WITHDRAWN, "critical", 35),
    ]
    assert chain.passes(days=30) == []


def test_an_order_that_is_edited_upwards_is_asked_about_again_and_a_cancelled_one_is_withdrawn() -> None:
    chain, sale = Chain(), bought(quantity=40)
    (first,) = approvals(told(chain, "orders/create", sale))
    chain.passes(minutes=1)
    (again,) = approvals(told(chain, "orders/updated", bought(quantity=50)))
    chain.passes(minutes=1)
    (ended,) = approvals(told(chain, "orders/cancelled", bought(quantity=50, cancelled=chain.now)))

    assert (again.id, again.revision, ended.id, ended.state) == (first.id, 2, first.id, AlertState.WITHDRAWN)
    assert f"was {labels(first)['Total']}" in again.title

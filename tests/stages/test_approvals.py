"""Approvals from real webhook bodies: what is read, looked up, and told apart on the way to a request."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import orjson
import pytest
from msgspec.structs import replace

from pipeline.demo.company import SHOP, company
from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.shelf import REGULAR, customers
from pipeline.simulators.shopify.graph import gid, link, money
from pipeline.simulators.shopify.orders import (
    Company,
    CompanyLocation,
    DraftOrder,
    LineItem,
    MailingAddress,
    PurchasingCompany,
)
from pipeline.simulators.shopify.stock import Product
from schemas.alerts import Alert, AlertState
from schemas.configuration import Approval, Rules
from schemas.events import Event, Source
from schemas.facts.orders import Line, OrderFacts
from stages.bodies import orders
from stages.shopify.wanted import Wanted
from tests.stages.chain import START, Chain, bought, told
from tests.stages.rules.world import configuration, labels

MINUTE = timedelta(minutes=1)
DRAFT = 890612572568261625


def draft(minute: int = 0, **changed: object) -> Json:
    at = (START + timedelta(minutes=minute)).isoformat()
    own = {"created_at": START.isoformat(), "updated_at": at, "total_price": "9412.00"}
    return sample("draft_orders/create") | own | changed


def known(minute: int = 0, total: str = "9412.00", **changed: Any) -> DraftOrder:
    """What Shopify says of it."""
    at = START + timedelta(minutes=minute)
    said: dict[str, Any] = {"name": "#D165", "created_at": START, "updated_at": at}
    said |= {"total_price_set": money(Decimal(total)), "total_discounts_set": money(Decimal("8.00"))}
    address = MailingAddress(id=gid("MailingAddress", 1), country_code_v2="US", province_code="KY")
    said |= {"id": gid("DraftOrder", DRAFT), "shipping_address": address}
    return DraftOrder(**said | changed)


def with_policies(*policies: Approval, access: bool = True) -> Chain:
    whole = replace(company("http://shopify.example.com", "http://opentext.example.com", "demo"), approvals=policies)
    return Chain(whole, access=access)


def product(number: int, *tags: str) -> Product:
    return Product(id=gid("Product", number), title="Thing", tags=tags)


def approvals(alerts: list[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.rule == "approval-required"]


def test_a_draft_is_asked_about_once_it_is_quiet_with_what_is_known_of_its_customer() -> None:
    chain = Chain()
    chain.store.put(*customers(), known())
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
    chain.store.put(known())
    chain.webhook("draft_orders/create", draft())
    told(chain, "orders/create", bought(quantity=40))
    chain.passes(minutes=10)

    found = approvals(chain.alerts)
    assert len(found) == (2 if access else 4), "without access the tags of the goods are not known"
    for word in ("Steve", "Shipper", "John", "Smith", "jon@", "Shipping Street", "40150", "invoices/"):
        assert word not in str(found)


def test_a_draft_goes_its_way_from_its_first_word_to_its_end() -> None:
    chain = Chain()
    chain.store.put(known())
    chain.webhook("draft_orders/create", draft())
    chain.passes(minutes=5)
    chain.store.put(known(5, "9500.00"))
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


def test_the_order_that_was_made_of_a_draft_names_it() -> None:
    chain, sale = Chain(), bought(quantity=40)
    chain.webhook(
        "draft_orders/update", draft(status="completed", completed_at=START.isoformat(), order_id=sale.number)
    )

    (alert,) = [alert for alert in approvals(told(chain, "orders/create", sale)) if "/order/" in alert.subject]

    assert labels(alert)["Made as a draft"] == "#D165, 9412.00 USD; whether the draft was approved is not known here"
    assert labels(alert)["Lines"].startswith("40 x "), "all else is the order's own"


def test_an_order_that_is_edited_upwards_is_asked_about_again_and_a_cancelled_one_is_withdrawn() -> None:
    chain, sale = Chain(), bought(quantity=40)
    (first,) = approvals(told(chain, "orders/create", sale))
    chain.passes(minutes=1)
    (again,) = approvals(told(chain, "orders/updated", bought(quantity=50)))
    chain.passes(minutes=1)
    (ended,) = approvals(told(chain, "orders/cancelled", bought(quantity=50, cancelled=chain.now)))

    assert (again.id, again.revision, ended.id, ended.state) == (first.id, 2, first.id, AlertState.WITHDRAWN)
    assert f"was {labels(first)['Total']}" in again.title


def test_what_shopify_says_of_a_draft_when_it_is_asked_wins_and_that_it_knows_none_says_nothing() -> None:
    unknown, sent, small = Chain(), Chain(), Chain()
    sent.store.put(known(1, status="INVOICE_SENT", invoice_sent_at=START + MINUTE))
    small.store.put(known(1, "12.00"))
    for chain in (unknown, sent, small):
        chain.webhook("draft_orders/create", draft())
        chain.passes(hours=1)

    assert small.alerts == []
    assert [alert.unknown[-1] for alert in unknown.alerts] == [
        "not confirmed: Shopify did not answer when it was asked"
    ]
    assert [alert.title for alert in sent.alerts] == [
        "Draft order #D165 went out unapproved (its invoice was sent): 9412.00 USD (large-orders)"
    ]


OF_COMPANY = PurchasingCompany(
    company=Company(id=gid("Company", 42), name="Example Ltd"), location=CompanyLocation(id=gid("X", 1), name="HQ")
)
B2B = Approval(name="b2b", teams=("finance",), when='order.company == "42"')


@pytest.mark.parametrize(("of", "asked"), [(OF_COMPANY, 1), (None, 0)])
def test_for_which_company_a_draft_and_an_order_are_is_looked_up_where_the_body_does_not_say(
    of: PurchasingCompany | None, asked: int
) -> None:
    chain, sale = with_policies(B2B), bought()
    order = replace(sale.thing(), purchasing_entity=of)
    chain.store.put(*customers(), known(purchasing_entity=of), order)
    body = {name: value for name, value in sale.body().items() if name != "company"}

    chain.webhook("draft_orders/create", draft(**{"b2b?": of is not None}))
    chain.passes(minutes=10)
    chain.webhook("orders/create", body)

    found = approvals(chain.alerts)
    assert [labels(alert)["Company"] for alert in found] == ["42"] * 2 * asked
    assert "Example Ltd" not in str(found)


LITHIUM = Approval(name="dangerous", teams=("finance",), product_tags=("Lithium",))


def bought_with(products: int) -> Json:
    """One line more than once, each another product."""
    body = bought().body()
    (line,) = cast("list[Json]", body["line_items"])
    lines = [{**line, "id": 100 + number, "product_id": 1000 + number} for number in range(products)]
    return body | {"line_items": lines}


def test_the_tags_of_all_products_of_an_order_are_looked_up_however_many_lines_it_has() -> None:
    chain, other = with_policies(LITHIUM), with_policies(LITHIUM)
    for each in (chain, other):
        each.store.put(*(product(1000 + number, "plain") for number in range(499)))
    chain.store.put(product(1499, "plain", "lithium"))
    other.store.put(product(1499, "plain"))

    (alert,) = approvals(chain.webhook("orders/create", bought_with(500)))

    assert labels(alert)["Policy"] == "dangerous: with goods tagged Lithium"
    assert not [words for words in alert.unknown if words.startswith("whether it needs approval")]
    assert approvals(other.webhook("orders/create", bought_with(500))) == []


def test_of_an_order_that_only_an_event_tells_of_lines_company_destination_and_tags_are_looked_up() -> None:
    chain, sale = with_policies(LITHIUM, Approval(name="skus", teams=("finance",), skus=("CRANE",))), bought()
    each = money(Decimal("10.00"))
    lines = [
        LineItem(id=gid("LineItem", n), order=link("Order", sale.number), sku=f"S{n}", original_unit_price_set=each)
        for n in range(120)
    ]
    crane = replace(
        lines[0], id=gid("LineItem", 999), sku="CRANE", product=link("Product", 7), quantity=2, current_quantity=2
    )
    chain.store.put(
        replace(sale.thing(), purchasing_entity=OF_COMPANY),
        sale.to_be_shipped(START),
        product(7, "Lithium"),
        *lines,
        crane,
    )

    alerts = approvals(chain.order_event(sale.number))

    assert [labels(alert)["Policy"].partition(":")[0] for alert in alerts] == ["dangerous", "skus"]
    told_of_it = labels(alerts[0])
    assert (told_of_it["Company"], told_of_it["Destination"]) == ("42", "US")
    assert told_of_it["Lines"].startswith("2 x Thing (CRANE) at 10.00, 1 x Thing (S0) at 10.00, ")
    assert told_of_it["Lines"].endswith("and 116 more")
    assert "what is in it" not in alerts[0].unknown


def test_a_draft_has_the_tags_of_its_products_too() -> None:
    chain = with_policies(LITHIUM)
    chain.store.put(known(), product(632910392, "lithium"))
    chain.webhook("draft_orders/create", draft())

    assert len(approvals(chain.passes(minutes=10))) == 1


def test_without_access_nobody_knows_the_tags_and_the_approvers_are_asked_all_the_same() -> None:
    (alert,) = approvals(with_policies(LITHIUM, access=False).webhook("orders/create", bought_with(1)))

    assert "whether it needs approval: the tags of its goods" in alert.unknown


def test_nobody_asks_for_what_no_policy_and_no_condition_reads() -> None:
    facts = orders.order(orjson.dumps({key: value for key, value in bought().body().items() if key != "company"})).facts
    event = Event("orders/create", SHOP, "", "", START, START, "", Source.WEBHOOK, facts)

    def wanted(**changed: Any) -> list[str]:
        return sorted(Wanted(replace(configuration(), **changed)).of(event))

    rules = Rules(when={"order-high-risk": '"fragile" in order.product_tags'})
    assert wanted() == []
    assert wanted(rules=rules) == ["product_tags"]
    assert wanted(rules=Rules(when={"order-high-risk": 'order.company != ""'})) == ["company"]
    assert wanted(approvals=(LITHIUM,)) == ["company", "product_tags"]


def test_the_tags_of_lines_that_were_looked_up_are_asked_of_their_order_since_these_name_no_product() -> None:
    def asked(*lines: Line, **changed: Any) -> str:
        event = Event(
            "orders/updated", SHOP, "", "", START, START, "", Source.EVENT, OrderFacts(id=1, lines=lines, **changed)
        )
        return Wanted(replace(configuration(), approvals=(LITHIUM,))).of(event)["product_tags"].what.value

    assert asked(absent=("lines",)) == "order-products"
    assert asked(Line(id=3, sku="A", quantity=1)) == "order-products"
    assert asked(Line(id=3, product_id=4, quantity=1)) == "product-tags"


IPOD, BUYER = 788032119674292922, 115310627314723954
EUR = {
    "shop_money": {"amount": "414.95", "currency_code": "USD"},
    "presentment_money": {"amount": "370.00", "currency_code": "EUR"},
}
OFF = {
    "shop_money": {"amount": "100.00", "currency_code": "USD"},
    "presentment_money": {"amount": "90.00", "currency_code": "EUR"},
}
NET = {"id": 1, "payment_terms_name": "Net 30", "payment_terms_type": "net", "payment_schedules": []}
YES, MAYBE, NO = "asked", "asked, since it is not known", "not asked"


@pytest.mark.parametrize(
    ("policy", "changed", "expected"),
    [
        ({"total_from": Decimal(414)}, {}, YES),
        ({"total_from": Decimal(415)}, {}, NO),
        ({"total_from": Decimal(400)}, {"current_total_price_set": EUR, "presentment_currency": "EUR"}, YES),
        ({"when": "order.total >= 414.95"}, {"current_total_price_set": EUR}, YES),
        ({"when": "order.total > 414.95"}, {}, NO),
        (
            {"when": "order.discount_share > 0.19 && order.discount_share < 0.2"},
            {"current_total_discounts_set": OFF},
            YES,
        ),
        ({"when": "order.discount_share > 0.2"}, {"current_total_discounts_set": OFF}, NO),
        ({"when": "order.discount_share > 0.01"}, {}, NO),
        ({"product_tags": ("audio",)}, {}, YES),
        ({"product_tags": ("fragile",)}, {}, NO),
        ({"when": '"audio" in order.product_tags && order.total > 9.0'}, {}, YES),
        ({"when": 'order.product_tags.exists(tag, tag.startsWith("haz"))'}, {}, NO),
        ({"skus": ("LENS-PROTECT-2YR",)}, {}, YES),
        ({"skus": ("lens-protect-2yr",)}, {}, NO),
        ({"when": '"SKU2006-020" in order.skus'}, {}, YES),
        ({"countries": ("US",)}, {}, YES),
        ({"countries": ("NO",)}, {}, NO),
        ({"when": 'order.country in ["IR", "KP"]'}, {}, NO),
        ({"when": 'order.country in ["IR", "KP"]'}, {"shipping_address": {"first_name": "J"}}, MAYBE),
        ({"when": 'order.company == "42"'}, {}, YES),
        ({"when": 'order.company == ""'}, {}, NO),
        ({"when": 'order.company == "7"'}, {"company": {"id": 7, "location_id": 1}}, YES),
        ({"when": 'order.company != ""'}, {"company": None}, NO),
        ({"when": 'order.terms == "Net 30"'}, {"payment_terms": NET}, YES),
        ({"when": 'order.terms != ""'}, {}, NO),
        ({"when": "customer.first_order"}, {}, YES),
        ({"when": "customer.first_order"}, {"customer": {"id": REGULAR}}, NO),
        ({"when": "customer.first_order"}, {"customer": None}, MAYBE),
        ({"when": "!customer.guest && customer.first_order"}, {"customer": None}, NO),
        ({"when": "customer.first_order"}, {"customer": {"id": 404}}, MAYBE),
        ({"when": "order.draft"}, {"source_name": "shopify_draft_order"}, YES),
        ({"when": "order.draft"}, {}, NO),
        ({"tags": ("TAG2",)}, {}, YES),
        ({"total_from": Decimal(400), "countries": ("NO",)}, {}, NO),
    ],
)
def test_each_condition_is_read_from_the_real_body_and_from_what_shopify_knows(
    policy: dict[str, Any], changed: Json, expected: str
) -> None:
    body = sample("orders/create") | {"created_at": START.isoformat(), "processed_at": START.isoformat()}
    body |= {"updated_at": START.isoformat(), "test": False, "cancelled_at": None, "cancel_reason": None} | changed
    chain = with_policies(Approval(name="a", teams=("finance",), **policy))
    order = replace(bought().thing(), id=gid("Order", str(body["id"])), purchasing_entity=OF_COMPANY)
    newcomer = replace(customers()[0], id=gid("Customer", BUYER))
    chain.store.put(order, newcomer, *customers(), product(IPOD, "Audio", "gift"))

    alerts = approvals(chain.webhook("orders/create", body))

    found = NO if not alerts else MAYBE if alerts[0].untold else YES
    assert found == expected

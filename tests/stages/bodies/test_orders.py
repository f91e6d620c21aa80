"""Facts of orders: exactly what the body says, and nothing where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from schemas.facts.orders import (
    Address,
    Assessment,
    Line,
    OrderEditFacts,
    OrderFacts,
    ProtectFacts,
    RiskFacts,
    Schedule,
    Terms,
)
from schemas.money import Money
from stages.bodies.parsed import About
from stages.bodies.table import facts_of
from stages.stage import Reject
from tests.stages.bodies.reading import NEW_YEAR, ORDER, facts, parsed, varied


def order(changes: Mapping[str, object] | None = None, without: tuple[str, ...] = ()) -> OrderFacts:
    found = varied("orders/create", changes, without).facts
    assert isinstance(found, OrderFacts)
    return found


def line(identity: int, sku: str, title: str, price: str, product: int | None) -> Line:
    return Line(
        id=identity,
        sku=sku,
        title=title,
        product_id=product,
        quantity=1,
        current_quantity=1,
        price=Decimal(price),
        requires_shipping=True,
    )


def test_a_documented_order_is_read_exactly() -> None:
    read = parsed("orders/create", "orders_create__1")

    assert read.about == About("order", ORDER)
    assert (read.updated, read.test, read.echo) == (NEW_YEAR, True, False)
    assert read.facts == OrderFacts(
        id=ORDER,
        name="#9999",
        test=True,
        created=NEW_YEAR,
        processed=NEW_YEAR,
        updated=NEW_YEAR,
        cancelled=NEW_YEAR,
        cancel_reason="customer",
        financial="voided",
        total=Money(Decimal("414.95"), "USD"),
        presented=Money(Decimal("414.95"), "USD"),
        outstanding=Money(Decimal("414.95"), "USD"),
        discounts=Money(Decimal("0.00"), "USD"),
        tags=("tag1", "tag2"),
        gateways=("visa", "bogus"),
        source_name="web",
        customer_id=115310627314723954,
        marketing_consent=True,
        requires_shipping=True,
        shipping_methods=("Generic Shipping",),
        address=Address("US", "KY", has_country=True, has_address1=True, has_city=True, has_zip=True, edition=593),
        lines=(
            line(487817672276298554, "SKU2006-001", "Aviator sunglasses", "89.99", 788032119674292922),
            line(789012345678901234, "LENS-PROTECT-2YR", "Lens Protection Plan (2 Year)", "19.99", None),
            line(890123456789012345, "CASE-LEATHER-PREM", "Premium Leather Case", "24.99", None),
            line(976318377106520349, "SKU2006-020", "Mid-century lounger", "159.99", 788032119674292922),
            line(315789986012684393, "SKU2006-035", "Coffee table", "119.99", 788032119674292922),
        ),
        absent=("company_id",),
    )


def test_a_real_order_without_personal_data_is_read_exactly() -> None:
    """Anonymised by its source: words stand where amounts were, so those are unknown; the address has no street."""
    day = datetime(2019, 1, 1, tzinfo=UTC)
    assert facts("orders/create", "orders_create__3") == OrderFacts(
        id=123,
        name="example string",
        created=day,
        processed=day,
        updated=day,
        closed=day,
        financial="example string",
        fulfillment="example string",
        tags=("example string",),
        gateways=("example string",),
        source_name="example string",
        customer_id=123,
        marketing_consent=False,
        company_id=123,
        requires_shipping=True,
        shipping_methods=("example string",),
        address=Address("example string", "example string", has_country=True),
        lines=(
            Line(
                id=123,
                sku="2019-01-01 00:00:00.000Z",
                title="example string",
                variant_id=123,
                product_id=123,
                quantity=123,
                current_quantity=123,
                requires_shipping=True,
            ),
        ),
    )


@pytest.mark.parametrize("topic", ["updated", "paid", "cancelled", "fulfilled", "partially_fulfilled"])
def test_every_order_topic_tells_the_same_state(topic: str) -> None:
    assert parsed(f"orders/{topic}", "orders_create__1") == parsed("orders/create", "orders_create__1")


def test_an_edit_counts_units_and_is_of_its_order() -> None:
    read = parsed("orders/edited", "orders_edited__1")

    assert read.facts == OrderEditFacts(order_id=ORDER, added=1, removed=1, committed=NEW_YEAR)
    assert (read.about, read.updated) == (About("order", ORDER), None)


@pytest.mark.parametrize("name", ["orders_risk_assessment_changed__1", "orders_risk_assessment_changed__2"])
def test_a_risk_without_a_readable_order_is_rejected(name: str) -> None:
    """The documented body says null, the anonymised one a word: neither can be placed."""
    with pytest.raises(Reject, match=r"\$\.order_id"):
        parsed("orders/risk_assessment_changed", name)


@pytest.mark.parametrize(
    "identity",
    [{"order_id": ORDER}, {"order_id": str(ORDER)}, {"admin_graphql_api_order_id": f"gid://shopify/Order/{ORDER}"}],
)
def test_a_risk_finds_its_order_as_number_as_text_and_as_gid(identity: dict[str, object]) -> None:
    read = varied("orders/risk_assessment_changed", identity)

    assert read.facts == RiskFacts(order_id=ORDER, assessment=Assessment("Shopify", "medium"))
    assert read.about == About("order", ORDER)


def test_a_risk_of_an_app_names_it_and_its_level_in_lower_case() -> None:
    changes = {
        "order_id": "1001",
        "provider_id": 7,
        "provider_title": "Scorer",
        "risk_level": "HIGH",
        "created_at": "2026-03-02T10:00:00+02:00",
    }
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert varied("orders/risk_assessment_changed", changes).facts == RiskFacts(
        order_id=1001, assessment=Assessment("Scorer", "high", at=at, app=7)
    )
    unnamed = varied("orders/risk_assessment_changed", changes | {"provider_title": None}).facts
    assert isinstance(unnamed, RiskFacts)
    assert unnamed.assessment.provider == "7"


def test_an_order_without_customer_is_a_guests_and_one_without_the_key_is_unknown() -> None:
    guest, unknown = order({"customer": None}), order(without=("customer",))

    assert (guest.customer_id, "customer_id" in guest.absent) == (None, False)
    assert (unknown.customer_id, "customer_id" in unknown.absent) == (None, True)


def test_what_a_filtered_subscription_leaves_out_is_absent_and_not_empty() -> None:
    kept = {"id", "name", "financial_status", "cancelled_at", "total_outstanding", "updated_at"}
    dropped = tuple(key for key in ("fulfillment_status", "tags", "line_items", "shipping_address", "closed_at"))
    assert not kept & set(dropped)
    found = order(without=dropped)

    assert set(found.absent) == {"address", "closed", "company_id", "fulfillment", "lines", "tags"}
    assert (found.tags, found.lines, found.address, found.requires_shipping) == ((), (), None, None)


def test_an_address_tells_missing_parts_from_parts_that_were_withheld() -> None:
    withheld = order({"shipping_address": {"country_code": "DE", "province_code": None}}).address
    blank = order({"shipping_address": {"country": "Germany", "address1": "", "city": None, "zip": " "}}).address

    assert withheld == Address("DE", has_country=True)
    assert blank == Address("Germany", has_country=True, has_address1=False, has_city=False, has_zip=False)
    assert order({"shipping_address": []}).address is None


@pytest.mark.parametrize(
    ("amount", "currency"), [("1250", "JPY"), ("12.345", "KWD"), ("0.00", "XXX"), ("99999999999999999999.99", "EUR")]
)
def test_amounts_are_exact_in_every_currency(amount: str, currency: str) -> None:
    changes = {"current_total_price_set": {"shop_money": {"amount": amount, "currency_code": currency}}}
    assert order(changes).total == Money(Decimal(amount), currency)


def test_the_total_is_what_remains_after_edits_in_the_shops_currency() -> None:
    both = {
        "shop_money": {"amount": "10.00", "currency_code": "EUR"},
        "presentment_money": {"amount": "1600", "currency_code": "JPY"},
    }
    assert order({"current_total_price_set": both}).total == Money(Decimal("10.00"), "EUR")
    assert order(without=("current_total_price_set",)).total == Money(Decimal("414.95"), "USD")
    older = order(without=("current_total_price_set", "current_total_price"))
    assert older.total == Money(Decimal("404.95"), "USD")


def test_the_discount_is_that_of_the_same_state_as_the_total() -> None:
    now = {"shop_money": {"amount": "5.00", "currency_code": "USD"}}
    sets = ("current_total_discounts_set",)
    assert order({"current_total_discounts_set": now}).discounts == Money(Decimal("5.00"), "USD")
    assert order({"current_total_discounts": "3.00"}, sets).discounts == Money(Decimal("3.00"), "USD")
    assert order(without=(*sets, "current_total_discounts")).discounts == Money(Decimal("20.00"), "USD")


def test_an_amount_without_its_currency_is_no_amount() -> None:
    found = order({"currency": None}, ("current_total_price_set", "current_total_discounts_set"))
    assert (found.total, found.outstanding, found.discounts) == (None, None, None)


def test_enum_values_that_nobody_knows_stay_as_text() -> None:
    found = order({"financial_status": "Held_By_Bank", "fulfillment_status": "TELEPORTED", "cancel_reason": "Whim"})
    assert (found.financial, found.fulfillment, found.cancel_reason) == ("held_by_bank", "teleported", "whim")


def test_a_shipping_line_that_was_taken_off_says_nothing_of_the_method() -> None:
    lines = [{"title": "Express", "code": "EXP", "is_removed": True}, {"title": "Standard", "code": "Standard"}]
    assert order({"shipping_lines": lines}).shipping_methods == ("Standard",)


def test_terms_are_due_with_their_first_open_schedule() -> None:
    schedules = [
        {"due_at": "2026-03-01T00:00:00Z", "completed_at": "2026-02-01T00:00:00Z"},
        {"due_at": "2026-05-01T00:00:00Z", "completed_at": None},
        {"due_at": "2026-04-01T00:00:00+02:00"},
    ]
    terms = {"payment_terms_name": "Net 30", "payment_terms_type": "NET", "payment_schedules": schedules}
    due = datetime(2026, 3, 31, 22, tzinfo=UTC)
    dates = (
        Schedule(None, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        Schedule(None, datetime(2026, 5, 1, tzinfo=UTC)),
        Schedule(None, due),
    )
    assert order({"payment_terms": terms}).terms == Terms("Net 30", "net", due, dates)


def test_tags_are_read_from_one_text_and_from_a_list() -> None:
    assert order({"tags": " vip ,, review"}).tags == ("vip", "review")
    assert order({"tags": ["vip", "a, b"]}).tags == ("vip", "a, b")


def test_a_checkout_token_that_could_not_be_a_key_is_none() -> None:
    assert order({"checkout_token": "bd5a8aa1ecd019dd3520ff791ee3a24c"}).checkout_token is not None
    assert order({"checkout_token": "a\x00b"}).checkout_token is None
    assert order({"checkout_token": "x" * 256}).checkout_token is None


def test_times_keep_their_instant_whatever_the_shops_zone() -> None:
    assert order({"updated_at": "2026-10-25T02:30:00+05:45"}).updated == datetime(2026, 10, 24, 20, 45, tzinfo=UTC)
    nanoseconds = order({"updated_at": "2024-08-07T22:57:57.290670248Z"}).updated
    assert nanoseconds == datetime(2024, 8, 7, 22, 57, 57, 290670, tzinfo=UTC)


def test_a_time_without_a_zone_is_unknown() -> None:
    assert order({"updated_at": "2026-10-25T02:30:00"}).updated is None


def test_the_total_that_the_customer_saw_is_read_in_its_own_currency() -> None:
    both = {
        "shop_money": {"amount": "12500", "currency_code": "JPY"},
        "presentment_money": {"amount": "31.250", "currency_code": "KWD"},
    }
    found = order({"current_total_price_set": both})

    assert (found.total, found.presented) == (Money(Decimal(12500), "JPY"), Money(Decimal("31.250"), "KWD"))


@pytest.mark.parametrize("raw", [None, [], {"shop_money": {"amount": "1", "currency_code": "EUR"}}, "12"])
def test_what_the_customer_saw_is_unknown_where_the_body_does_not_say(raw: object) -> None:
    assert order({"current_total_price_set": raw}).presented is None


def test_what_shopify_protect_says_is_read_with_its_order() -> None:
    body = b'{"order_id": 7, "status": "Not_Protected", "eligibility": {"status": "not_eligible"}}'
    read = facts_of("orders/shopify_protect_eligibility_changed", body)
    assert (read.facts, read.about) == (ProtectFacts(order_id=7, status="not_protected"), About("order", 7))


def test_a_country_whose_keys_are_not_there_is_unknown_and_one_that_is_empty_is_lacking() -> None:
    dropped, empty = ({"address1": "1 Oak St"}, {"address1": "1 Oak St", "country": None, "country_code": ""})

    known = [varied("orders/create", {"shipping_address": each}).facts for each in (dropped, empty)]

    assert [each.address.has_country for each in known if isinstance(each, OrderFacts) and each.address] == [
        None,
        False,
    ]


def test_an_address_that_is_changed_in_any_part_is_another_edition_and_letter_case_changes_none() -> None:
    first = {"address1": "1 Oak St", "city": "Ulm", "zip": "1", "country_code": "DE"}
    changed = (first, {**first, "city": "ULM "}, {**first, "address2": "Flat 2"}, {**first, "zip": "2"})

    known = [order({"shipping_address": each}).address for each in (*changed, {"country_code": "DE", "province": "BY"})]

    same, again, second, third, hidden = [each.edition for each in known if each]
    assert same == again
    assert len({same, second, third}) == 3
    assert hidden is None


def test_what_was_taken_off_an_order_is_not_shipped() -> None:
    lines = [
        {"id": 1, "requires_shipping": True, "quantity": 1, "current_quantity": 0},
        {"id": 2, "requires_shipping": False},
    ]
    assert order({"line_items": lines}).requires_shipping is False
    assert order({"line_items": [{**lines[0], "current_quantity": 1}]}).requires_shipping is True

"""Facts of checkouts, transactions, terms, disputes and drafts. No card, no link, no gateway's blob."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from pipeline.simulators.samples import bodies, sample
from schemas.facts.orders import Address, Line, Schedule, Terms
from schemas.facts.payments import (
    CheckoutFacts,
    DraftFacts,
    PaymentScheduleFacts,
    PaymentTermsFacts,
    TenderFacts,
    TransactionFacts,
)
from schemas.facts.returns import DisputeFacts
from schemas.money import Money
from stages.bodies.parsed import About
from stages.bodies.payments import card_digits
from stages.bodies.table import facts_of
from stages.stage import Reject
from tests.stages.bodies.reading import NEW_YEAR, ORDER, parsed, varied

TERMS, SCHEDULE, DRAFT = 706405506930370084, 606405506930370084, 890612572568261625


def checkout(changes: Mapping[str, object] | None = None, without: tuple[str, ...] = ()) -> CheckoutFacts:
    found = varied("checkouts/create", changes, without).facts
    assert isinstance(found, CheckoutFacts)
    return found


def test_a_documented_checkout_is_read_exactly() -> None:
    read = parsed("checkouts/create", "checkouts_create__1")
    pod = Line(
        sku="IPOD2008PINK",
        title="IPod Nano - 8GB",
        variant_id=808950810,
        product_id=632910392,
        quantity=1,
        price=Decimal("199.00"),
        requires_shipping=True,
    )

    assert (read.about, read.updated) == (About("checkout", "123123123"), NEW_YEAR)
    assert read.facts == CheckoutFacts(
        token="123123123",
        name="#981820079255243537",
        created=NEW_YEAR,
        updated=NEW_YEAR,
        total=Money(Decimal("421.88"), "USD"),
        contact_known=True,
        customer_id=603851970716743426,
        marketing_consent=False,
        lines=(pod, pod),
        source_name="web",
    )


def test_a_real_checkout_before_any_contact_is_read_exactly() -> None:
    """Its customer's key is not there yet, and its address is an empty list."""
    day = datetime(2019, 1, 1, tzinfo=UTC)
    word = "example string"
    line = Line(sku=word, title=word, variant_id=123, product_id=123, quantity=123, requires_shipping=True)
    assert parsed("checkouts/update", "checkouts_update__1").facts == CheckoutFacts(
        token=word,
        name=word,
        created=day,
        updated=day,
        marketing_consent=False,
        lines=(line, line),
        source_name=word,
    )


def test_any_way_to_reach_a_customer_is_a_contact() -> None:
    nobody = {"email": None, "phone": None, "sms_marketing_phone": None, "customer": {"id": 1}}
    assert not checkout(nobody).contact_known
    for key in ("email", "phone", "sms_marketing_phone"):
        assert checkout(nobody | {key: "somebody"}).contact_known
        assert checkout(nobody | {"customer": {key.removeprefix("sms_marketing_"): "somebody"}}).contact_known


def test_a_contact_that_was_withheld_is_not_known_to_be_missing() -> None:
    withheld = checkout(without=("email", "phone", "sms_marketing_phone", "customer"))
    assert (withheld.contact_known, withheld.absent) == (False, ("contact_known",))


@pytest.mark.parametrize("token", [None, "", "a\x00b", "x" * 256, ["a"], {"a": 1}])
def test_a_checkout_without_a_token_that_could_be_a_key_is_rejected(token: object) -> None:
    with pytest.raises(Reject, match=r"\$\.token"):
        checkout({"token": token})


def test_a_transaction_is_read_exactly() -> None:
    read = parsed("order_transactions/create", "order_transactions_create__1")

    assert (read.about, read.updated, read.test) == (About("order", ORDER), None, False)
    assert read.facts == TransactionFacts(
        id=120560818172775265,
        order_id=ORDER,
        kind="authorization",
        status="success",
        gateway="visa",
        amount=Money(Decimal("419.95"), "USD"),
        created=NEW_YEAR,
        manual=True,
    )


def test_a_decline_tells_its_code_and_a_new_code_stays_as_text() -> None:
    read = varied("order_transactions/create", {"status": "failure", "error_code": "CARD_ATE_ITSELF", "test": True})
    assert isinstance(read.facts, TransactionFacts)
    assert (read.facts.status, read.facts.error_code, read.test) == ("failure", "card_ate_itself", True)


def test_card_digits_are_those_of_the_bin_and_the_last_four_or_nothing() -> None:
    def digits(details: object) -> str | None:
        return card_digits(orjson.dumps(sample("order_transactions/create") | {"payment_details": details}))

    assert digits({"credit_card_bin": "424242", "credit_card_number": "•••• •••• •••• 1234"}) == "424242:1234"
    assert digits({"credit_card_bin": 424242, "credit_card_number": "x1234"}) == "424242:1234"
    assert digits({"credit_card_bin": None, "credit_card_number": "•••• 1234"}) is None
    assert digits({"credit_card_bin": "424242", "credit_card_number": "•••• 34"}) is None
    assert digits(None) is None
    assert digits([]) is None


def test_a_tender_is_read_exactly_and_may_be_negative() -> None:
    assert parsed("tender_transactions/create", "tender_transactions_create__1").facts == TenderFacts(
        id=220982911946154500, order_id=ORDER, amount=Money(Decimal("419.95"), "USD"), method="unknown"
    )
    back = varied("tender_transactions/create", {"amount": "-5.00"}).facts
    assert isinstance(back, TenderFacts)
    assert back.amount == Money(Decimal("-5.00"), "USD")


def test_terms_and_schedules_are_read_exactly_and_name_no_order() -> None:
    terms = parsed("payment_terms/create", "payment_terms_create__1")
    schedule = parsed("payment_schedules/due", "payment_schedules_due__1")
    second, due = datetime(2021, 1, 1, 5, 0, 1, tzinfo=UTC), datetime(2021, 1, 2, 5, tzinfo=UTC)

    zero = Money(Decimal("0.00"), "USD")
    date = Schedule(SCHEDULE, due, due, zero)
    assert terms.facts == PaymentTermsFacts(id=TERMS, terms=Terms("Net 7", "net", None, (date,)))
    assert (terms.about, terms.updated) == (About("payment-terms", TERMS), second)
    assert schedule.facts == PaymentScheduleFacts(
        id=SCHEDULE, balance=Money(Decimal("0.00"), "USD"), due=due, completed=due, terms_id=TERMS
    )
    assert (schedule.about, schedule.updated) == (About("payment-schedule", SCHEDULE), second)


def test_terms_that_are_deleted_are_gone_whatever_their_body_still_says() -> None:
    read = facts_of("payment_terms/delete", bodies()["payment_terms_create__1"])
    assert (read.facts, read.updated) == (PaymentTermsFacts(id=TERMS, deleted=True), None)


@pytest.mark.parametrize("topic", ["disputes/create", "disputes/update"])
def test_a_dispute_is_read_exactly(topic: str) -> None:
    read = parsed(topic, "disputes_create__1")

    assert read.about == About("order", ORDER)
    assert read.facts == DisputeFacts(
        id=285332461850802063,
        order_id=ORDER,
        kind="chargeback",
        status="under_review",
        reason="fraudulent",
        amount=Money(Decimal("11.50"), "CAD"),
        evidence_due=datetime(2021, 12, 31, tzinfo=UTC),
        network_code="4837",
    )


def test_a_dispute_without_an_order_stands_for_itself() -> None:
    assert varied("disputes/create", {"order_id": None}).about == About("dispute", 285332461850802063)


def test_a_draft_is_read_exactly() -> None:
    def pod(identity: int, variant: int, sku: str, quantity: int) -> Line:
        title, price = "IPod Nano - 8GB", Decimal("199.00")
        return Line(identity, sku, title, variant, 632910392, quantity, price=price, requires_shipping=True)

    read, due = parsed("draft_orders/create", "draft_orders_create__1"), datetime(2021, 1, 2, 5, tzinfo=UTC)
    assert (read.about, read.updated) == (About("draft", DRAFT), NEW_YEAR)
    assert read.facts == DraftFacts(
        id=DRAFT,
        name="#D165",
        status="open",
        total=Money(Decimal("412.00"), "USD"),
        discounts=Money(Decimal("8.00"), "USD"),
        created=NEW_YEAR,
        updated=NEW_YEAR,
        customer_id=706405506930370084,
        address=Address("US", "KY", has_country=True, has_address1=True, has_city=True, has_zip=True, edition=224),
        terms=Terms("Net 7", "net", None, (Schedule(SCHEDULE, due, due, Money(Decimal("412.00"), "USD")),)),
        lines=(
            pod(2270644, 49148385, "IPOD2008RED", 9),
            pod(68690, 457924702, "IPOD2008BLACK", 2),
            pod(4721719, 808950810, "IPOD2008PINK", 9),
        ),
    )


@pytest.mark.parametrize(
    ("told", "consent"),
    [
        ({"buyer_accepts_marketing": True}, True),
        ({"buyer_accepts_marketing": False, "buyer_accepts_sms_marketing": True}, True),
        ({"buyer_accepts_marketing": False, "buyer_accepts_sms_marketing": False}, False),
        ({"buyer_accepts_marketing": False}, None),
        ({"buyer_accepts_sms_marketing": False}, None),
        ({}, None),
    ],
)
def test_a_key_of_consent_that_is_missing_is_no_refusal(told: dict[str, object], consent: bool | None) -> None:
    keys = ("buyer_accepts_marketing", "buyer_accepts_sms_marketing")
    found = varied("checkouts/create", told, without=keys).facts
    assert isinstance(found, CheckoutFacts)
    assert found.marketing_consent is consent


def test_a_draft_that_was_deleted_is_its_id_and_says_that_it_knows_no_more() -> None:
    found = facts_of("draft_orders/delete", orjson.dumps({"id": DRAFT})).facts
    unknown = (
        "address",
        "company_id",
        "completed",
        "customer_id",
        "invoice_sent",
        "lines",
        "order_id",
        "tags",
        "terms",
    )
    assert found == DraftFacts(id=DRAFT, deleted=True, absent=unknown)


@pytest.mark.parametrize(("told", "is_known"), [({"b2b?": False}, True), ({"b2b?": True}, False), ({}, False)])
def test_a_drafts_body_says_whether_it_is_for_a_company_and_not_for_which(
    told: dict[str, object], is_known: bool
) -> None:
    found = varied("draft_orders/create", told, without=("b2b?",)).facts
    assert (found.absent == ()) is is_known
    assert is_known or found.absent == ("company_id",)


@pytest.mark.parametrize(
    ("whole", "of_lines", "expected"),
    [
        ({"amount": "8.00"}, [{"amount": "2.50"}, None, {"amount": "word"}], "10.50"),
        (None, [{"amount": "2.50"}], "2.50"),
        (None, [], "0"),
        ([], ["x"], "0"),
    ],
)
def test_a_drafts_discounts_are_those_of_the_whole_and_of_its_lines(
    whole: object, of_lines: list[object], expected: str
) -> None:
    lines = [{"applied_discount": discount} for discount in of_lines]
    found = varied("draft_orders/create", {"applied_discount": whole, "line_items": lines}).facts

    assert isinstance(found, DraftFacts)
    assert found.discounts == Money(Decimal(expected), "USD")


def test_without_the_key_a_drafts_discounts_are_not_known() -> None:
    found = varied("draft_orders/create", without=("applied_discount",)).facts

    assert isinstance(found, DraftFacts)
    assert found.discounts is None

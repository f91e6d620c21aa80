"""checkouts/*, order_transactions/*, tender_transactions/*, payment_terms/*, payment_schedules/*, disputes/*.

The gateway's blob (`receipt`), bearer links and card data are never read, but for the BIN and the last four digits,
which leave this module only as `card_digits` for a keyed hash.
"""

from __future__ import annotations

from msgspec import Raw

from schemas.facts.payments import CheckoutFacts, PaymentScheduleFacts, PaymentTermsFacts, TenderFacts, TransactionFacts
from schemas.facts.returns import DisputeFacts
from stages.bodies.fields import (
    NULL,
    Body,
    absent,
    flag,
    moment,
    money,
    number,
    one,
    required,
    text,
    token,
    whole,
    word,
)
from stages.bodies.lines import TermsBody, lines, terms
from stages.bodies.parsed import About, Parsed


class _Customer(Body):
    id: Raw = NULL
    email: Raw = NULL
    phone: Raw = NULL


class _Checkout(Body):
    token: Raw = NULL
    name: Raw = NULL
    created_at: Raw = NULL
    updated_at: Raw = NULL
    completed_at: Raw = NULL
    closed_at: Raw = NULL
    currency: Raw = NULL
    total_price: Raw = NULL
    email: Raw = NULL
    phone: Raw = NULL
    sms_marketing_phone: Raw = NULL
    customer: Raw = NULL
    buyer_accepts_marketing: Raw = NULL
    buyer_accepts_sms_marketing: Raw = NULL
    line_items: Raw = NULL
    source_name: Raw = NULL


#: What an empty value says something about: where the key is absent, that is not known.
EMPTY_SAYS = {
    "closed": "closed_at",
    "completed": "completed_at",
    "contact_known": "email",
    "lines": "line_items",
}


def checkout(body: bytes) -> Parsed:
    """Of the contact only whether there is one."""
    found = whole(body, _Checkout)
    customer = one(found.customer, _Customer) or _Customer()
    contacts = (found.email, found.phone, found.sms_marketing_phone, customer.email, customer.phone)
    facts = CheckoutFacts(
        token=required(token(found.token), "$.token"),
        name=text(found.name),
        created=moment(found.created_at),
        updated=moment(found.updated_at),
        completed=moment(found.completed_at),
        closed=moment(found.closed_at),
        total=money(found.total_price, text(found.currency)),
        contact_known=any(text(contact) is not None for contact in contacts),
        customer_id=number(customer.id),
        marketing_consent=_either(flag(found.buyer_accepts_marketing), flag(found.buyer_accepts_sms_marketing)),
        lines=lines(found.line_items),
        source_name=text(found.source_name),
        absent=absent(found, EMPTY_SAYS),
    )
    return Parsed(facts, About("checkout", facts.token), facts.updated)


def _either(first: bool | None, second: bool | None) -> bool | None:
    """To one of the two is enough; not to the one says nothing of the other."""
    if first or second:
        return True
    return None if first is None or second is None else False


class TransactionBody(Body):
    id: Raw = NULL
    order_id: Raw = NULL
    kind: Raw = NULL
    status: Raw = NULL
    gateway: Raw = NULL
    amount: Raw = NULL
    currency: Raw = NULL
    error_code: Raw = NULL
    message: Raw = NULL
    parent_id: Raw = NULL
    processed_at: Raw = NULL
    created_at: Raw = NULL
    test: Raw = NULL
    manual_payment_gateway: Raw = NULL
    payment_details: Raw = NULL


def transaction(body: bytes) -> Parsed:
    found = whole(body, TransactionBody)
    order_id = required(number(found.order_id), "$.order_id")
    facts = TransactionFacts(
        id=required(number(found.id), "$.id"),
        order_id=order_id,
        kind=required(word(found.kind), "$.kind"),
        status=required(word(found.status), "$.status"),
        gateway=text(found.gateway),
        amount=money(found.amount, text(found.currency)),
        error_code=word(found.error_code),
        message=text(found.message),
        parent_id=number(found.parent_id),
        processed=moment(found.processed_at),
        created=moment(found.created_at),
        test=flag(found.test) or False,
        manual=flag(found.manual_payment_gateway),
    )
    return Parsed(facts, About("order", order_id), test=facts.test)


class _Card(Body):
    credit_card_bin: Raw = NULL
    credit_card_number: Raw = NULL


def card_digits(body: bytes) -> str | None:
    """BIN and last four digits, for a keyed hash and nothing else; None unless both are there."""
    card = one(whole(body, TransactionBody).payment_details, _Card)
    if card is None:
        return None
    bin_digits = text(card.credit_card_bin)
    last = "".join(letter for letter in text(card.credit_card_number) or "" if letter.isdigit())[-4:]
    return f"{bin_digits}:{last}" if bin_digits and len(last) == 4 else None


class _Tender(Body):
    id: Raw = NULL
    order_id: Raw = NULL
    amount: Raw = NULL
    currency: Raw = NULL
    payment_method: Raw = NULL
    processed_at: Raw = NULL
    test: Raw = NULL


def tender(body: bytes) -> Parsed:
    found = whole(body, _Tender)
    order_id = required(number(found.order_id), "$.order_id")
    facts = TenderFacts(
        id=required(number(found.id), "$.id"),
        order_id=order_id,
        amount=money(found.amount, text(found.currency)),
        method=word(found.payment_method),
        processed=moment(found.processed_at),
        test=flag(found.test) or False,
    )
    return Parsed(facts, About("order", order_id), test=facts.test)


def payment_terms(body: bytes) -> Parsed:
    found = whole(body, TermsBody)
    facts = PaymentTermsFacts(id=required(number(found.id), "$.id"), terms=terms(found))
    return Parsed(facts, About("payment-terms", facts.id), moment(found.updated_at))


def payment_terms_deleted(body: bytes) -> Parsed:
    """Whatever else stands in it: there are none any more."""
    facts = PaymentTermsFacts(id=required(number(whole(body, TermsBody).id), "$.id"), deleted=True)
    return Parsed(facts, About("payment-terms", facts.id))


class _Schedule(Body):
    id: Raw = NULL
    balance_due: Raw = NULL
    currency: Raw = NULL
    due_at: Raw = NULL
    completed_at: Raw = NULL
    payment_terms_id: Raw = NULL
    updated_at: Raw = NULL


def payment_schedule(body: bytes) -> Parsed:
    found = whole(body, _Schedule)
    facts = PaymentScheduleFacts(
        id=required(number(found.id), "$.id"),
        balance=money(found.balance_due, text(found.currency)),
        due=moment(found.due_at),
        completed=moment(found.completed_at),
        terms_id=number(found.payment_terms_id),
    )
    return Parsed(facts, About("payment-schedule", facts.id), moment(found.updated_at))


class _Dispute(Body):
    id: Raw = NULL
    order_id: Raw = NULL
    type: Raw = NULL
    status: Raw = NULL
    reason: Raw = NULL
    network_reason_code: Raw = NULL
    amount: Raw = NULL
    currency: Raw = NULL
    evidence_due_by: Raw = NULL
    evidence_sent_on: Raw = NULL
    finalized_on: Raw = NULL


def dispute(body: bytes) -> Parsed:
    """One without an order stands for itself."""
    found = whole(body, _Dispute)
    facts = DisputeFacts(
        id=required(number(found.id), "$.id"),
        order_id=number(found.order_id),
        kind=word(found.type),
        status=word(found.status),
        reason=word(found.reason),
        amount=money(found.amount, text(found.currency)),
        evidence_due=moment(found.evidence_due_by),
        evidence_sent=moment(found.evidence_sent_on),
        finalized=moment(found.finalized_on),
        network_code=text(found.network_reason_code),
    )
    about = About("dispute", facts.id) if facts.order_id is None else About("order", facts.order_id)
    return Parsed(facts, about)

"""Facts of checkouts, transactions, payment terms and drafts (use cases 4 and 5)."""

from __future__ import annotations

from datetime import datetime

from schemas.facts.fact import Facts
from schemas.facts.orders import Address, Customer, Line, Terms
from schemas.money import Money


class CheckoutFacts(Facts, frozen=True, tag="checkout"):
    """checkouts/create and /update. `order_placed` and `has_abandonment` are looked up with `answer.checkout`,
    `customer` with every body that names one."""

    token: str
    name: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    completed: datetime | None = None
    closed: datetime | None = None
    total: Money | None = None
    contact_known: bool = False
    customer_id: int | None = None
    marketing_consent: bool | None = None
    lines: tuple[Line, ...] = ()
    source_name: str | None = None
    customer: Customer | None = None
    order_placed: bool | None = None
    order_id: int | None = None
    has_abandonment: bool | None = None
    #: Looked up: has the customer ordered nothing since? False means that the sale is not lost.
    no_order_since: bool | None = None
    #: Set on the checkout's copy of an order event: the order that came of it.
    from_order: bool = False


#: Statuses of a transaction that has moved no money and will not.
TRANSACTION_FAILED = frozenset({"failure", "error"})


class TransactionFacts(Facts, frozen=True, tag="transaction"):
    """order_transactions/create. `card` is a keyed hash of BIN and last four digits; neither is kept."""

    id: int
    order_id: int
    kind: str
    status: str
    gateway: str | None = None
    amount: Money | None = None
    error_code: str | None = None
    message: str | None = None
    parent_id: int | None = None
    processed: datetime | None = None
    created: datetime | None = None
    test: bool = False
    manual: bool | None = None
    card: str | None = None


class TenderFacts(Facts, frozen=True, tag="tender"):
    id: int
    order_id: int
    amount: Money | None = None
    method: str | None = None
    processed: datetime | None = None
    test: bool = False


class PaymentTermsFacts(Facts, frozen=True, tag="payment-terms"):
    """payment_terms/create, /update, /delete."""

    id: int
    terms: Terms = Terms()
    deleted: bool = False


class PaymentScheduleFacts(Facts, frozen=True, tag="payment-schedule"):
    """payment_schedules/due. The order is looked up: the body names only the terms."""

    id: int
    balance: Money | None = None
    due: datetime | None = None
    completed: datetime | None = None
    terms_id: int | None = None
    order_id: int | None = None
    order_name: str | None = None


class DraftFacts(Facts, frozen=True, tag="draft"):
    """draft_orders/*: `status` open, invoice_sent, completed. `customer` and `product_tags` are looked up, and so is
    `company_id` where the body says that it is for a company."""

    id: int
    name: str | None = None
    status: str | None = None
    total: Money | None = None
    discounts: Money | None = None
    created: datetime | None = None
    updated: datetime | None = None
    invoice_sent: datetime | None = None
    completed: datetime | None = None
    order_id: int | None = None
    tags: tuple[str, ...] = ()
    deleted: bool = False
    customer_id: int | None = None
    company_id: int | None = None
    address: Address | None = None
    terms: Terms | None = None
    lines: tuple[Line, ...] = ()
    customer: Customer | None = None
    product_tags: tuple[str, ...] | None = None

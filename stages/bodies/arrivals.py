"""From a raw record to a draft of its event: headers and body read, nothing looked up yet."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from schemas import subjects
from schemas.events import Event, Source
from schemas.facts.orders import OrderFacts
from schemas.facts.payments import TRANSACTION_FAILED, CheckoutFacts, DraftFacts, TransactionFacts
from schemas.reasons import RejectReason
from schemas.records import Record
from stages.bodies import drafts
from stages.bodies.fields import instant
from stages.bodies.parsed import About, Parsed
from stages.bodies.payments import card_digits
from stages.bodies.skew import in_time
from stages.bodies.table import facts_of, facts_of_event
from stages.stage import Reject

#: Said of the merchant's account or of the gateway itself, not of a card: these count for the shop.
_PROVIDER_FAILED = frozenset(
    {
        "config_error",
        "merchant_account_error",
        "payment_provider_error",
        "payment_method_unavailable",
        "test_mode_live_card",
    }
)


@dataclass(frozen=True, slots=True)
class Draft:
    """`about` None: the shop as a whole. The event's subject is that of `about` as if it were its own."""

    event: Event
    about: About | None


def routing_of(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")


def read(record: Record, card_key: bytes | None) -> Draft:
    """Raises Reject (undecodable) for a record without a body, an identity, a topic or a delivery id."""
    topic, delivery_id = record.header("ce_type"), record.header("ce_id")
    if record.value is None or topic is None or delivery_id is None:
        raise Reject(RejectReason.UNDECODABLE, "a record without a body, a topic or a delivery id")
    shop = (record.header("ce_source") or "").removeprefix("//") or subjects.shop_of(routing_of(record))
    parsed = _parsed(record, topic, record.value)
    facts = parsed.facts
    if card_key is not None and isinstance(facts, TransactionFacts):
        facts = replace(facts, card=_card(card_key, record.value))
    written = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    event = Event(
        kind=topic,
        shop=shop,
        subject=subjects.shop_wide(shop) if parsed.about is None else parsed.about.in_shop(shop),
        resource=routing_of(record),
        occurred=instant(record.header("ce_time")) or written,
        received=instant(record.header("received")) or written,
        delivery_id=delivery_id,
        source=_source(record),
        facts=facts,
        updated=parsed.updated,
        event_id=record.header("x-shopify-event-id") or record.header("shopify-event-id"),
        test=parsed.test or record.header("x-shopify-test") == "true",
        echo=parsed.echo,
    )
    return Draft(in_time(event), parsed.about)


def _parsed(record: Record, topic: str, body: bytes) -> Parsed:
    event_topic = record.header("shopify-topic")
    if event_topic is None:
        return facts_of(topic, body)
    return facts_of_event(topic, event_topic, record.header("shopify-resource-id"), body)


def _source(record: Record) -> Source:
    if record.header("source") == "reconcile":
        return Source.RECONCILE
    return Source.WEBHOOK if record.header("shopify-topic") is None else Source.EVENT


def _card(key: bytes, body: bytes) -> str | None:
    """What stands for a card: the same for the same card, and nothing to anybody without the key."""
    digits = card_digits(body)
    return None if digits is None else hmac.new(key, digits.encode(), hashlib.sha256).hexdigest()[:16]


def copies(event: Event) -> tuple[Event, ...]:
    """The same happening, told to other subjects: an order ends its checkout, a draft is what its order was made of, a
    decline counts for its card and, where the provider failed, for the shop."""
    facts = event.facts
    if isinstance(facts, OrderFacts) and facts.checkout_token is not None:
        return (_of_checkout(event, facts, facts.checkout_token),)
    if isinstance(facts, DraftFacts) and facts.order_id is not None:
        return (_of_order(event, facts, facts.order_id),)
    if isinstance(facts, TransactionFacts) and facts.status in TRANSACTION_FAILED:
        return tuple(replace(event, subject=subject) for subject in _counted_for(event.shop, facts))
    return ()


def _of_order(event: Event, facts: DraftFacts, order: int) -> Event:
    """What came of the draft, and nothing that the order tells better itself."""
    told = DraftFacts(
        id=facts.id,
        name=facts.name,
        status=facts.status,
        total=facts.total,
        completed=facts.completed,
        order_id=order,
        updated=facts.updated,
        absent=tuple(drafts.EMPTY_SAYS),
    )
    return replace(event, subject=subjects.order(event.shop, order), facts=told, incomplete=())


def _counted_for(shop: str, facts: TransactionFacts) -> Iterator[str]:
    if facts.card is not None:
        yield subjects.card(shop, facts.card)
    if facts.error_code in _PROVIDER_FAILED:
        yield subjects.shop_wide(shop)


def _of_checkout(event: Event, facts: OrderFacts, token: str) -> Event:
    """Also of a test order: whoever has bought has not left."""
    told = CheckoutFacts(
        token=token,
        updated=facts.updated,
        completed=facts.processed or facts.created,
        total=facts.total,
        customer_id=facts.customer_id,
        source_name=facts.source_name,
        order_placed=True,
        order_id=facts.id,
        from_order=True,
        absent=("closed", "contact_known", "lines"),
    )
    subject, is_delivery_test = subjects.checkout(event.shop, token), event.test and not facts.test
    return replace(event, subject=subject, facts=told, incomplete=(), test=is_delivery_test)

"""`deduplicate`: drops what was already seen, what changes nothing, what is out of date, and what is only a test.

A delivery is known by (delivery id, subject, kind) for 96 hours. A state is known by its fingerprint: a topic that
tells the newest state once more is dropped, another topic of the same merchant action is not. Out of date is what is
older by (updated, occurred, delivery id) than the newest state; an equal `updated` with another fingerprint passes.
What reports a happening is never out of date, nor that an item was not watched in between; an answer is known by its
question only. That an order is a test goes on: it says so of all that belongs to the order. Not promised: that states
come out in order; the newest known one is never forgotten for an older one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas import codec, topics
from schemas.events import Event, Source
from schemas.facts.operations import AppSubscriptionFacts, LocationFacts
from schemas.facts.orders import HoldFacts, OrderFacts, RiskFacts
from schemas.facts.payments import CheckoutFacts, DraftFacts
from schemas.facts.shipments import FulfillmentFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, ProductFacts
from schemas.facts.table import AnyFacts
from schemas.reasons import DropReason, RejectReason
from schemas.records import Record
from stages.dossiers.stock import ends_watch
from stages.stage import Context, Drop, Emit, Family, Outcome, Reject, Timer, Work

#: Facts that are a resource's whole state; all others report a happening. Of a shop and its domains, which tell seldom,
#: what was before counts too: that a storefront was open makes its password news.
_STATES = (
    OrderFacts,
    FulfillmentFacts,
    InventoryFacts,
    InventoryItemFacts,
    ProductFacts,
    CheckoutFacts,
    DraftFacts,
    LocationFacts,
    AppSubscriptionFacts,
)
_HAPPENINGS = frozenset({"draft_orders/delete", "inventory_items/delete", "products/delete"})


class Newest(Struct, frozen=True, array_like=True):
    """The newest state of a resource, and the topics that have told it."""

    updated: datetime
    occurred: datetime
    delivery: bytes
    fingerprint: bytes
    kinds: tuple[str, ...]

    @property
    def age(self) -> tuple[datetime, datetime, bytes]:
        return (self.updated, self.occurred, self.delivery)


SEEN: Family[bool] = Family("seen", bool, ttl=timedelta(hours=96))
#: No raw record and no dead letter lives longer, so nothing older can come back; each costs about 400 bytes.
NEWEST: Family[Newest] = Family("newest", Newest, ttl=timedelta(days=30))


class Deduplicate:
    families: Sequence[Family[Any]] = (SEEN, NEWEST)

    def process(self, work: Work, context: Context) -> Iterator[Outcome]:
        if isinstance(work, Timer):
            return
        event = _decoded(work)
        if event.test and not _is_test_order(event.facts):
            yield Drop(DropReason.TEST)
            return
        delivery = _digest(event.delivery_id, event.kind)
        if context.state.get(SEEN, event.subject, delivery):
            yield Drop(DropReason.DUPLICATE_DELIVERY)
            return
        context.state.put(SEEN, event.subject, True, delivery)
        reason = _compared(event, context) if _is_state(event) else None
        yield Emit(topics.UNIQUE, event.subject, event, event.kind) if reason is None else Drop(reason)


def _decoded(record: Record) -> Event:
    try:
        return codec.decode(record, Event)
    except codec.Undecodable as error:
        raise Reject(RejectReason.UNDECODABLE, str(error)) from error


def _is_test_order(facts: AnyFacts) -> bool:
    """It goes on, so that what comes of it later (a parcel, a hold, a return) is known to be of a test too."""
    return isinstance(facts, OrderFacts | RiskFacts | HoldFacts) and facts.test


def _is_state(event: Event) -> bool:
    """An Event whose resource could not be looked up tells that something happened, and no state."""
    if event.source is Source.EVENT and event.updated is None:
        return False
    return event.source is not Source.ANSWER and isinstance(event.facts, _STATES) and event.kind not in _HAPPENINGS


def _compared(event: Event, context: Context) -> DropReason | None:
    """Against the newest state of its resource, which it becomes if it is newer."""
    name = _resource(event)
    newest = context.state.get(NEWEST, event.subject, name)
    told = Newest(
        updated=event.updated or event.occurred.replace(microsecond=0),
        occurred=event.occurred,
        delivery=_digest(event.delivery_id),
        fingerprint=_fingerprint(event),
        kinds=(event.kind,),
    )
    if newest is None:
        context.state.put(NEWEST, event.subject, told, name)
        return None
    if told.fingerprint == newest.fingerprint:
        return _told_again(event, told, newest, context, name)
    if told.age > newest.age:
        context.state.put(NEWEST, event.subject, told, name)
        return None
    passes = told.updated == newest.updated or ends_watch(event.facts)
    return None if passes else DropReason.OUT_OF_DATE


def _told_again(event: Event, told: Newest, newest: Newest, context: Context, name: bytes) -> DropReason | None:
    """The same state: new only to a topic that has not told it yet. How new it is counts all the same."""
    known = event.kind in newest.kinds
    latest = max(told, newest, key=lambda state: state.age)
    kinds = newest.kinds if known else (*newest.kinds, event.kind)
    context.state.put(NEWEST, event.subject, replace(latest, kinds=kinds), name)
    return DropReason.DUPLICATE_STATE if known else None


def _resource(event: Event) -> bytes:
    """A resource's states are compared among themselves: an item has a level at each location, an order many parcels,
    a shop many subscriptions."""
    which = ""
    if isinstance(event.facts, InventoryFacts):
        which = str(event.facts.location_id)
    elif isinstance(event.facts, FulfillmentFacts | AppSubscriptionFacts):
        which = str(event.facts.id)
    return _digest(event.resource, str(event.facts.__struct_config__.tag), which)


#: Changes with every delivery and says nothing of the state.
_VOLATILE = "updated"
#: What is waited for to be quiet: that somebody is still at it is all that such a delivery may have to tell.
_QUIET = (CheckoutFacts, DraftFacts)


def _fingerprint(event: Event) -> bytes:
    """Of the facts and of what is not known of them: that something has become known is news."""
    facts = event.facts
    is_steady = isinstance(facts, _QUIET) or _VOLATILE not in facts.__struct_fields__
    steady = facts if is_steady else replace(facts, updated=None)
    return blake2b(msgspec.json.encode((steady, event.incomplete)), digest_size=16).digest()


def _digest(*parts: str) -> bytes:
    return blake2b("\x00".join(parts).encode(), digest_size=16).digest()

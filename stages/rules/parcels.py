"""Use case 2: what is known of each parcel of an order, from its fulfillment and its carrier's events.

A carrier's events are ordered by when they happened, never by when they were told; one that was taken back has not
happened. A fulfillment's own `shipment_status` counts where no event has told the same. Where Shopify was asked, what
it says of a parcel is one more state of it, with so many more events. `confirmed` and a label say nothing of the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Detail
from schemas.facts.shipments import FulfillmentFacts, ParcelsFacts, ShipmentFacts
from stages.dossiers.dossier import Dossier, once
from stages.dossiers.registers import Known
from stages.dossiers.shelves import TAKEN_BACK
from stages.rules.order_wording import for_operations
from stages.rules.rule import Case, details
from stages.rules.words import called, moment, plain, sentence

LABELS = frozenset({"label_purchased", "label_printed"})
READY = "ready_for_pickup"
FORWARD = frozenset({"carrier_picked_up", "in_transit", "out_for_delivery", "delivered"})
ARRIVED = frozenset({"delivered", "picked_up"})
FAILED = frozenset({"failure", "not_delivered"})
MILD = frozenset({"attempted_delivery", "delayed"})
#: Nothing of these is a carrier's scan; what is in none of these sets is a word that nobody knows yet.
_NO_SCAN = LABELS | {"confirmed", "submitted", "marked_as_fulfilled", "fulfilled", "label_voided", "canceled"}
KNOWN = FORWARD | ARRIVED | FAILED | MILD | _NO_SCAN | {READY}
_STATES = frozenset({"pending", "open", "success", "cancelled", "error", "failure"})


@dataclass(frozen=True, slots=True, order=True)
class Scan:
    at: datetime
    id: int
    status: str
    country: str | None = field(default=None, compare=False)
    promised: datetime | None = field(default=None, compare=False)

    @property
    def is_unknown(self) -> bool:
        return self.status not in KNOWN


@dataclass(frozen=True, slots=True)
class Parcel:
    """`scans`: the oldest first. `state` None: only its carrier has told of it."""

    id: int
    state: FulfillmentFacts | None
    scans: tuple[Scan, ...]

    @property
    def status(self) -> str | None:
        return self.state.status if self.state else None

    @property
    def has_unknown_status(self) -> bool:
        return self.status is not None and self.status not in _STATES

    @property
    def carrier_scans(self) -> tuple[Scan, ...]:
        """What the carrier itself has seen."""
        return tuple(scan for scan in self.scans if scan.status not in _NO_SCAN)

    @property
    def promised(self) -> datetime | None:
        """When it was last said that it would arrive."""
        told = next((scan.promised for scan in reversed(self.scans) if scan.promised), None)
        return told or (self.state.estimated_delivery if self.state else None)

    def newest(self, statuses: Collection[str]) -> Scan | None:
        return next((scan for scan in reversed(self.scans) if scan.status in statuses), None)

    def first(self, statuses: Collection[str]) -> Scan | None:
        return next((scan for scan in self.scans if scan.status in statuses), None)


@once
def parcels(dossier: Dossier) -> Sequence[Parcel]:
    states = _states(dossier)
    told: dict[int, list[Scan]] = {number: [] for number in states}
    for known in _scans(dossier):
        scan, scans = _scan(known), told.setdefault(known.value.fulfillment_id, [])
        if scan.id or scan.status not in {each.status for each in scans}:
            scans.append(scan)
    return [_parcel(number, states, scans) for number, scans in sorted(told.items())]


def _looked_at(dossier: Dossier) -> Known[ParcelsFacts] | None:
    found = dossier.every(ParcelsFacts)
    return found[-1] if found else None


def _states(dossier: Dossier) -> dict[int, Known[FulfillmentFacts]]:
    """Each parcel's newest state: a webhook's, or what Shopify said when it was asked."""
    states = {known.value.id: known for known in dossier.every(FulfillmentFacts)}
    looked = _looked_at(dossier)
    for seen in looked.value.parcels if looked else ():
        told = states.get(seen.id)
        if looked is not None and (told is None or _version(told) <= (seen.updated or looked.stamp.occurred)):
            states[seen.id] = Known(looked.stamp, looked.kind, seen if told is None else _with_place(seen, told.value))
    return states


def _version(known: Known[FulfillmentFacts]) -> datetime:
    return known.value.updated or known.stamp.occurred


def _with_place(seen: FulfillmentFacts, told: FulfillmentFacts) -> FulfillmentFacts:
    """What only a body says of it."""
    return replace(seen, location_id=told.location_id, lines=told.lines or seen.lines)


def _scans(dossier: Dossier) -> Iterator[Known[ShipmentFacts]]:
    """Each once; first those that are known by an id."""
    every = dossier.every(ShipmentFacts)
    gone = {known.value.id for known in every if known.kind == TAKEN_BACK}
    looked = _looked_at(dossier)
    seen = [Known(looked.stamp, looked.kind, each) for each in looked.value.scans] if looked else []
    found = {known.value.id: known for known in (*seen, *every) if known.value.id and known.value.id not in gone}
    yield from found.values()
    yield from (known for known in seen if not known.value.id)


def _scan(known: Known[ShipmentFacts]) -> Scan:
    facts = known.value
    at = facts.happened or known.stamp.occurred
    return Scan(at, facts.id, facts.status, facts.country, facts.estimated_delivery)


def _parcel(number: int, states: Mapping[int, Known[FulfillmentFacts]], scans: list[Scan]) -> Parcel:
    known = states.get(number)
    status = known.value.shipment_status if known else None
    if known is not None and status and status not in {scan.status for scan in scans}:
        scans = [*scans, Scan(_version(known), 0, status)]
    return Parcel(number, known.value if known else None, tuple(sorted(scans)))


def ships(case: Case, parcel: Parcel) -> bool:
    """What is known to need no shipping has no parcel, whatever Shopify calls it."""
    order = case.dossier.order
    if parcel.state is not None and parcel.state.requires_shipping is not None:
        return parcel.state.requires_shipping
    return order is None or order.requires_shipping is not False


def replacement(parcel: Parcel, others: Sequence[Parcel], since: datetime) -> Parcel | None:
    """A later parcel with some of the same lines."""
    lines = {line.id for line in parcel.state.lines} if parcel.state else set()
    for other in others:
        state = other.state
        if state is None or other.id == parcel.id or state.status != "success":
            continue
        is_later = state.created is not None and state.created >= since
        if is_later and (not lines or lines & {line.id for line in state.lines}):
            return other
    return None


# --- how it is said ---------------------------------------------------------------------------------------------------


def title(case: Case, parcel: Parcel, words: str) -> str:
    return f"{sentence(called(case))}: {words}{_which(case, parcel)}"


def _which(case: Case, parcel: Parcel) -> str:
    """Named where the order has several: `#1001.2`."""
    several = len(parcels(case.dossier)) > 1
    name = (parcel.state.name if parcel.state else None) or str(parcel.id)
    return f" (parcel {name})" if several else ""


def for_support(case: Case, parcel: Parcel) -> tuple[Detail, ...]:
    """Carrier, tracking, promised date, last event."""
    state = parcel.state
    last = parcel.scans[-1] if parcel.scans else None
    order, promised = case.dossier.order, parcel.promised
    return details(
        carrier=state.carrier if state else None,
        tracking=", ".join(state.tracking_numbers) if state else None,
        promised=promised and moment(promised),
        last_event=f"{plain(last.status)}, {moment(last.at)}" if last else None,
        items=", ".join(_items(state)) if state else None,
        shipping=", ".join(order.shipping_methods) if order else None,
        location=state.location_id if state else None,
    )


def _items(state: FulfillmentFacts) -> Iterator[str]:
    for line in state.lines[:5]:
        yield f"{line.quantity} x {line.title or line.sku or line.id}"
    if len(state.lines) > 5:
        yield f"and {len(state.lines) - 5} more"


def of_order(case: Case) -> tuple[Detail, ...]:
    """Without how much of it is shipped: the order's own word may be older than the parcel's."""
    return tuple(detail for detail in for_operations(case) if detail.label != "Shipped")


def unknown_of(parcel: Parcel) -> tuple[str, ...]:
    """What support would look for and does not find."""
    return tuple(_unknown(parcel))


def _unknown(parcel: Parcel) -> Iterator[str]:
    state = parcel.state
    if state is None:
        yield "carrier and tracking number: the fulfillment itself was not told"
    elif not state.carrier and not state.tracking_numbers:
        yield "carrier and tracking number: none was given"
    elif not state.carrier:
        yield "which carrier has it"
    elif not state.tracking_numbers:
        yield "its tracking number: none was given"
    if parcel.promised is None and parcel.newest(ARRIVED) is None:
        yield "when it was promised to arrive"
    if not parcel.carrier_scans:
        yield "where it is: its carrier has told nothing"

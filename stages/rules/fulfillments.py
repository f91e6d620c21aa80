"""Use case 2: what has become of an order on its way out: packed, shipped, shipped in part.

Shopify has no real "packed": the text says what it was, and which of its words mean packed is the merchant's setting.
`success` and `confirmed` prove no shipment. What remains is counted from the order's lines and its parcels, since what
is open on its fulfillment orders is not looked up yet. Not yet: why and where the rest remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.facts import FulfillmentOrderFacts, Line, OrderFacts
from stages.dossiers.registers import MANY, Known
from stages.rules.order_wording import ORDER, called, for_operations, over
from stages.rules.parcels import (
    FAILED,
    FORWARD,
    LABELS,
    READY,
    Parcel,
    Scan,
    for_support,
    parcels,
    ships,
    title,
    unknown_of,
)
from stages.rules.rule import Case, Clear, Due, Fire, Said, Tell, Verdict, details
from stages.rules.words import order_link, plain

TO = (Audience.CUSTOMER_SERVICE,)
#: An order and its parcel are written one after the other, and stamped in whole seconds.
_SAME_MOMENT = timedelta(minutes=1)
_PREPARED = {
    "fulfillment_orders/line_items_prepared_for_pickup": "prepared for pickup",
    "fulfillment_orders/line_items_prepared_for_local_delivery": "prepared for local delivery",
    "fulfillment_orders/progress_reported": "progress was reported",
}
_WORDS = {
    "carrier_picked_up": "the carrier has picked it up",
    "in_transit": "it is in transit",
    "out_for_delivery": "it is out for delivery",
    "delivered": "it has arrived",
}


@dataclass(frozen=True, slots=True)
class FulfillmentPacked:
    """A label, or that it lies ready: each once for a parcel. What the carrier has already is no longer news."""

    name: str = "fulfillment-packed"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        for parcel in parcels(case.dossier):
            if not ships(case, parcel) or parcel.first(FORWARD | FAILED):
                continue
            if label := parcel.first(LABELS):
                yield Tell(_packed(case, parcel, label, "label made"), f"{parcel.id}/label")
            if ready := parcel.first({READY}):
                yield Tell(_packed(case, parcel, ready, "ready for pickup"), f"{parcel.id}/ready")
        for known in case.dossier.every(FulfillmentOrderFacts):
            if known.kind in _PREPARED:
                yield Tell(_prepared(case, known), f"{known.value.fulfillment_order}/{known.kind}")


def _packed(case: Case, parcel: Parcel, scan: Scan, words: str) -> Said:
    words = _word_for(case, scan.status, words)
    return Said(
        title=title(case, parcel, words),
        since=scan.at,
        severity=Severity.INFO,
        audiences=TO,
        details=for_support(case, parcel),
        link=order_link(case),
        unknown=unknown_of(parcel),
    )


def _word_for(case: Case, status: str, words: str) -> str:
    means = {word.lower() for word in case.configuration.rules.fulfillment.packed_when}
    return f"packed ({words})" if status in means else words


def _prepared(case: Case, known: Known[FulfillmentOrderFacts]) -> Said:
    words = _word_for(case, known.kind.rpartition("/")[2], _PREPARED[known.kind])
    return Said(
        title=f"{called(case)}: {words}",
        since=known.stamp.occurred,
        severity=Severity.INFO,
        audiences=TO,
        details=details(message=known.value.message),
        link=order_link(case),
    )


@dataclass(frozen=True, slots=True)
class FulfillmentShipped:
    """The carrier's first scan; before that, once, that a parcel marked as shipped has none yet."""

    name: str = "fulfillment-shipped"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        for parcel in parcels(case.dossier):
            if not ships(case, parcel):
                continue
            if scan := parcel.first(FORWARD):
                said = _shipped(case, parcel, f"shipped, {_WORDS[scan.status]}")
                yield Tell(replace(said, since=scan.at), str(parcel.id))
            yield from _unscanned(case, parcel)


def _unscanned(case: Case, parcel: Parcel) -> Iterator[Verdict]:
    key, state = f"{parcel.id}/unscanned", parcel.state
    began = state.created or state.updated if state else None
    if state is None or began is None or not state.tracking_numbers:
        return
    if state.status != "success" or parcel.carrier_scans:
        yield Clear("it is known where the parcel is", key)
        return
    said = replace(_shipped(case, parcel, "marked as shipped, not yet scanned"), since=began)
    yield Tell(said, key, began + case.configuration.rules.fulfillment.shipped_unscanned_after)


def _shipped(case: Case, parcel: Parcel, words: str) -> Said:
    return Said(
        title=title(case, parcel, words),
        since=case.now,
        severity=Severity.INFO,
        audiences=TO,
        details=for_support(case, parcel),
        link=order_link(case),
        unknown=unknown_of(parcel),
    )


# --- shipped in part --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FulfillmentPartial:
    """Shopify calls the order partly fulfilled, and lines that need shipping are in no parcel."""

    name: str = "fulfillment-partial"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        order = case.dossier.order
        if because := over(case.dossier):
            yield Clear(because)
            return
        if order is None or not order.lines:
            return
        if order.fulfillment == "partial":
            yield from _counted(case, order)
        elif order.fulfillment is None and "fulfillment" not in order.absent:
            yield Clear("nothing of it is shipped any more")


def _counted(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    """Where every known parcel is newer than Shopify's word, the one that it spoke of is not told yet."""
    began, remaining = _shipped_units(case, order.updated), _remaining(case, order)
    if _is_cut(case, order):
        if any(parcel.status == "success" and ships(case, parcel) for parcel in parcels(case.dossier)):
            yield from _in_part(case, [])
    elif not remaining:
        yield Clear("nothing remains to be shipped")
    elif any(began[line.id] for line in order.lines if _is_shippable(line)):
        yield from _in_part(case, remaining)


def _in_part(case: Case, remaining: list[str]) -> Iterator[Verdict]:
    since = case.dossier.since("fulfillment", "partial") or case.now
    said = Said(
        title=f"{called(case)}: shipped in part{_how_many(remaining)}",
        since=since,
        severity=Severity.INFO,
        audiences=TO,
        details=(*details(remaining=", ".join(remaining[:5]), **_parcels_of(case)), *for_operations(case)),
        next_step="Tell the customer what comes later, and when.",
        link=order_link(case),
        unknown=("why the rest remains, and at which location",)
        if remaining
        else ("what remains, and why: the order has more lines than are kept",),
    )
    yield Fire(said)
    title = f"{said.title}, and still not shipped"
    late = replace(said, severity=Severity.WARNING, title=title, end=said.title)
    lasted = case.after(since, case.configuration.rules.fulfillment.partial_after, Audience.CUSTOMER_SERVICE)
    moments = [lasted, case.dossier.fulfill_by]
    yield Due(late, min(moment for moment in moments if moment is not None))


def _how_many(remaining: list[str]) -> str:
    if not remaining:
        return ""
    return f", {len(remaining)} lines remain" if len(remaining) > 1 else ", 1 line remains"


def _is_cut(case: Case, order: OrderFacts) -> bool:
    """Of very many lines only the first ones are kept: they cannot be counted, and Shopify's own word has to do."""
    states = (parcel.state for parcel in parcels(case.dossier))
    return any(len(lines) >= MANY for lines in (order.lines, *(state.lines for state in states if state)))


def _parcels_of(case: Case) -> dict[str, str]:
    told = [
        f"{parcel.state.carrier or 'carrier unknown'} {', '.join(parcel.state.tracking_numbers)}".strip()
        for parcel in parcels(case.dossier)
        if parcel.state and parcel.state.status == "success"
    ]
    return {"shipped_by": "; ".join(told)}


def _is_shippable(line: Line) -> bool:
    """Gift cards, digital and removed lines are not waited for."""
    return line.requires_shipping is not False and not line.gift_card and _units(line) > 0


def _units(line: Line) -> int:
    return line.quantity if line.current_quantity is None else line.current_quantity


def _shipped_units(case: Case, until: datetime | None = None) -> Counter[int | None]:
    found: Counter[int | None] = Counter()
    for parcel in parcels(case.dossier):
        if parcel.state is None or (until and parcel.state.created and parcel.state.created > until + _SAME_MOMENT):
            continue
        if parcel.status in ("success", "open", "pending"):
            for line in parcel.state.lines:
                found[line.id] += line.quantity
    return found


def _remaining(case: Case, order: OrderFacts) -> list[str]:
    shipped = _shipped_units(case)
    return [
        f"{_units(line) - shipped[line.id]} x {plain(line.title) if line.title else line.sku or line.id}"
        for line in order.lines
        if _is_shippable(line) and _units(line) > shipped[line.id]
    ]

"""Use case 2: what has become of an order on its way out: packed, shipped.

Shopify has no real "packed": the text says what it was, and which of its words mean packed is the merchant's setting.
`success` and `confirmed` prove no shipment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.facts.shipments import FulfillmentOrderFacts
from schemas.questions import QuestionKind
from stages.dossiers.registers import Known
from stages.rules.order_wording import ORDER, called, cancelled, over
from stages.rules.parcels import (
    ARRIVED,
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
from stages.rules.rule import Case, Clear, Said, Tell, Verdict, details
from stages.rules.words import order_link, plain

TO = (Audience.CUSTOMER_SERVICE,)
_PREPARED = {
    "fulfillment_orders/line_items_prepared_for_pickup": "prepared for pickup",
    "fulfillment_orders/line_items_prepared_for_local_delivery": "prepared for local delivery",
    "fulfillment_orders/progress_reported": "progress was reported",
}
#: The same, as `packed_when` names them.
PREPARED = frozenset(kind.rpartition("/")[2] for kind in _PREPARED)
_READY = "Tell the customer that it can be picked up."
_NEXT = {
    "fulfillment_orders/line_items_prepared_for_pickup": _READY,
    "fulfillment_orders/line_items_prepared_for_local_delivery": "Nothing to do: it is about to be delivered.",
    "fulfillment_orders/progress_reported": "Nothing to do: it is being worked on.",
}
_WORDS = {
    "carrier_picked_up": "the carrier has picked it up",
    "in_transit": "it is in transit",
    "out_for_delivery": "it is out for delivery",
    "delivered": "it has arrived",
}


@dataclass(frozen=True, slots=True)
class FulfillmentPacked:
    """A label, or that it lies ready: each once for a parcel. The label of what is on its way is no longer news."""

    name: str = "fulfillment-packed"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        for parcel in parcels(case.dossier):
            if not ships(case, parcel):
                continue
            packed = _meaning_packed(case)
            for key, words in (("packed", packed), ("label", LABELS - packed), ("ready", {READY} - packed)):
                if (scan := parcel.first(words)) is not None and _is_news(parcel, scan):
                    yield _packed(case, parcel, scan, key)
        for known in case.dossier.every(FulfillmentOrderFacts):
            if known.kind in _PREPARED:
                key = f"{known.value.fulfillment_order}/{known.kind}"
                yield Tell(_prepared(case, known), key, over=over(case.dossier) or "")


def _is_news(parcel: Parcel, scan: Scan) -> bool:
    """Until the carrier has it, or, where it lies ready at the end of its way, until it is fetched."""
    return parcel.first(ARRIVED | FAILED if scan.status == READY else FORWARD | FAILED) is None


def _meaning_packed(case: Case) -> frozenset[str]:
    """Which of Shopify's words do, in this company."""
    return frozenset(word.lower() for word in case.configuration.rules.fulfillment.packed_when)


def _packed(case: Case, parcel: Parcel, scan: Scan, key: str) -> Tell:
    words = (
        "ready for pickup" if scan.status == READY else "label made" if scan.status in LABELS else plain(scan.status)
    )
    said = Said(
        title=title(case, parcel, f"packed ({words})" if key == "packed" else words),
        since=scan.at,
        severity=Severity.INFO,
        audiences=TO,
        details=for_support(case, parcel),
        next_step=_READY if scan.status == READY else "Nothing to do: the carrier has not got it yet.",
        link=order_link(case),
        unknown=unknown_of(parcel),
    )
    return Tell(said, f"{parcel.id}/{key}", over=_over(case, parcel))


def _over(case: Case, parcel: Parcel) -> str:
    """What makes it no news any more that it was packed, or shipped."""
    if parcel.status in ("cancelled", "error", "failure"):
        return f"its fulfillment ended in {parcel.status}"
    return cancelled(case.dossier) or ""


def _prepared(case: Case, known: Known[FulfillmentOrderFacts]) -> Said:
    words = _PREPARED[known.kind]
    if known.kind.rpartition("/")[2] in _meaning_packed(case):
        words = f"packed ({words})"
    return Said(
        title=f"{called(case)}: {words}",
        since=known.stamp.occurred,
        severity=Severity.INFO,
        audiences=TO,
        details=details(message=known.value.message),
        next_step=_NEXT[known.kind],
        link=order_link(case),
        unknown=("carrier, tracking number and promised date: nothing of it is shipped yet",),
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
                yield Tell(replace(said, since=scan.at), str(parcel.id), over=_over(case, parcel))
            yield from _unscanned(case, parcel)


def _unscanned(case: Case, parcel: Parcel) -> Iterator[Verdict]:
    key, state = f"{parcel.id}/unscanned", parcel.state
    began = state.created or state.updated if state else None
    if state is None or began is None or not state.tracking_numbers:
        return
    if state.status != "success" or parcel.carrier_scans:
        yield Clear("it is known where the parcel is", key)
        return
    said = replace(
        _shipped(case, parcel, "marked as shipped, not yet scanned"),
        since=began,
        next_step="Nothing to do yet: if no scan follows, ask the carrier whether it has the parcel.",
    )
    at = began + case.configuration.rules.fulfillment.shipped_unscanned_after
    yield Tell(said, key, at, QuestionKind.PARCELS)


def _shipped(case: Case, parcel: Parcel, words: str) -> Said:
    return Said(
        title=title(case, parcel, words),
        since=case.now,
        severity=Severity.INFO,
        audiences=TO,
        details=for_support(case, parcel),
        next_step="Nothing to do: whoever asks can be told where it is.",
        link=order_link(case),
        unknown=unknown_of(parcel),
    )

"""Use case 2: what fulfillment services answer to what they were asked to ship, or to take back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from schemas.facts.shipments import FulfillmentOrderFacts, RoutingFacts
from stages.dossiers.dossier import Dossier, once
from stages.dossiers.registers import Stamp
from stages.dossiers.routings import CLOSED

REJECTED, FAILED, SHIPS_ANYWAY = "rejected", "failed", "ships-anyway"
REFUSALS = {
    REJECTED: "the fulfillment service rejected it",
    FAILED: "the fulfillment service could not complete it",
    SHIPS_ANYWAY: "the fulfillment service will ship anyway, though the order was cancelled",
}
#: What a topic says of the request, None: that it goes on. Of a topic that is not in here only the states tell.
_BY_TOPIC: Mapping[str, str | None] = {
    "fulfillment_orders/fulfillment_request_rejected": REJECTED,
    "fulfillment_orders/fulfillment_service_failed_to_complete": FAILED,
    "fulfillment_orders/cancellation_request_rejected": SHIPS_ANYWAY,
    "fulfillment_orders/fulfillment_request_submitted": None,
    "fulfillment_orders/fulfillment_request_accepted": None,
    "fulfillment_orders/cancellation_request_submitted": None,
    "fulfillment_orders/cancellation_request_accepted": None,
    "fulfillment_orders/cancelled": None,
    "fulfillment_orders/moved": None,
}


@dataclass(frozen=True, slots=True)
class Word:
    """The newest that is known of a fulfillment order's request. `refusal` None: it goes on."""

    since: datetime
    refusal: str | None
    message: str | None = None


@once
def answers(dossier: Dossier) -> Mapping[str, Word]:
    """By fulfillment order, the newest word of its service."""
    return {name: _begun(words) for name, words in _words(dossier).items()}


def _words(dossier: Dossier) -> dict[str, list[Word]]:
    """By fulfillment order, the oldest first: of the topics, of Events, and of the last look at all of them."""
    stamped: list[tuple[Stamp, str, Word]] = []
    for known in dossier.every(FulfillmentOrderFacts):
        facts, at = known.value, known.stamp
        if known.kind in _BY_TOPIC:
            word = Word(at.occurred, _BY_TOPIC[known.kind], facts.message)
            stamped.append((at, facts.fulfillment_order, word))
        elif "/" in known.kind and known.kind[0].isupper() and facts.status is not None:
            word = Word(at.occurred, _by_state(facts.status, facts.request_status))
            stamped.append((at, facts.fulfillment_order, word))
    for looked in dossier.every(RoutingFacts):
        for each in looked.value.orders:
            word = Word(looked.stamp.occurred, _by_state(each.status, each.request_status))
            stamped.append((looked.stamp, each.fulfillment_order, word))
    found: dict[str, list[Word]] = {}
    for _, name, word in sorted(stamped, key=lambda each: each[:2]):
        found.setdefault(name, []).append(word)
    return found


def _by_state(status: str, request: str | None) -> str | None:
    if status == "incomplete":
        return FAILED
    if request == "rejected" and status not in CLOSED:
        return REJECTED
    return SHIPS_ANYWAY if request == "cancellation_rejected" else None


def _begun(words: Sequence[Word]) -> Word:
    """The newest word, since it was said first, with what the service wrote about it."""
    newest = [*takewhile(lambda word: word.refusal == words[-1].refusal, reversed(words))]
    message = next((word.message for word in newest if word.message), None)
    return replace(newest[-1], message=message)

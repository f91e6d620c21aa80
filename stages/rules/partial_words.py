"""What the message on an order that is shipped in part says: what remains, where and why, and what is on its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.facts.orders import Line
from schemas.facts.shipments import Allotted, Routed, RoutingFacts
from schemas.questions import QuestionKind
from stages.dossiers.routings import CLOSED
from stages.rules.fulfillments import TO
from stages.rules.order_wording import called, for_operations
from stages.rules.parcels import parcels
from stages.rules.rule import Case, Due, Said, details
from stages.rules.words import bounded, moment, order_link, plain

_SHOWN = 5
SCHEDULED = "scheduled"
_WHY = {
    "in_progress": "being fulfilled",
    "incomplete": "the fulfillment service could not complete it",
    "rejected": "the fulfillment service rejected it",
    "submitted": "requested from the fulfillment service",
    "accepted": "the fulfillment service has it",
}


@dataclass(frozen=True, slots=True)
class Rest:
    """So many units of one line. `places`: from where they are to be shipped, and why they are not; empty: unknown."""

    name: str
    units: int
    places: tuple[str, ...]

    def __str__(self) -> str:
        where = f" ({'; '.join(self.places)})" if self.places else ""
        return f"{self.units} x {self.name}{where}"


def open_orders(routing: RoutingFacts | None) -> list[Routed]:
    """With something left to ship."""
    found = [each for each in (routing.orders if routing else ()) if each.status not in CLOSED]
    return [each for each in found if any(line.remaining and line.ships for line in each.lines)]


def has_shipped(routed: Routed) -> bool:
    return routed.status != "cancelled" and any(line.ships and line.remaining < line.total for line in routed.lines)


def name_of(line: Line | Allotted) -> str:
    return bounded(plain(line.title)) if line.title else line.sku or "an unnamed line"


def said_of(case: Case, rest: list[Rest], since: datetime) -> tuple[Said, Due]:
    """And how it gets worse."""
    routing = case.dossier.newest(RoutingFacts)
    shown = [str(each) for each in rest[:_SHOWN]]
    shown += [f"and {len(rest) - _SHOWN} more lines"] if len(rest) > _SHOWN else []
    said = Said(
        title=f"{called(case)}: shipped in part{_how_many(rest)}",
        since=since,
        severity=Severity.INFO,
        audiences=TO,
        details=(
            *details(remaining="; ".join(shown), scheduled=_scheduled(routing), shipped_by=shipped_by(case)),
            *for_operations(case),
        ),
        next_step="Tell the customer what comes later, and when.",
        link=order_link(case),
        unknown=tuple(_unknown(case, rest)),
    )
    title = f"{said.title}, and still not shipped"
    late = replace(said, severity=Severity.WARNING, title=title, end=said.title)
    lasted = case.after(since, case.configuration.rules.fulfillment.partial_after, Audience.CUSTOMER_SERVICE)
    moments = [lasted, case.dossier.fulfill_by]
    at = min(moment for moment in moments if moment is not None)
    return said, Due(late, max(at, since), ask=QuestionKind.ROUTING)


def _how_many(rest: list[Rest]) -> str:
    if not rest:
        return ""
    return f", {len(rest)} lines remain" if len(rest) > 1 else ", 1 line remains"


def _unknown(case: Case, rest: list[Rest]) -> Iterator[str]:
    if not rest:
        yield "what remains, and why: the order has more lines than are kept"
    elif not any(each.places for each in rest):
        yield "why the rest remains, and at which location"
    elif not all(each.places for each in rest):
        yield "why some of the rest remains: it is on no fulfillment order that is shown to us"
    if any(not parcel.promised for parcel in parcels(case.dossier)):
        yield "when what is shipped was promised to arrive"


def places(allotted: Iterable[tuple[Routed, Allotted]], routing: RoutingFacts | None) -> tuple[str, ...]:
    left = (routed for routed, line in allotted if line.remaining and routed.status not in {*CLOSED, SCHEDULED})
    return tuple(dict.fromkeys(f"{each.location or 'location unknown'}: {_why(each, routing)}" for each in left))


def _why(routed: Routed, routing: RoutingFacts | None) -> str:
    if routed.holds or routed.status == "on_hold":
        return ", ".join(["on hold", *(plain(reason) for reason in routed.holds)])
    word = _WHY.get(routed.request_status or "") if routed.status == "open" else _WHY.get(routed.status)
    word = word or ("not begun" if routed.status == "open" else plain(routed.status))
    begun = {each.location for each in (routing.orders if routing else ()) if has_shipped(each)}
    return f"{word}, another location than what is shipped" if begun and routed.location not in begun else word


def _scheduled(routing: RoutingFacts | None) -> str:
    """What is not waited for."""
    later = [
        f"{line.remaining} x {name_of(line)}{f' for {moment(each.fulfill_at)}' if each.fulfill_at else ''}"
        for each in open_orders(routing)
        if each.status == SCHEDULED
        for line in each.lines
        if line.remaining
    ]
    return "; ".join(later[:_SHOWN])


def shipped_by(case: Case) -> str:
    """Each parcel's carrier, tracking, promised date and last event."""
    return "; ".join(_told(case))


def _told(case: Case) -> Iterator[str]:
    for parcel in parcels(case.dossier):
        if parcel.state is None or parcel.state.status != "success":
            continue
        words = [parcel.state.carrier or "carrier unknown", *parcel.state.tracking_numbers]
        if parcel.promised:
            words.append(f"promised for {moment(parcel.promised)}")
        if parcel.scans:
            words.append(f"{plain(parcel.scans[-1].status)} on {moment(parcel.scans[-1].at)}")
        yield ", ".join(words)

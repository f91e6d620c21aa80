"""Use case 2: orders that are shipped in part: what remains of them, where, and why.

Shopify calls them so; what remains is what no parcel has and what its fulfillment orders still have to ship, whichever
is less, since each may be told before the other. Gift cards, digital and removed lines are not waited for, and neither
is what is scheduled for later. `fulfillable_quantity` says nothing: it is 0 on hold. Not promised: what fulfillment
orders say that are out of our scopes; then why the rest remains is not known, and the message says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.facts import Allotted, Line, OrderFacts, Routed, RoutingFacts
from schemas.questions import QuestionKind
from stages.dossiers.registers import MANY
from stages.dossiers.routings import CLOSED
from stages.rules.fulfillments import TO
from stages.rules.order_wording import ORDER, called, for_operations, over
from stages.rules.parcels import parcels, ships
from stages.rules.rule import Again, Case, Clear, Due, Fire, Said, Verdict, details
from stages.rules.words import bounded, moment, order_link, plain

#: An order and its parcel are written one after the other, and stamped in whole seconds.
_SAME_MOMENT = timedelta(minutes=1)
_SHOWN = 5
_SCHEDULED = "scheduled"
_WHY = {
    "in_progress": "being fulfilled",
    "incomplete": "the fulfillment service could not complete it",
    "rejected": "the fulfillment service rejected it",
    "submitted": "requested from the fulfillment service",
    "accepted": "the fulfillment service has it",
}


@dataclass(frozen=True, slots=True)
class FulfillmentPartial:
    """Something of the order is shipped, and lines that need shipping are still to be.

    Shopify calls it so, or a parcel that it has not counted yet leaves some of it behind.
    """

    name: str = "fulfillment-partial"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        order = case.dossier.order
        if because := over(case.dossier):
            yield from (Clear(because), Clear(because, "routing"))
        elif order is None:
            return
        elif order.fulfillment == "partial":
            yield from _counted(case, order)
        elif order.fulfillment is None and "fulfillment" not in order.absent:
            yield from _uncounted(case, order)


def _counted(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    routing = case.dossier.newest(RoutingFacts)
    if not order.lines and routing is None:
        yield from _asked(case, order)
    elif _is_cut(case, order, routing):
        if any(parcel.status == "success" and ships(case, parcel) for parcel in parcels(case.dossier)):
            yield from _in_part(case, [])
    elif rest := _rest(case, order, routing):
        if _has_begun(case, order, routing, order.updated):
            yield from _in_part(case, rest)
    else:
        yield Clear(_why_over(routing))


def _uncounted(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    """Its parcels are newer than its own word. What they leave is asked about first: it may be in the next one."""
    found = [parcel.state for parcel in parcels(case.dossier) if parcel.status == "success" and ships(case, parcel)]
    made = [at for state in found if state and (at := state.created or state.updated) and not _is_counted(at, order)]
    looks = case.dossier.every(RoutingFacts)
    routing = looks[-1].value if looks and not _is_since(order.updated, looks[-1].stamp.occurred) else None
    if not made:
        yield Clear("nothing of it is shipped any more")
    elif not order.lines and routing is None:
        yield from _asked(case, order)
    elif _is_cut(case, order, routing):
        return
    elif rest := _rest(case, order, routing):
        if _has_begun(case, order, routing, None):
            said, warning = _said(case, rest, min(made))
            yield Due(said, max(made) + _SAME_MOMENT, ask=QuestionKind.ROUTING)
            yield warning
    else:
        yield Clear(_why_over(routing))


def _is_counted(made: datetime, order: OrderFacts) -> bool:
    return order.updated is not None and made <= order.updated


def _asked(case: Case, order: OrderFacts) -> Iterator[Verdict]:
    """No body has named its lines: how it is to be shipped is asked, each time that it has changed."""
    at = order.updated or order.created
    if at is not None and not case.dossier.is_unknown("routing"):
        yield Again(at, "routing", QuestionKind.ROUTING)


def _why_over(routing: RoutingFacts | None) -> str:
    later = [each.fulfill_at for each in _open(routing) if each.status == _SCHEDULED and each.fulfill_at]
    return f"the rest is scheduled for {moment(min(later))}" if later else "nothing remains to be shipped"


# --- what remains -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rest:
    """So many units of one line. `places`: from where they are to be shipped, and why they are not; empty: unknown."""

    name: str
    units: int
    places: tuple[str, ...]

    def __str__(self) -> str:
        where = f" ({'; '.join(self.places)})" if self.places else ""
        return f"{self.units} x {self.name}{where}"


def _rest(case: Case, order: OrderFacts, routing: RoutingFacts | None) -> list[Rest]:
    shipped, back, found = _shipped_units(case), _taken_back(case), list[Rest]()
    allotted = _allotted(routing)
    for line in order.lines:
        of = allotted.get(line.id, [])
        left = _left(_units(line) - shipped[line.id], of, back[line.id])
        if _is_shippable(line) and left > 0:
            found.append(Rest(_name(line), left, _places(of, routing)))
    bought = {line.id for line in order.lines}
    for number, of in allotted.items():
        total = sum(line.total for routed, line in of if routed.status != "cancelled")
        if number not in bought and (left := _left(total - shipped[number], of, back[number])) > 0:
            found.append(Rest(_name(of[0][1]), left, _places(of, routing)))
    return found


def _left(unshipped: int, allotted: Collection[tuple[Routed, Allotted]], back: int) -> int:
    """`unshipped`: of the line, what no parcel has. `back`: what came back since its fulfillment orders were seen."""
    open_ones = [(routed, line) for routed, line in allotted if line.ships and routed.status not in CLOSED]
    later = sum(line.remaining for routed, line in open_ones if routed.status == _SCHEDULED)
    to_ship = sum(line.remaining for _, line in open_ones) - later + back
    return min(to_ship, unshipped - later) if allotted else unshipped


def _taken_back(case: Case) -> Counter[int | None]:
    """Units of parcels that were cancelled after the last look."""
    looks, found = case.dossier.every(RoutingFacts), Counter[int | None]()
    for parcel in parcels(case.dossier):
        state = parcel.state
        if looks and state and state.status == "cancelled" and _is_since(state.updated, looks[-1].stamp.occurred):
            for line in state.lines:
                found[line.id] += line.quantity
    return found


def _is_since(at: datetime | None, then: datetime) -> bool:
    return at is not None and at > then


def _allotted(routing: RoutingFacts | None) -> Mapping[int | None, list[tuple[Routed, Allotted]]]:
    """By line, on which fulfillment orders it is or was."""
    found: dict[int | None, list[tuple[Routed, Allotted]]] = {}
    for routed in routing.orders if routing else ():
        for line in routed.lines:
            found.setdefault(line.line, []).append((routed, line))
    return found


def _open(routing: RoutingFacts | None) -> list[Routed]:
    """With something left to ship."""
    found = [each for each in (routing.orders if routing else ()) if each.status not in CLOSED]
    return [each for each in found if any(line.remaining and line.ships for line in each.lines)]


def _is_shippable(line: Line) -> bool:
    """Gift cards, digital and removed lines are not waited for."""
    return line.requires_shipping is not False and not line.gift_card and _units(line) > 0


def _units(line: Line) -> int:
    return line.quantity if line.current_quantity is None else line.current_quantity


def _name(line: Line | Allotted) -> str:
    return bounded(plain(line.title)) if line.title else line.sku or "an unnamed line"


def _shipped_units(case: Case, until: datetime | None = None) -> Counter[int | None]:
    found: Counter[int | None] = Counter()
    for parcel in parcels(case.dossier):
        if parcel.state is None or (until and parcel.state.created and parcel.state.created > until + _SAME_MOMENT):
            continue
        if parcel.status in ("success", "open", "pending"):
            for line in parcel.state.lines:
                found[line.id] += line.quantity
    return found


def _has_begun(case: Case, order: OrderFacts, routing: RoutingFacts | None, until: datetime | None) -> bool:
    """Something that needs shipping is shipped: in a parcel of before `until`, or by its fulfillment orders.

    Where every known parcel is newer than Shopify's word, the one that it spoke of is not told yet."""
    digital = {line.id for line in order.lines if not _is_shippable(line)}
    if any(units and line not in digital for line, units in _shipped_units(case, until).items()):
        return True
    return any(_has_shipped(each) for each in (routing.orders if routing else ()))


def _is_cut(case: Case, order: OrderFacts, routing: RoutingFacts | None) -> bool:
    """Of very many lines only the first ones are kept: they cannot be counted, and Shopify's own word has to do."""
    states = (parcel.state for parcel in parcels(case.dossier))
    is_long = any(len(lines) >= MANY for lines in (order.lines, *(state.lines for state in states if state)))
    return is_long or (not order.lines and routing is not None and _has_more(routing))


def _has_more(routing: RoutingFacts) -> bool:
    return routing.more or any(each.more for each in routing.orders)


# --- how it is said ---------------------------------------------------------------------------------------------------


def _in_part(case: Case, rest: list[Rest]) -> Iterator[Verdict]:
    said, warning = _said(case, rest, _since(case))
    yield Fire(said)
    yield warning


def _since(case: Case) -> datetime:
    """What was scheduled counts from when it became ready."""
    began = case.dossier.since("fulfillment", "partial") or case.now
    ready = [each.fulfill_at or began for each in _open(case.dossier.newest(RoutingFacts)) if each.status != _SCHEDULED]
    return max(began, min(min(ready, default=began), case.now))


def _said(case: Case, rest: list[Rest], since: datetime) -> tuple[Said, Due]:
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
            *details(remaining="; ".join(shown), scheduled=_scheduled(routing), shipped_by=_shipped_by(case)),
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


def _places(allotted: Iterable[tuple[Routed, Allotted]], routing: RoutingFacts | None) -> tuple[str, ...]:
    left = (routed for routed, line in allotted if line.remaining and routed.status not in {*CLOSED, _SCHEDULED})
    return tuple(dict.fromkeys(f"{each.location or 'location unknown'}: {_why(each, routing)}" for each in left))


def _why(routed: Routed, routing: RoutingFacts | None) -> str:
    if routed.holds or routed.status == "on_hold":
        return ", ".join(["on hold", *(plain(reason) for reason in routed.holds)])
    word = _WHY.get(routed.request_status or "") if routed.status == "open" else _WHY.get(routed.status)
    word = word or ("not begun" if routed.status == "open" else plain(routed.status))
    begun = {each.location for each in (routing.orders if routing else ()) if _has_shipped(each)}
    return f"{word}, another location than what is shipped" if begun and routed.location not in begun else word


def _has_shipped(routed: Routed) -> bool:
    return routed.status != "cancelled" and any(line.ships and line.remaining < line.total for line in routed.lines)


def _scheduled(routing: RoutingFacts | None) -> str:
    """What is not waited for."""
    later = [
        f"{line.remaining} x {_name(line)}{f' for {moment(each.fulfill_at)}' if each.fulfill_at else ''}"
        for each in _open(routing)
        if each.status == _SCHEDULED
        for line in each.lines
        if line.remaining
    ]
    return "; ".join(later[:_SHOWN])


def _shipped_by(case: Case) -> str:
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

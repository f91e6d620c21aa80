"""Use case 2: orders that are shipped in part: what remains of them, where, and why.

Shopify calls them so; what remains is what no parcel has and what its fulfillment orders still have to ship, whichever
is less, since each may be told before the other. Gift cards, digital and removed lines are not waited for, and neither
is what is scheduled for later. `fulfillable_quantity` says nothing: it is 0 on hold. Not promised: what fulfillment
orders say that are out of our scopes; then why the rest remains is not known, and the message says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.facts.orders import Line, OrderFacts
from schemas.facts.shipments import Allotted, Routed, RoutingFacts
from schemas.questions import QuestionKind
from stages.dossiers.registers import MANY
from stages.dossiers.routings import CLOSED
from stages.rules.order_wording import ORDER, over
from stages.rules.parcels import parcels, ships
from stages.rules.partial_words import SCHEDULED, Rest, has_shipped, name_of, open_orders, places, said_of
from stages.rules.rule import Again, Case, Clear, Due, Fire, Verdict
from stages.rules.words import moment

#: An order and its parcel are written one after the other, and stamped in whole seconds.
_SAME_MOMENT = timedelta(minutes=1)


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
            said, warning = said_of(case, rest, min(made))
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
    later = [each.fulfill_at for each in open_orders(routing) if each.status == SCHEDULED and each.fulfill_at]
    return f"the rest is scheduled for {moment(min(later))}" if later else "nothing remains to be shipped"


# --- what remains -----------------------------------------------------------------------------------------------------


def _rest(case: Case, order: OrderFacts, routing: RoutingFacts | None) -> list[Rest]:
    shipped, back, found = _shipped_units(case), _taken_back(case), list[Rest]()
    allotted = _allotted(routing)
    for line in order.lines:
        of = allotted.get(line.id, [])
        left = _left(_units(line) - shipped[line.id], of, back[line.id])
        if _is_shippable(line) and left > 0:
            found.append(Rest(name_of(line), left, places(of, routing)))
    bought = {line.id for line in order.lines}
    for number, of in allotted.items():
        total = sum(line.total for routed, line in of if routed.status != "cancelled")
        if number not in bought and (left := _left(total - shipped[number], of, back[number])) > 0:
            found.append(Rest(name_of(of[0][1]), left, places(of, routing)))
    return found


def _left(unshipped: int, allotted: Collection[tuple[Routed, Allotted]], back: int) -> int:
    """`unshipped`: of the line, what no parcel has. `back`: what came back since its fulfillment orders were seen."""
    open_ones = [(routed, line) for routed, line in allotted if line.ships and routed.status not in CLOSED]
    later = sum(line.remaining for routed, line in open_ones if routed.status == SCHEDULED)
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


def _has_begun(case: Case, order: OrderFacts, routing: RoutingFacts | None, until: datetime | None) -> bool:
    """Something that needs shipping is shipped: in a parcel of before `until`, or by its fulfillment orders.

    Where every known parcel is newer than Shopify's word, the one that it spoke of is not told yet."""
    digital = {line.id for line in order.lines if not _is_shippable(line)}
    if any(units and line not in digital for line, units in _shipped_units(case, until).items()):
        return True
    return any(has_shipped(each) for each in (routing.orders if routing else ()))


def _is_cut(case: Case, order: OrderFacts, routing: RoutingFacts | None) -> bool:
    """Of very many lines only the first ones are kept: they cannot be counted, and Shopify's own word has to do."""
    states = (parcel.state for parcel in parcels(case.dossier))
    is_long = any(len(lines) >= MANY for lines in (order.lines, *(state.lines for state in states if state)))
    return is_long or (not order.lines and routing is not None and _has_more(routing))


def _has_more(routing: RoutingFacts) -> bool:
    return routing.more or any(each.more for each in routing.orders)


def _in_part(case: Case, rest: list[Rest]) -> Iterator[Verdict]:
    said, warning = said_of(case, rest, _since(case))
    yield Fire(said)
    yield warning


def _since(case: Case) -> datetime:
    """What was scheduled counts from when it became ready."""
    began = case.dossier.since("fulfillment", "partial") or case.now
    ready = [
        each.fulfill_at or began for each in open_orders(case.dossier.newest(RoutingFacts)) if each.status != SCHEDULED
    ]
    return max(began, min(min(ready, default=began), case.now))

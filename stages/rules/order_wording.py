"""What the alerts about an order have in common: how it is called, what operations need, when it is over or delayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Detail, Severity
from schemas.facts.orders import Hold, HoldFacts, OrderFacts, RiskFacts, ToShip
from schemas.money import Money
from schemas.questions import QuestionKind
from stages.dossiers.dossier import Dossier, once
from stages.rules import words
from stages.rules.priority import SOON
from stages.rules.rule import Case, Due, Said, admin_link, details
from stages.rules.words import moment, sentence

ORDER = frozenset({"order"})
_DONE = {"fulfilled": "the order was shipped", "restocked": "the order was put back into stock"}
_SHIPPED = {"fulfilled": "all of it", "partial": "a part of it", None: "nothing"}
_WORSE = {Severity.INFO: Severity.WARNING, Severity.WARNING: Severity.CRITICAL}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to act: how bad, in words that complete `Order #1001: ...`, since when."""

    severity: Severity
    words: str
    since: datetime


def called(case: Case) -> str:
    """At the beginning of a line: `Order #1001`."""
    return sentence(words.called(case))


def link(case: Case) -> str:
    return admin_link(case.shop, f"orders/{subjects.identity_of(case.subject)}")


@once
def cancelled(dossier: Dossier) -> str | None:
    """Why it is over: whoever told it, a cancellation is final."""
    order, risk = dossier.order, dossier.newest(RiskFacts)
    if order is not None and order.cancelled is not None:
        return f"the order was cancelled ({order.cancel_reason})" if order.cancel_reason else "the order was cancelled"
    return "the order was cancelled" if risk is not None and risk.cancelled is not None else None


def over(dossier: Dossier) -> str | None:
    """Why nobody can act on the order before it is fulfilled any more; None while somebody can, or nothing is known."""
    return cancelled(dossier) or _DONE.get(fulfillment(dossier) or "")


def fulfillment(dossier: Dossier) -> str | None:
    """By the order's own word; that it is shipped, what was looked up for its risk since then may know before that."""
    order, risks = dossier.order, dossier.every(RiskFacts)
    if not risks:
        return order.fulfillment if order is not None else None
    looked = risks[-1].value.fulfillment
    if order is None:
        return looked
    is_newer = order.updated is not None and risks[-1].stamp.occurred > order.updated
    return looked if is_newer and looked == "fulfilled" else order.fulfillment


def amount(dossier: Dossier) -> Money | None:
    order, risk = dossier.order, dossier.newest(RiskFacts)
    return (order.total if order else None) or (risk.total if risk else None)


def payment(dossier: Dossier) -> str | None:
    order, risk = dossier.order, dossier.newest(RiskFacts)
    word = (order.financial if order else None) or (risk.financial if risk else None)
    return "only authorized, not captured" if word == "authorized" else word and word.replace("_", " ")


def for_operations(case: Case) -> tuple[Detail, ...]:
    """Amount, payment state, what is shipped, and by when and from where the rest is to be."""
    dossier = case.dossier
    by = dossier.fulfill_by
    return details(
        amount=amount(dossier),
        payment=payment(dossier),
        shipped=_SHIPPED.get(fulfillment(dossier)) if _tells_of_shipments(dossier) else None,
        fulfill_by=moment(by) if by else "no time is set" if _to_ship(dossier) else None,
        location=", ".join(dict.fromkeys(each.location for each in _to_ship(dossier) if each.location)),
    )


def _to_ship(dossier: Dossier) -> tuple[ToShip, ...]:
    return dossier.to_ship.value if dossier.to_ship else ()


def unknown_to_operations(case: Case) -> Iterator[str]:
    """What would change what is to be done."""
    if payment(case.dossier) is None:
        yield "whether it is paid or only authorized"
    if not _tells_of_shipments(case.dossier):
        yield "whether anything of it is shipped already"
    if case.dossier.to_ship is None and over(case.dossier) is None:
        yield "from where and by when it is to be fulfilled"


def _tells_of_shipments(dossier: Dossier) -> bool:
    order, risk = dossier.order, dossier.newest(RiskFacts)
    if order is not None:
        return "fulfillment" not in order.absent
    return risk is not None and risk.financial is not None


def created(order: OrderFacts) -> datetime | None:
    return order.created or order.processed or order.updated


@once
def foreign_holds(dossier: Dossier) -> tuple[Hold, ...]:
    """Those that are open and not ours."""
    return tuple(hold for hold in dossier.open_holds or () if not hold.ours)


def held_since(case: Case, hold: Hold) -> datetime:
    """When the hold was told; one that only a lookup has shown may be as old as the order."""
    told = [known for known in case.dossier.every(HoldFacts) if known.value.hold and known.value.hold.id == hold.id]
    if told:
        return min(known.stamp.occurred for known in told)
    order = case.dossier.order
    began = created(order) if order else None
    return began or (case.dossier.holds.stamp.occurred if case.dossier.holds else case.now)


def delayed(
    case: Case,
    said: Said,
    key: str = "",
    since: datetime | None = None,
    ask: QuestionKind = QuestionKind.ORDER,
) -> Iterator[Due]:
    """Still open and unfulfilled after 24 working hours, or shortly before it is to be fulfilled: one severity up.

    A warning is so a day before: what is open then has become urgent (`stages.rules.priority`), and nothing else would
    tell. `since`: when it was told, where that is not when it began. Before that nothing is still open.
    """
    severity, began = _WORSE.get(said.severity), since or said.since
    if severity is None:
        return
    rules, by = case.configuration.rules.orders, case.dossier.fulfill_by
    soon = [moment - SOON for moment in (by, case.dossier.deliver_by) if moment is not None]
    if soon and said.severity is Severity.WARNING:
        title = f"{said.title}; to be fulfilled or delivered within 24 hours"
        urgent = replace(said, severity=severity, title=title, end=said.title)
        yield Due(urgent, max(min(soon), began), key, ask=ask)
    lasted = case.after(began, rules.delayed_after, said.audiences[0], severity)
    moments = [lasted, *([by - rules.delayed_before] if by else ())]
    worse = replace(
        said,
        severity=severity,
        title=f"{said.title}; still open, before fulfillment is delayed",
        end=said.title,
    )
    yield Due(worse, max(min(moments), began), key, ask=ask)

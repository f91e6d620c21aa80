"""Use case 6, returns: what happens to each, and those that wait for a decision or a parcel.

Milestones are told once; each names the earlier ones, since one return is one conversation. A return that staff open
comes as approved: only that no request was told says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Audience, Detail, Severity
from schemas.questions import QuestionKind
from stages.dossiers.dossier import name_of
from stages.rules.owing import owed_of
from stages.rules.refunded import Refund, refunds_of, total
from stages.rules.return_words import Happening, about, lasting, refund_due, said_of, tracking
from stages.rules.returned import Returned, returns_of, unplaced
from stages.rules.rule import Case, Clear, Due, Said, Tell, Verdict, details
from stages.rules.words import called, moment, plain, sentence, spell

_SUBJECTS = frozenset({"order", "return", "reverse-fulfillment-order"})
_SERVICE = (Audience.RETURNS, Audience.CUSTOMER_SERVICE)
_DECIDED = ("open", "declined", "canceled", "closed")


@dataclass(frozen=True, slots=True)
class ReturnMilestone:
    """`finds` what is to be told of the case's returns."""

    name: str
    finds: Callable[[Case], Iterator[Happening]]
    audiences: tuple[Audience, ...] = (Audience.RETURNS,)
    use_case: int = 6
    watches: frozenset[str] = _SUBJECTS

    def judge(self, case: Case) -> Iterator[Verdict]:
        for happening in self.finds(case):
            yield Tell(said_of(case, happening, self.audiences), happening.key, over=_over(self.name, happening.back))


#: In which states of the return it is so still; what is not in here stays so.
_STANDS = {
    "return-initiated": ("requested", "open"),
    "return-approved": ("open",),
    "return-declined": ("declined",),
    "return-labelled": ("requested", "open", "closed"),
    "return-canceled": ("canceled",),
    "return-closed": ("closed",),
    "return-reopened": ("open",),
}


def _over(milestone: str, back: Returned | None) -> str:
    """What has become of the return since."""
    state = back.state if back else None
    return f"it is {plain(state)}" if state and state not in _STANDS.get(milestone, (state,)) else ""


@dataclass(frozen=True, slots=True)
class ReturnUndecided:
    name: str = "return-undecided"
    use_case: int = 6
    watches: frozenset[str] = _SUBJECTS

    def judge(self, case: Case) -> Iterator[Verdict]:
        after = case.configuration.rules.returns.undecided_after
        for back in returns_of(case.dossier):
            states = back.told.states if back.told else {}
            if decided := next((word for word in _DECIDED if word in states), None):
                yield Clear(f"it is {'approved' if decided == 'open' else decided}", str(back.id))
            elif "requested" in states:
                since = states["requested"].first
                step = "Approve or decline the return in the admin."
                told = lasting(case, back, since, f"nobody has decided for {spell(after)}", step)
                said = said_of(case, told, (Audience.RETURNS,), Severity.WARNING)
                yield _asked(said, case.after(since, after, Audience.RETURNS), back)


@dataclass(frozen=True, slots=True)
class ReturnNotArrived:
    name: str = "return-not-arrived"
    use_case: int = 6
    watches: frozenset[str] = _SUBJECTS

    def judge(self, case: Case) -> Iterator[Verdict]:
        after = case.configuration.rules.returns.not_arrived_after
        for back in returns_of(case.dossier):
            since = back.told.since("open") if back.told else None
            if back.received_at is not None:
                yield Clear("it has arrived", str(back.id))
            elif back.is_over:
                yield Clear(f"the return is {back.state}", str(back.id))
            elif since is not None:
                step = "Ask the customer whether the parcel is on its way, or close the return."
                parcel = tracking(back) or "not known"
                how = f"{back.how_open} {spell(after)} ago, nothing has arrived, tracking: {parcel}"
                told = lasting(case, back, since, how, step)
                yield _asked(said_of(case, told, (Audience.RETURNS,)), since + after, back)


def _asked(said: Said, at: datetime, back: Returned) -> Due:
    return Due(said, at, str(back.id), ask=QuestionKind.RETURN, resource=str(back.id))


# --- milestones -------------------------------------------------------------------------------------------------------


def _initiated(case: Case) -> Iterator[Happening]:
    """At its order only: what is told of a return without one is never its beginning, which always names the order."""
    if case.kind != "order":
        return
    for back in returns_of(case.dossier):
        requested, approved = back.requested, back.began("open")
        how = "requested" if requested else "opened by staff" if approved else "heard of for the first time"
        step = "Approve or decline it." if how == "requested" else ""
        yield about(back, str(back.id), requested or back.seen, how, step)


def _when(topic: str, word: str, how: Callable[[Returned], str]) -> Callable[[Case], Iterator[Happening]]:
    """Once, when the topic told of it, or a next-generation Event showed it."""

    def found(case: Case) -> Iterator[Happening]:
        for back in returns_of(case.dossier):
            if (at := back.shown(topic, word)) is not None:
                yield about(back, str(back.id), at, how(back), "")

    return found


def _turned(how: str) -> Callable[[Case], Iterator[Happening]]:
    """Once for each time that it was closed, or reopened."""

    def found(case: Case) -> Iterator[Happening]:
        for back in returns_of(case.dossier):
            times = [at for at, turn in (back.told.turns() if back.told else ()) if turn == how]
            for number, at in enumerate(times):
                yield about(back, f"{back.id}/{number}", at, how, "")

    return found


def _declined_because(back: Returned) -> str:
    reason = back.facts.decline_reason
    return f"declined, {plain(reason)}" if reason else "declined"


def _labelled(case: Case) -> Iterator[Happening]:
    for back in returns_of(case.dossier):
        if (first := back.labelled) is not None:
            yield about(back, str(back.id), first.stamp.occurred, "label or tracking attached", "")


def _received(case: Case) -> Iterator[Happening]:
    if case.kind == "reverse-fulfillment-order":
        yield from _unplaced(case)
    for back in returns_of(case.dossier):
        if back.received_at is not None:
            count = (
                "" if back.received is None else f" {back.received}{f' of {back.quantity}' if back.quantity else ''}"
            )
            yield about(back, str(back.id), back.received_at, f"received{count}", _to_refund(case, back))


def _to_refund(case: Case, back: Returned) -> str:
    owed = owed_of(case.dossier, back)
    return f"Refund {owed.says}, by {moment(refund_due(case, owed.since))}." if owed else ""


def _unplaced(case: Case) -> Iterator[Happening]:
    """Without Admin access nobody can tell whose it is."""
    if receipts := unplaced(case.dossier):
        at, units = receipts[0].at, sum(one.units for one in receipts)
        title, unknown = f"{sentence(name_of(case.subject))}: received {units}", ("whose return it is",)
        yield Happening("unplaced", at, title, "Refund what is owed.", None, at, unknown=unknown)


def _refunded(case: Case) -> Iterator[Happening]:
    known = {back.id: back for back in returns_of(case.dossier)}
    for refund in refunds_of(case.dossier):
        if (at := refund.paid_at) is not None:
            back = known.get(refund.return_id or 0)
            without = "Refund without a return" if refund.is_linked else "Refund"
            title = f"{back.name if back else f'{without}, {called(case)}'}: refunded{refund.says}"
            doubts = {"whether it is of a return": refund.is_linked, "how much was refunded": bool(refund.amount)}
            unknown = tuple(says for says, is_known in doubts.items() if not is_known)
            yield Happening(f"{refund.id}/refund", at, title, "", back, at, _money(refund), unknown)


def _money(refund: Refund) -> tuple[Detail, ...]:
    left = [one for one in refund.moved if not one.has_succeeded]
    return details(
        amount=refund.amount,
        units=sum(line.quantity for line in refund.lines) or None,
        gateway=", ".join(sorted({one.gateway for one in refund.moved if one.gateway})),
        not_moved=f"{total(left) or 'unknown amount'}, {plain(left[0].status)}" if left else None,
    )


MILESTONES: tuple[ReturnMilestone, ...] = (
    ReturnMilestone("return-initiated", _initiated, _SERVICE),
    ReturnMilestone("return-approved", _when("returns/approve", "open", lambda _: "approved"), _SERVICE),
    ReturnMilestone("return-declined", _when("returns/decline", "declined", _declined_because), _SERVICE),
    ReturnMilestone("return-labelled", _labelled),
    ReturnMilestone("return-received", _received, (Audience.RETURNS, Audience.FINANCE)),
    ReturnMilestone("return-refunded", _refunded, (Audience.FINANCE, Audience.CUSTOMER_SERVICE)),
    ReturnMilestone("return-canceled", _when("returns/cancel", "canceled", lambda _: "canceled")),
    ReturnMilestone("return-closed", _turned("closed")),
    ReturnMilestone("return-reopened", _turned("reopened")),
)

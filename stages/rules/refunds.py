"""Use case 6, money back: what is owed for a return that arrived, and refunds whose money did not move.

Owed is what came back and was not paid for; an exchange owes nothing unless its order's balance says so, and a balance
may be owed without any return. A return that is closed still owes. Not yet: acknowledgements with a reason ("paid
elsewhere"). That a refund failed is known from its transactions only; one without any moves no money at Shopify.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Detail, Severity
from schemas.questions import QuestionKind
from stages.rules.owing import Owed, balance_of, order_owes, owed_of
from stages.rules.refunded import Moved, Refund, made_good, movements, refunds_of, total
from stages.rules.return_words import lasting, refund_due, said_of
from stages.rules.returned import Returned, returns_of
from stages.rules.rule import Again, Case, Clear, Due, Fire, Said, Verdict, details
from stages.rules.words import called, moment, order_link, order_of, plain, sentence, spell
from stages.stage import TimerKind

_OWED_TO = (Audience.FINANCE, Audience.RETURNS)
_FAILED_TO = (Audience.FINANCE, Audience.CUSTOMER_SERVICE)
_LONG = 120


@dataclass(frozen=True, slots=True)
class RefundDue:
    """By return, and `balance` without one. `level` 1: closed without a refund, 2: the deadline is missed."""

    name: str = "refund-due"
    use_case: int = 6
    watches: frozenset[str] = frozenset({"order", "return"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        returns = returns_of(case.dossier)
        for back in returns:
            yield from _received(case, back)
            yield from _unscanned(case, back)
        yield from _without_return(case, returns)


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """By transaction; what is still under way after some days, by refund."""

    name: str = "refund-failed"
    use_case: int = 6
    watches: frozenset[str] = frozenset({"order"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        moved = movements(case.dossier)
        good = made_good(moved)
        for one in moved:
            if one.has_failed and one.id not in good:
                yield Fire(_failed(case, one), str(one.id))
            elif one.has_failed or one.has_succeeded:
                yield _paid(case, one, good.get(one.id, one))
        for refund in refunds_of(case.dossier):
            yield from _under_way(case, refund)


# --- refund-due -------------------------------------------------------------------------------------------------------


def _received(case: Case, back: Returned) -> Iterator[Verdict]:
    owed = owed_of(case.dossier, back)
    if owed is not None:
        yield from _owed(case, back, owed)
    elif back.received_at is not None:
        yield _met(back)
        yield _balance_asked_for(case, back, back.received_at)


def _balance_asked_for(case: Case, back: Returned, received: datetime) -> Again | Clear:
    """Only its order's balance tells whether an exchange is an even one: where it is not known in time, it is asked."""
    key, resource = f"{back.id}/balance", str(back.id)
    if not back.facts.exchanges or balance_of(case.dossier, back) is not None:
        return Clear("what is owed is known", key)
    at = refund_due(case, received) - case.configuration.rules.returns.refund_warning_before
    return Again(at, key, QuestionKind.RETURN, resource)


def _owed(case: Case, back: Returned, owed: Owed) -> Iterator[Verdict]:
    rules, due = case.configuration.rules.returns, refund_due(case, owed.since)
    step = "Refund what is owed, or say in the order why nothing is."
    part = f"{back.refunded} of {back.received} units refunded, " if back.refunded and back.received else ""
    soon = lasting(case, back, owed.since, f"{part}a refund for {owed.says} is due by {moment(due)}", step)
    missed = lasting(case, back, owed.since, f"{part}no refund for {owed.says} by {moment(due)}, when it was due", step)
    yield _due(back, said_of(case, soon, _OWED_TO, Severity.WARNING), due - rules.refund_warning_before, 0)
    yield _due(back, said_of(case, missed, _OWED_TO, Severity.CRITICAL), due, 2)
    closed = back.told.since("closed") if back.told and back.state == "closed" else None
    if closed is None:
        yield Clear(f"nothing is due before {moment(due)}", str(back.id))
    else:
        ended = lasting(case, back, owed.since, f"{part}closed without a refund for {owed.says}", step)
        yield _due(back, said_of(case, ended, _OWED_TO, Severity.WARNING), closed, 1)


def _due(back: Returned, said: Said, at: datetime, level: int) -> Due:
    about = str(back.id)
    return Due(said, at, about, level, QuestionKind.RETURN, about, TimerKind.OUTSIDE)


def _without_return(case: Case, returns: Sequence[Returned]) -> Iterator[Verdict]:
    """An edit or a cancellation may leave money owed as well: due as long after it was first seen to be."""
    order, owed = case.dossier.order, order_owes(case.dossier, returns)
    if owed is not None:
        due, warned = refund_due(case, owed.since), case.configuration.rules.returns.refund_warning_before
        soon = f"{sentence(called(case))}: a refund of {owed.balance} is due by {moment(due)}"
        missed = f"{sentence(called(case))}: no refund of {owed.balance} by {moment(due)}, when it was due"
        for said, at, level in (
            (_balance(case, owed, soon, Severity.WARNING), due - warned, 0),
            (_balance(case, owed, missed, Severity.CRITICAL), due, 2),
        ):
            yield Due(said, at, "balance", level, QuestionKind.PAYMENT, timer=TimerKind.OUTSIDE)
    elif order is not None and order.outstanding is not None:
        yield Clear("nothing is owed any more but for what comes back", "balance")


def _balance(case: Case, owed: Owed, title: str, severity: Severity) -> Said:
    return Said(
        title=title,
        since=owed.since,
        severity=severity,
        audiences=_OWED_TO,
        details=details(order=order_of(case), owed=owed.says, refund_due=f"by {moment(refund_due(case, owed.since))}"),
        next_step="Refund what is owed, or say in the order why nothing is.",
        link=order_link(case),
    )


def _met(back: Returned) -> Clear:
    if back.state in ("canceled", "declined"):
        return Clear(f"the return is {back.state}", str(back.id))
    if back.paid_at is None or back.received_at is None:
        return Clear("nothing is owed any more", str(back.id))
    title = f"{back.name}: refunded {spell(back.paid_at - back.received_at)} after it arrived"
    return Clear("the money has moved", str(back.id), title, back.paid_at)


def _unscanned(case: Case, back: Returned) -> Iterator[Verdict]:
    """Nobody has scanned it: the law may want the money back all the same."""
    rules, key = case.configuration.rules.returns, f"{back.id}/unscanned"
    since = back.told.since("open") if back.told else None
    if back.received_at is not None or back.paid_at is not None or back.is_over:
        yield Clear("it was received, refunded or ended", key)
    elif back.facts.exchanges and not _is_owed_for(case, back):
        yield Clear("it is an exchange", key)
    elif since is not None:
        how = f"{back.how_open} {spell(rules.unscanned_after)} ago and never scanned: is a refund due?"
        told = lasting(case, back, since, how, "Look whether the parcel has come, and refund what is owed.")
        severity = Severity.WARNING if rules.statutory else Severity.INFO
        said = replace(said_of(case, told, _OWED_TO, severity), line=True)
        yield Due(said, since + rules.unscanned_after, key, ask=QuestionKind.RETURN, resource=str(back.id))


def _is_owed_for(case: Case, back: Returned) -> bool:
    """An exchange for something cheaper."""
    balance = balance_of(case.dossier, back)
    return balance is not None and balance.amount < 0


# --- refund-failed ----------------------------------------------------------------------------------------------------


def _failed(case: Case, one: Moved) -> Said:
    return Said(
        title=f"{sentence(called(case))}: a refund of {one.amount or 'unknown amount'} failed{_why(one)}",
        since=one.at,
        severity=Severity.CRITICAL,
        audiences=_FAILED_TO,
        details=_money(case, one),
        next_step="Refund it again, or pay it another way, and tell the customer.",
        link=order_link(case),
    )


def _paid(case: Case, one: Moved, success: Moved) -> Clear:
    title = f"{sentence(called(case))}: the refund of {success.amount or 'unknown amount'} went through after all"
    return Clear("the money has moved", str(one.id), title, success.at)


def _under_way(case: Case, refund: Refund) -> Iterator[Verdict]:
    """One that has transactions of which none succeeded; a failed one is told as such."""
    key, after = f"{refund.id}/under-way", case.configuration.rules.returns.refund_pending_after
    if any(one.has_succeeded or one.has_failed for one in refund.moved):
        yield Clear("its transactions have an outcome", key)
    elif refund.moved:
        first, amount = refund.moved[0], total(refund.moved) or "unknown amount"
        said = Said(
            title=f"{sentence(called(case))}: a refund of {amount} has not gone through",
            since=first.at,
            severity=Severity.WARNING,
            audiences=_FAILED_TO,
            details=_money(case, first),
            next_step="Ask the gateway what has become of it.",
            link=order_link(case),
        )
        due = case.after(first.at, after, _FAILED_TO[0])
        yield Due(said, due, key, ask=QuestionKind.REFUND, resource=str(refund.id))


def _why(one: Moved) -> str:
    return f", {plain(one.reason)[:_LONG]}" if one.reason else ""


def _money(case: Case, one: Moved) -> tuple[Detail, ...]:
    return details(
        order=order_of(case),
        amount=one.amount,
        gateway=one.gateway,
        reason=_why(one).removeprefix(", "),
        status=one.status,
    )

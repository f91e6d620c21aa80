"""Use case 6, money back: what is owed for a return that arrived, and refunds whose money did not move.

Owed is what came back and was not paid for; an exchange owes nothing unless its order's balance says so. A return that
is closed still owes. Not yet: acknowledgements with a reason ("paid elsewhere"). That a refund failed is known from its
transactions only; one without any moves no money at Shopify.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Audience, Detail, Severity
from schemas.configuration import ReturnRules
from schemas.facts import RefundFacts
from schemas.questions import QuestionKind
from stages.rules.refunded import Moved, made_good, movements
from stages.rules.return_words import lasting, refund_due, said_of
from stages.rules.returned import Returned, returns_of
from stages.rules.rule import Case, Clear, Due, Fire, Said, Verdict, details
from stages.rules.words import called, moment, order_link, order_of, plain, sentence, spell
from stages.stage import TimerKind

_OWED_TO = (Audience.FINANCE, Audience.RETURNS)
_FAILED_TO = (Audience.FINANCE, Audience.CUSTOMER_SERVICE)
_LONG = 120
_NOTHING_OWED = frozenset({"canceled", "declined"})


@dataclass(frozen=True, slots=True)
class RefundDue:
    """By return. `level` 1: closed without a refund, 2: the deadline is missed."""

    name: str = "refund-due"
    use_case: int = 6
    watches: frozenset[str] = frozenset({"order", "return"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        for back in returns_of(case.dossier):
            yield from _received(case, back)
            yield from _unscanned(case, back)


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
        for known in case.dossier.every(RefundFacts):
            mine = [one for one in moved if one.refund == known.value.id]
            yield from _under_way(case, known.value, mine)


# --- refund-due -------------------------------------------------------------------------------------------------------


def _received(case: Case, back: Returned) -> Iterator[Verdict]:
    at, rules = back.received_at, case.configuration.rules.returns
    if at is None:
        return
    if back.state in _NOTHING_OWED:
        yield Clear(f"the return is {back.state}", str(back.id))
    elif not _is_owed(case, back):
        yield _met(back)
    else:
        yield from _owed(case, back, at, rules)


def _owed(case: Case, back: Returned, at: datetime, rules: ReturnRules) -> Iterator[Verdict]:
    due, step = refund_due(case, at), "Refund what came back, or say in the order why nothing is owed."
    soon = lasting(case, back, at, f"the refund is due by {moment(due)}", step)
    missed = lasting(case, back, at, f"no refund by {moment(due)}, when it was due", step)
    yield _due(back, said_of(case, soon, _OWED_TO, Severity.WARNING), due - rules.refund_warning_before, 0)
    yield _due(back, said_of(case, missed, _OWED_TO, Severity.CRITICAL), due, 2)
    closed = back.told.since("closed") if back.told and back.state == "closed" else None
    if closed is not None:
        ended = lasting(case, back, at, "closed without a refund for what came back", step)
        yield _due(back, said_of(case, ended, _OWED_TO, Severity.WARNING), closed, 1)


def _due(back: Returned, said: Said, at: datetime, level: int) -> Due:
    about = str(back.id)
    return Due(said, at, about, level, QuestionKind.RETURN, about, TimerKind.OUTSIDE)


def _met(back: Returned) -> Clear:
    if back.paid_at is None or back.received_at is None:
        return Clear("nothing is owed any more", str(back.id))
    title = f"{back.name}: refunded {spell(back.paid_at - back.received_at)} after it arrived"
    return Clear("the money has moved", str(back.id), title, back.paid_at)


def _is_owed(case: Case, back: Returned) -> bool:
    facts = back.told.facts if back.told else None
    if _is_balance_owed(case, back):
        return True
    if facts is not None and facts.exchanges:
        return False
    if back.received is None:
        return back.paid_at is None
    return back.refunded < back.received


def _is_balance_owed(case: Case, back: Returned) -> bool:
    """The order's outstanding amount is negative, and was read after the goods came and the last money moved."""
    after = max(at for at in (back.received_at, back.paid_at) if at is not None)
    order, balances = case.dossier.order, []
    states = [known.stamp.updated for name in ("order", "order/answer") if (known := case.dossier.facts.get(name))]
    if order is not None and order.outstanding is not None and max(states) > after:
        balances.append(order.outstanding.amount)
    asked = back.first("answer.return")
    if back.told is not None and back.told.facts.outstanding is not None and asked is not None and asked > after:
        balances.append(back.told.facts.outstanding.amount)
    return any(balance < 0 for balance in balances)


def _unscanned(case: Case, back: Returned) -> Iterator[Verdict]:
    """Nobody has scanned it: the law may want the money back all the same."""
    rules, key = case.configuration.rules.returns, f"{back.id}/unscanned"
    since = back.told.since("open") if back.told else None
    if back.received_at is not None or back.paid_at is not None or back.is_over:
        yield Clear("it was received, refunded or ended", key)
    elif since is not None:
        how = f"approved {spell(rules.unscanned_after)} ago and never scanned: is a refund due?"
        told = lasting(case, back, since, how, "Look whether the parcel has come, and refund what is owed.")
        severity = Severity.WARNING if rules.statutory else Severity.INFO
        said = said_of(case, told, _OWED_TO, severity)
        yield Due(said, since + rules.unscanned_after, key, ask=QuestionKind.RETURN, resource=str(back.id))


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


def _under_way(case: Case, refund: RefundFacts, mine: list[Moved]) -> Iterator[Verdict]:
    """One that has transactions of which none succeeded; a failed one is told as such."""
    key, after = f"refund/{refund.id}", case.configuration.rules.returns.refund_pending_after
    if any(one.has_succeeded or one.has_failed for one in mine):
        yield Clear("its transactions have an outcome", key)
    elif mine:
        said = Said(
            title=f"{sentence(called(case))}: a refund of {mine[0].amount or 'unknown amount'} has not gone through",
            since=mine[0].at,
            severity=Severity.WARNING,
            audiences=_FAILED_TO,
            details=_money(case, mine[0]),
            next_step="Ask the gateway what has become of it.",
            link=order_link(case),
        )
        yield Due(said, case.after(mine[0].at, after, _FAILED_TO[0]), key)


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

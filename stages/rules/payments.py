"""Use case 4, payments: cards that are declined, one tried too often, and a provider that fails everybody.

An alert is one for its order and reader; each further decline is told once, as an update of it. It ends when the order
is paid after all, which `payment-recovered` tells (`stages.rules.recoveries`). Declines before there is an order are
never told by Shopify.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.facts.payments import TransactionFacts
from schemas.questions import QuestionKind
from stages.rules.asked_again import asked_again, asked_no_more, silent_since
from stages.rules.declines import CAPTURE, Attempt, declined, first_success, last_run, parted, settled
from stages.rules.payment_words import decline_details, ended, orders_of, reason_of, said
from stages.rules.rule import Again, Case, Clear, Due, Fire, Said, Tell, Verdict, admin_link, details
from stages.rules.words import called, moment, plain, sentence, spell

FRAUD_CODES: Final = frozenset(
    {"fraud_suspected", "card_testing", "pick_up_card", "merchant_rule", "transaction_limit_exceeded"}
)
_MOVING: Final = frozenset({"sale", CAPTURE})
_FINANCE = (Audience.FINANCE,)
_FRAUD = (Audience.FRAUD_REVIEW,)


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """Keys are its readers: `fraud-review`, `finance`, `capture` (finance, and fraud review where it smells of that),
    `retention`."""

    name: str = "payment-declined"
    use_case: int = 4
    watches: frozenset[str] = frozenset({"order"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = declined(case.dossier)
        tried = [attempt for attempt in found if attempt.facts.kind != CAPTURE]
        captures = [attempt for attempt in found if attempt.facts.kind == CAPTURE]
        suspect = [attempt for attempt in tried if attempt.facts.error_code in FRAUD_CODES]
        others = [attempt for attempt in tried if attempt.facts.error_code not in FRAUD_CODES]
        yield from _suspected(case, suspect)
        yield from _held(case, others)
        yield from _captures(case, captures)
        yield from _unpaid(case, tried)
        if "payment" in case.dossier.incomplete:
            yield from _asked_again(case, tried)


@dataclass(frozen=True, slots=True)
class PaymentVelocity:
    """One order tried too often, or one card over several orders; a card's alert ends when it has been quiet."""

    name: str = "payment-velocity"
    use_case: int = 4
    watches: frozenset[str] = frozenset({"order", "card"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        found = [attempt for attempt in declined(case.dossier) if _is_tried(attempt.facts)]
        yield from _card(case, found) if case.kind == "card" else _order(case, found)


@dataclass(frozen=True, slots=True)
class PaymentProviderFailing:
    """Counted over the shop, to which only such declines are told. It ends when none has come for that long again."""

    name: str = "payment-provider-failing"
    use_case: int = 4
    watches: frozenset[str] = frozenset({"shop"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        rules = case.configuration.rules.payments
        found = _last_without_pause(declined(case.dossier), rules.provider_window)
        if many := _within(found, rules.provider_window, rules.provider_failures):
            yield from _until_quiet(case, _failing(case, many), found[-1], rules.provider_window)
        else:
            yield Clear(f"nothing more for {spell(rules.provider_window)}")


# --- payment-declined -------------------------------------------------------------------------------------------------


def _suspected(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    by = settled(case.dossier)
    over, left = parted(found, by)
    yield from ended(case, over, by, "fraud-review")
    if left and not _is_cancelled(case):
        title = f"{sentence(called(case))}: payment declined, {plain(left[-1].facts.error_code)}"
        step = "Check who ordered and with which card before anything is shipped."
        yield Fire(said(case, title, left, _FRAUD, step), "fraud-review", level=len(found))


def _held(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    by, hold = settled(case.dossier), case.configuration.rules.payments.declined_hold
    over, left = parted(found, by)
    yield from ended(case, over, by, "finance")
    if over:
        yield from _retried(case, last_run(over, case.dossier))
    if left and not _is_cancelled(case):
        title = f"{sentence(called(case))}: payment declined, {reason_of(left[-1])}"
        step = "See in the order whether the customer must be helped to pay, or the gateway asked."
        told = said(case, title, left, _FINANCE, step)
        for at in _let_go(left, hold):
            known = sum(attempt.at <= at for attempt in found)
            yield Due(told, at, "finance", level=known, ask=QuestionKind.PAYMENT)


def _let_go(left: Sequence[Attempt], hold: timedelta) -> Iterator[datetime]:
    """When those that are held back are told: all that there are by then, and each that comes later after its own."""
    told: datetime | None = None
    for attempt in left:
        if told is None or attempt.at > told:
            told = attempt.at + hold
            yield told


def _retried(case: Case, run: Sequence[Attempt]) -> Iterator[Verdict]:
    """Declined and paid while the alert was held back: a line of the digest."""
    until = run[0].at + case.configuration.rules.payments.declined_hold
    success = first_success(case.dossier, run[-1].at)
    if success is not None and case.now <= until:
        title = f"{sentence(called(case))}: declined ({reason_of(run[-1])}), paid {spell(success.at - run[0].at)} later"
        told = said(case, title, run, _FINANCE, "", severity=Severity.INFO)
        yield Tell(replace(told, line=True), f"retried/{success.facts.id}")


def _captures(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    by = settled(case.dossier, _MOVING)
    over, left = parted(found, by)
    yield from ended(case, over, by, "capture")
    if left and not _is_cancelled(case):
        title = f"{sentence(called(case))}: the capture failed, {reason_of(left[-1])}"
        is_suspect = any(attempt.facts.error_code in FRAUD_CODES for attempt in left)
        to = (*_FINANCE, *_FRAUD) if is_suspect else _FINANCE
        step = "Capture the payment again before the authorization ends, and hold the shipment until it is."
        yield Fire(said(case, title, left, to, step), "capture", level=len(found))


def _unpaid(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    by, after = settled(case.dossier), case.configuration.rules.payments.unpaid_after
    over, left = parted(found, by)
    yield from ended(case, over, by, "retention")
    if left and not _is_cancelled(case):
        title = f"{sentence(called(case))}: unpaid {spell(after)} after its payment was declined"
        step = "Offer the customer another way to pay, or a new link to the payment."
        told = said(case, title, left, (Audience.RETENTION,), step)
        yield Due(told, left[0].at + after, "retention", ask=QuestionKind.PAYMENT)


def _asked_again(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    """What was told while Shopify was silent."""
    rules, payment = case.configuration.rules.payments, case.dossier.payment
    silent = silent_since(case.dossier, ("payment",), payment.stamp if payment else None)
    left = parted(found, settled(case.dossier))[1]
    if not left or _is_cancelled(case):
        yield asked_no_more("it is settled")
    elif silent is not None and case.open:
        yield from asked_again(left[0].at, rules.unpaid_after, silent, QuestionKind.PAYMENT)


def _is_cancelled(case: Case) -> bool:
    order = case.dossier.order
    return order is not None and order.cancelled is not None


# --- payment-velocity -------------------------------------------------------------------------------------------------


def _is_tried(facts: TransactionFacts) -> bool:
    """A capture that fails is nobody trying cards, unless the gateway says so."""
    return facts.kind != CAPTURE or facts.error_code == "card_testing"


def _order(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    rules, by = case.configuration.rules.payments, settled(case.dossier)
    over, left = parted(found, by)
    yield from ended(case, over, by, "")
    if _is_cancelled(case):
        return
    step = "Find out whether somebody tries cards: hold the order until you know."
    if tests := [attempt for attempt in left if attempt.facts.error_code == "card_testing"]:
        title = f"{sentence(called(case))}: the gateway sees card testing"
        yield Fire(said(case, title, tests, _FRAUD, step, severity=Severity.CRITICAL), level=1)
    if many := _within(left, rules.velocity_window, rules.velocity_declines):
        title = f"{sentence(called(case))}: {len(many)} payments declined within {spell(rules.velocity_window)}"
        yield Fire(said(case, title, many, _FRAUD, step))


def _card(case: Case, found: Sequence[Attempt]) -> Iterator[Verdict]:
    """The card itself is known to nobody: its subject is a keyed hash."""
    window = case.configuration.rules.payments.velocity_card_window
    near = [attempt for attempt in found if attempt.at >= found[-1].at - window]
    orders = tuple(dict.fromkeys(attempt.facts.order_id for attempt in near))
    if len(orders) < 2:
        yield Clear(f"nothing more for {spell(window)}")
        return
    told = Said(
        title=f"One card was declined on {len(orders)} orders within {spell(window)}",
        since=near[0].at,
        severity=Severity.CRITICAL,
        audiences=_FRAUD,
        details=details(**orders_of(case, near), **decline_details(near)),
        next_step="Look at these orders together, and cancel those that nobody meant to place.",
        link=admin_link(case.shop, f"orders/{orders[-1]}"),
    )
    yield from _until_quiet(case, Fire(told, level=len(orders)), near[-1], window)


def _within(found: Sequence[Attempt], window: timedelta, least: int) -> Sequence[Attempt]:
    """The newest `least` or more that fell into one window; empty where there were never so many."""
    for last in range(len(found), 0, -1):
        near = [attempt for attempt in found[:last] if found[last - 1].at - attempt.at <= window]
        if len(near) >= least:
            return near
    return ()


def _last_without_pause(found: Sequence[Attempt], pause: timedelta) -> Sequence[Attempt]:
    """The newest ones: what came before a pause was another failure of the provider, and is over."""
    first = max((n for n in range(1, len(found)) if found[n].at - found[n - 1].at > pause), default=0)
    return found[first:]


def _until_quiet(case: Case, fire: Fire, newest: Attempt, quiet: timedelta) -> Iterator[Verdict]:
    """It is told however late it is learned, once, and ends when nothing has followed for a while."""
    end, run = newest.at + quiet, str(newest.facts.id)
    if case.now >= end and fire.key in case.open:
        yield Clear(f"nothing more for {spell(quiet)}", fire.key, at=end, run=run)
        return
    yield replace(fire, run=run)
    yield Again(end, "quiet")


# --- payment-provider-failing -----------------------------------------------------------------------------------------


def _failing(case: Case, many: Sequence[Attempt]) -> Fire:
    gateways = dict.fromkeys(_gateway(attempt.facts) for attempt in many)
    told = Said(
        title=f"Payments fail at {', '.join(gateways)}: {len(many)} since {moment(many[0].at)}",
        since=many[0].at,
        severity=Severity.CRITICAL,
        audiences=(Audience.IT_SUPPORT, Audience.FINANCE),
        details=details(**orders_of(case, many), **decline_details(many)),
        next_step="Check the provider's status and the account's settings, and offer another way to pay meanwhile.",
        link=admin_link(case.shop, "settings/payments"),
    )
    return Fire(told)


def _gateway(facts: TransactionFacts) -> str:
    return plain(facts.gateway)

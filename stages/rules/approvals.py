"""Use case 5: orders that somebody must approve before they are shipped or invoiced.

A notice for now: nothing is held, no link decides, and the message says so. A policy that matches opens it, a higher
amount is an update, and it ends when the order is cancelled, shipped, or no longer matches. What is not known neither
matches nor ends a match (`stages.rules.policies`). Not yet: holds, decisions, deadlines, drafts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from schemas.alerts import Audience, Detail, Severity
from schemas.configuration import Approval
from schemas.facts import Line, OrderFacts
from schemas.money import Money
from stages.conditions.table import seen_by
from stages.rules.policies import Match, in_words, match, standing
from stages.rules.rule import Case, Clear, Fire, Said, Verdict, admin_link, details
from stages.rules.words import bounded

_SHOWN_LINES = 5
#: Finer than any currency's smallest coin.
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ApprovalRequired:
    name: str = "approval-required"
    use_case: int = 5
    watches: frozenset[str] = frozenset({"order"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        order = case.dossier.order
        if order is None:
            return
        over, policies = _is_past(order), case.configuration.approvals
        for policy in policies:
            found = match(policy, case, seen_by(self, case.kind))
            if over or found.matches is False:
                yield Clear(over or "the order does not match the policy any more", policy.name)
            elif found.matches:
                yield _notice(case, order, policy, found)
        for name in sorted(case.open - {policy.name for policy in policies}):
            yield Clear("the policy is not in the configuration any more", name)


def _is_past(order: OrderFacts) -> str | None:
    if order.cancelled is not None:
        return f"the order was cancelled{f' ({order.cancel_reason})' if order.cancel_reason else ''}"
    if order.fulfillment == "fulfilled":
        return "the order was shipped; nothing had held it"
    return None


# --- what is said -----------------------------------------------------------------------------------------------------


def _notice(case: Case, order: OrderFacts, policy: Approval, found: Match) -> Fire:
    said = Said(
        title=f"Order {order.name or order.id} needs approval: {order.total or 'amount unknown'} ({policy.name})",
        since=order.created or order.updated or case.now,
        severity=Severity.WARNING,
        audiences=(Audience.APPROVERS,),
        details=(
            Detail("Policy", in_words(policy)),
            *_of_order(order),
            *details(orders_of_this_customer=_orders_before(case, order), tags=", ".join(order.tags)),
            Detail("Only a notice", "the order is not held, and no link decides yet"),
        ),
        next_step="Look at the order in the admin, and hold or cancel it there if it must not be shipped.",
        link=admin_link(case.shop, f"orders/{order.id}"),
        unknown=(*found.doubts, *case.unknown(customer="how many orders this customer has placed")),
        teams=tuple(dict.fromkeys(policy.teams)),
        untold=found.untold,
    )
    return Fire(said, policy.name, level=int(order.total.amount * _STEPS) if order.total else 0)


def _of_order(order: OrderFacts) -> tuple[Detail, ...]:
    return details(
        total=order.total,
        discount=_discount(order.discounts, order.total),
        lines=_lines(order),
        destination=order.address.country if order.address else None,
        company=order.company_id,
        payment_terms=order.terms.name if order.terms else None,
        payment=(order.financial or "").replace("_", " "),
        partly_shipped="yes" if order.fulfillment == "partial" else None,
    )


def _discount(discounts: Money | None, total: Money | None) -> str | None:
    """With its share of what the order would have come to."""
    if discounts is None or discounts.amount <= 0:
        return None
    if total is None or total.currency != discounts.currency:
        return str(discounts)
    share = _percent(discounts.amount, total.amount + discounts.amount)
    return f"{discounts} ({share} %)" if share else str(discounts)


def _percent(part: Decimal, whole: Decimal) -> int:
    return round(part * 100 / whole) if whole > 0 else 0


def _orders_before(case: Case, order: OrderFacts) -> str | None:
    customer = case.dossier.customer.value if case.dossier.customer else None
    if customer is not None and customer.orders is not None:
        return f"{customer.orders}{' (this is the first)' if customer.orders <= 1 else ''}"
    is_guest = customer is None and order.customer_id is None and "customer_id" not in order.absent
    return "unknown, it was ordered as a guest" if is_guest else None


def _lines(order: OrderFacts) -> str:
    lines = standing(order)
    shown = [f"{_count(line)} x {bounded(line.title or line.sku or str(line.id))}" for line in lines[:_SHOWN_LINES]]
    more = len(lines) - _SHOWN_LINES
    return ", ".join([*shown, f"and {more} more"] if more > 0 else shown)


def _count(line: Line) -> int:
    return line.quantity if line.current_quantity is None else line.current_quantity

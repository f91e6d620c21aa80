"""Use case 5: orders that somebody must approve before they are shipped or invoiced.

A notice for now: nothing is held, no link decides, and the message says so. A policy that matches opens it, a higher
amount is an update, and it ends when the order is cancelled, shipped, or no longer matches. Not yet: holds, decisions,
deadlines, drafts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.alerts import Audience, Severity
from schemas.configuration import Approval
from schemas.facts import OrderFacts
from stages.rules.rule import Case, Clear, Fire, Said, Verdict, admin_link, details

_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True)
class ApprovalRequired:
    name: str = "approval-required"
    use_case: int = 5
    watches: frozenset[str] = frozenset({"order"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        order = case.dossier.order
        if order is None:
            return
        for policy in case.configuration.approvals:
            if over := _is_past(order):
                yield Clear(over, policy.name)
            elif (matches := fits(policy, order)) is not None:
                yield (
                    _notice(case, order, policy)
                    if matches
                    else Clear("the policy does not apply any more", policy.name)
                )


def fits(policy: Approval, order: OrderFacts) -> bool | None:
    """All that the policy sets; None where one of it is not known and nothing known speaks against it."""
    answers = [answer for answer in _answers(policy, order) if answer is not True]
    if not answers:
        return True
    return False if False in answers else None


def _answers(policy: Approval, order: OrderFacts) -> Iterator[bool | None]:
    if policy.total_from is not None:
        yield None if order.total is None else order.total.amount >= policy.total_from
    if policy.countries:
        country = order.address.country if order.address else None
        yield None if country is None else country.upper() in {known.upper() for known in policy.countries}
    if policy.tags:
        yield bool({tag.lower() for tag in policy.tags} & {tag.lower() for tag in order.tags})
    if policy.skus:
        yield bool(set(policy.skus) & {line.sku for line in order.lines})


def _is_past(order: OrderFacts) -> str | None:
    if order.cancelled is not None:
        return f"the order was cancelled{f' ({order.cancel_reason})' if order.cancel_reason else ''}"
    if order.fulfillment == "fulfilled":
        return "the order was shipped; nothing had held it"
    return None


def _notice(case: Case, order: OrderFacts, policy: Approval) -> Fire:
    customer = case.dossier.customer.value if case.dossier.customer else None
    said = Said(
        title=f"Order {order.name or order.id} needs approval: {order.total or 'amount unknown'} ({policy.name})",
        since=order.created or order.updated or case.now,
        severity=Severity.WARNING,
        audiences=(Audience.APPROVERS,),
        details=details(
            policy=policy.name,
            total=order.total,
            discount=order.discounts if order.discounts and order.discounts.amount else None,
            lines=_lines(order),
            destination=order.address.country if order.address else None,
            company=order.company_id,
            payment_terms=order.terms.name if order.terms else None,
            payment=order.financial,
            orders_of_this_customer=customer.orders if customer else None,
            tags=", ".join(order.tags),
            note="This is a notice: the order is not held, and no link decides yet",
        ),
        next_step="Look at the order in the admin, and hold or cancel it there if it must not be shipped.",
        link=admin_link(case.shop, f"orders/{order.id}"),
        unknown=case.unknown(customer="how many orders this customer has placed"),
        teams=policy.teams,
    )
    return Fire(said, policy.name, level=int(order.total.amount * 100) if order.total else 0)


def _lines(order: OrderFacts) -> str:
    shown = [f"{line.quantity} x {line.title or line.sku or line.id}" for line in order.lines[:_SHOWN_LINES]]
    more = len(order.lines) - _SHOWN_LINES
    return ", ".join([*shown, f"and {more} more"] if more > 0 else shown)

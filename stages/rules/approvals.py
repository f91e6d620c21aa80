"""Use case 5: orders that somebody must approve before they are shipped or invoiced.

A notice for now: nothing is held, no link decides, and the message says so. A policy that matches opens it, a higher
amount is an update, and it ends when the order is cancelled, shipped, or no longer matches. What is not known neither
matches nor ends a match. Not yet: holds, decisions, deadlines, drafts, and the policies' other conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from schemas.alerts import Audience, Detail, Severity
from schemas.configuration import Approval
from schemas.facts import Line, OrderFacts
from schemas.money import Money
from stages.dossiers.registers import MANY
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
            matches = fits(policy, order)
            if over or matches is False:
                yield Clear(over or "the order does not match the policy any more", policy.name)
            elif matches:
                yield _notice(case, order, policy)
        for name in sorted(case.open - {policy.name for policy in policies}):
            yield Clear("the policy is not in the configuration any more", name)


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
        yield _goes_to(order, policy.countries)
    if policy.tags:
        yield None if "tags" in order.absent else bool(_lower(policy.tags) & _lower(order.tags))
    if policy.skus:
        yield _holds_one_of(order, policy.skus)


def _goes_to(order: OrderFacts, countries: tuple[str, ...]) -> bool | None:
    """An order without an address goes nowhere; one whose address was removed goes nobody knows where."""
    if order.address is None:
        return None if "address" in order.absent else False
    country = order.address.country
    return None if country is None else country.lower() in _lower(countries)


def _holds_one_of(order: OrderFacts, skus: tuple[str, ...]) -> bool | None:
    """Of a very long order only the first lines are kept: what is not among them may still be in it."""
    if set(skus) & {line.sku for line in _standing(order)}:
        return True
    return None if "lines" in order.absent or len(order.lines) >= MANY else False


def _lower(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}


def _is_past(order: OrderFacts) -> str | None:
    if order.cancelled is not None:
        return f"the order was cancelled{f' ({order.cancel_reason})' if order.cancel_reason else ''}"
    if order.fulfillment == "fulfilled":
        return "the order was shipped; nothing had held it"
    return None


# --- what is said -----------------------------------------------------------------------------------------------------


def _notice(case: Case, order: OrderFacts, policy: Approval) -> Fire:
    said = Said(
        title=f"Order {order.name or order.id} needs approval: {order.total or 'amount unknown'} ({policy.name})",
        since=order.created or order.updated or case.now,
        severity=Severity.WARNING,
        audiences=(Audience.APPROVERS,),
        details=(
            Detail("Policy", _because(policy)),
            *_of_order(order),
            *details(orders_of_this_customer=_orders_before(case, order), tags=", ".join(order.tags)),
            Detail("Only a notice", "the order is not held, and no link decides yet"),
        ),
        next_step="Look at the order in the admin, and hold or cancel it there if it must not be shipped.",
        link=admin_link(case.shop, f"orders/{order.id}"),
        unknown=case.unknown(customer="how many orders this customer has placed"),
        teams=tuple(dict.fromkeys(policy.teams)),
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


def _because(policy: Approval) -> str:
    """`large-orders: total from 5000, to NO or DE`."""
    parts = (
        "" if policy.total_from is None else f"total from {policy.total_from}",
        f"to {' or '.join(policy.countries)}" if policy.countries else "",
        f"tagged {' or '.join(policy.tags)}" if policy.tags else "",
        f"with {' or '.join(policy.skus)}" if policy.skus else "",
    )
    return f"{policy.name}: {', '.join(part for part in parts if part) or 'every order'}"


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


def _standing(order: OrderFacts) -> list[Line]:
    """The lines that an edit has not removed."""
    return [line for line in order.lines if line.current_quantity != 0]


def _lines(order: OrderFacts) -> str:
    lines = _standing(order)
    shown = [f"{_count(line)} x {bounded(line.title or line.sku or str(line.id))}" for line in lines[:_SHOWN_LINES]]
    more = len(lines) - _SHOWN_LINES
    return ", ".join([*shown, f"and {more} more"] if more > 0 else shown)


def _count(line: Line) -> int:
    return line.quantity if line.current_quantity is None else line.current_quantity

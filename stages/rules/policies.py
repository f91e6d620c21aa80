"""Which orders a policy of `approvals:` is about: all that it sets must fit, its `when` too.

What is not known neither matches nor ends a match. A `when` that fails on the facts matches: rather one approval too
many than one that nobody was asked for; the request says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.alerts import Untold
from schemas.configuration import Approval
from schemas.facts import Line, OrderFacts
from stages.conditions.condition import compiled
from stages.conditions.seen import Sight, Variables
from stages.dossiers.registers import MANY
from stages.rules.rule import Case


@dataclass(frozen=True, slots=True)
class Match:
    """`matches` None: not known. `doubts`: what an approver must know of how it was decided."""

    matches: bool | None
    doubts: tuple[str, ...] = ()
    untold: Untold | None = None


def match(policy: Approval, case: Case, seen: Variables) -> Match:
    """Of the case's order. `seen`: what a `when` sees of such a subject."""
    order = case.dossier.order
    fitting = None if order is None else fits(policy, order)
    if policy.when is None or fitting is False:
        return Match(fitting)
    told = compiled(policy.when).told(Sight(case, policy.name), seen)
    if told.untold is Untold.FAILED:
        return Match(fitting, (f"whether it needs approval: {policy.when} ({told.because})",), told.untold)
    if told.holds is False:
        return Match(False)
    return Match(fitting if told.holds else None)


def fits(policy: Approval, order: OrderFacts) -> bool | None:
    """All that the policy sets but its `when`; None where one of it is not known and nothing known speaks against."""
    answers = [answer for answer in _answers(policy, order) if answer is not True]
    if not answers:
        return True
    return False if False in answers else None


def in_words(policy: Approval) -> str:
    """`large-orders: total from 5000, to NO or DE`."""
    parts = (
        "" if policy.total_from is None else f"total from {policy.total_from}",
        f"to {' or '.join(policy.countries)}" if policy.countries else "",
        f"tagged {' or '.join(policy.tags)}" if policy.tags else "",
        f"with {' or '.join(policy.skus)}" if policy.skus else "",
        policy.when or "",
    )
    return f"{policy.name}: {', '.join(part for part in parts if part) or 'every order'}"


def standing(order: OrderFacts) -> list[Line]:
    """The lines that an edit has not removed."""
    return [line for line in order.lines if line.current_quantity != 0]


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
    if set(skus) & {line.sku for line in standing(order)}:
        return True
    return None if "lines" in order.absent or len(order.lines) >= MANY else False


def _lower(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}

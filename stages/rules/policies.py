"""Which orders and drafts a policy of `approvals:` is about: all that it sets must fit, its `when` too.

Nobody was asked is worse than asked in vain: what is not known, and a `when` that fails on the facts, do not excuse.
It is asked then, and says what is not known; once that is known, and the policy is not about it, the request ends.
What is known and does not fit always excuses. A `when` that needs what drafts do not have (a payment, a risk) is not
about drafts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from schemas.alerts import Untold
from schemas.configuration import Approval
from stages.conditions.condition import Condition, Told, compiled
from stages.conditions.seen import Sight, Variables
from stages.dossiers.goods import MOST
from stages.rules.matters import Matter
from stages.rules.rule import Case
from stages.rules.words import bounded

_SHOWN = 60
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Match:
    """`matches` None: it may. `doubts`: why that is not known, for an approver. `otherwise`: why it does not."""

    matches: bool | None
    doubts: tuple[str, ...] = ()
    untold: Untold | None = None
    otherwise: str = ""


class Part(NamedTuple):
    """One of those that a policy sets. In words: what is not known where `fits` is None, and what is so where not."""

    fits: bool | None
    unknown: str
    otherwise: str


def match(policy: Approval, case: Case, matter: Matter, seen: Variables) -> Match:
    """`seen`: what a `when` sees of such a subject."""
    parts = [part for part in _parts(policy, matter) if part.fits is not True]
    for part in parts:
        if part.fits is False:
            return Match(False, otherwise=part.otherwise)
    doubts, untold = [part.unknown for part in parts], Untold.UNKNOWN if parts else None
    if policy.when is not None:
        condition = compiled(policy.when)
        told = condition.told(Sight(case, policy.name), seen)
        if told.holds is False or _is_not_about(condition, told, seen):
            return Match(False, otherwise=f"{bounded(policy.when, _SHOWN)} does not hold")
        if told.holds is None:
            doubts.append(f"{bounded(policy.when, _SHOWN)} ({told.because})")
            untold = told.untold
    if not doubts:
        return Match(True)
    return Match(None, tuple(f"whether it needs approval: {doubt}" for doubt in doubts), untold)


def in_words(policy: Approval) -> str:
    """`large-orders: total from 5000, to NO or DE`."""
    parts = (
        "" if policy.total_from is None else f"total from {policy.total_from}",
        f"to {' or '.join(policy.countries)}" if policy.countries else "",
        f"tagged {' or '.join(policy.tags)}" if policy.tags else "",
        f"with goods tagged {' or '.join(policy.product_tags)}" if policy.product_tags else "",
        f"with {' or '.join(policy.skus)}" if policy.skus else "",
        policy.when or "",
    )
    return bounded(f"{policy.name}: {', '.join(part for part in parts if part) or 'every order'}", _LONGEST)


def _is_not_about(condition: Condition, told: Told, seen: Variables) -> bool:
    """It cannot be told, and never will: there are no such facts of this kind of subject."""
    lacking = (name for of, name in condition.mentions if of in seen and name not in seen[of])
    return told.untold is Untold.UNKNOWN and any(lacking)


def _parts(policy: Approval, matter: Matter) -> Iterator[Part]:
    if policy.total_from is not None:
        total = matter.total
        fits = None if total is None else total.amount >= policy.total_from
        yield Part(fits, "its total", f"it comes to {total}")
    if policy.countries:
        country = matter.country
        fits = None if country is None else country.lower() in _lower(policy.countries)
        yield Part(fits, "where it goes", f"it goes to {country}" if country else "it goes nowhere")
    if policy.tags:
        fits = None if "tags" in matter.absent else bool(_lower(policy.tags) & _lower(matter.tags))
        yield Part(fits, "its tags", "it has none of the tags")
    if policy.product_tags:
        tags = matter.product_tags
        is_among = None if tags is None else bool(_lower(policy.product_tags) & {*tags})
        whole = is_among or (tags is not None and len(tags) < MOST)
        yield Part(is_among if whole else None, "the tags of its goods", "none of its goods has one of the tags")
    if policy.skus:
        is_in = bool(matter.skus.intersection(policy.skus))
        yield Part(is_in if is_in or matter.has_all_skus else None, "all that is in it", "none of the goods is in it")


def _lower(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}

"""When approvers are asked, and when they are asked again.

Asked again is only for more: a higher amount, a larger discount (more of it, and a larger share), another country, or
other teams than those who were asked. Less is no question. What was asked stays as it was until then, its deadline too.
"""

from __future__ import annotations

from msgspec.structs import replace

from schemas.approvals import Asked, Needed, Request
from schemas.configuration import Approval
from schemas.money import Money
from stages.rules.matters import Matter
from stages.rules.rule import Case


def request_of(policy: Approval, case: Case, matter: Matter) -> Request:
    """What stands, or the next question."""
    known, now = case.requests.get(policy.name), _asked_now(policy, case, matter)
    if known is None:
        return now
    if not _is_more(known, now):
        return known
    was_discount = known.discount if _is_more_off(known, now) else None
    return replace(now, revision=known.revision + 1, was=known.amount, was_discount=was_discount)


def _asked_now(policy: Approval, case: Case, matter: Matter) -> Request:
    teams = tuple(dict.fromkeys(policy.teams))
    count = 1 if policy.needs is Needed.IN_ORDER else len(teams)
    return Request(
        policy=policy.name,
        revision=1,
        at=case.now,
        needed=policy.needs,
        asked=tuple(Asked(team, case.after_for(team, case.now, policy.within)) for team in teams[:count]),
        later=teams[count:],
        amount=matter.total,
        discount=matter.percent or 0,
        off=matter.discounts,
        country=matter.country,
    )


def _is_more(known: Request, now: Request) -> bool:
    """What is not known now is not more."""
    return (
        _is_higher(known.amount, now.amount)
        or _is_more_off(known, now)
        or (known.country != now.country and None not in (known.country, now.country))
        or (now.teams, now.needed) != (known.teams, known.needed)
    )


def _is_more_off(known: Request, now: Request) -> bool:
    """Of what comes to less the same discount is a larger share, and nobody has given more."""
    return now.discount > known.discount and _is_higher(known.off, now.off)


def _is_higher(known: Money | None, now: Money | None) -> bool:
    """An amount that becomes known is one; amounts of two currencies cannot be compared."""
    if now is None or known is None:
        return now is not None
    return now.currency != known.currency or now.amount > known.amount

"""What is wrong with the policies of a configuration: nobody to ask, nothing to ask about, or no way on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from pipeline.document import Mistake
from schemas.approvals import Needed, Overdue
from schemas.calendars import Length
from schemas.configuration import Approval, Configuration


def in_approvals(whole: Configuration) -> Iterator[Mistake]:
    names = [policy.name for policy in whole.approvals]
    for number, policy in enumerate(whole.approvals):
        path = f"approvals[{number}]"
        if policy.name in names[:number]:
            yield Mistake(f"{path}.name", f"`{policy.name}` stands twice")
        yield from _about(policy, path)
        yield from _teams(policy, path, whole)
        yield from _deadline(policy, path, whole)


def _about(policy: Approval, path: str) -> Iterator[Mistake]:
    goods = policy.product_tags or policy.skus
    if policy.total_from is None and not (policy.when or policy.countries or policy.tags or goods):
        yield Mistake(path, "would match every order: set total_from, countries, tags, product_tags, skus or when")
    if policy.total_from is not None and policy.total_from <= 0:
        yield Mistake(f"{path}.total_from", f"every order comes to {policy.total_from} or more; leave it out")
    for number, country in enumerate(policy.countries):
        if not (len(country) == 2 and country.isascii() and country.isalpha()):
            says = f"`{country}` is no country; right are two letters, like DE or US"
            yield Mistake(f"{path}.countries[{number}]", says)


def _teams(policy: Approval, path: str, whole: Configuration) -> Iterator[Mistake]:
    if not policy.teams:
        yield Mistake(f"{path}.teams", "at least one team has to approve")
    yield from _named(policy.teams, f"{path}.teams", whole)
    if policy.needs is Needed.IN_ORDER and len(policy.teams) == 1:
        yield Mistake(f"{path}.needs", "there is no order in one team; name a second one in `teams`, or leave it out")


def _deadline(policy: Approval, path: str, whole: Configuration) -> Iterator[Mistake]:
    if _is_nothing(policy.within):
        yield Mistake(f"{path}.within", "in no time nobody decides; right is for example `4 working hours`")
    yield from _named(policy.next_level, f"{path}.next_level", whole)
    if policy.next_level and policy.then is Overdue.REJECT:
        says = "nobody is asked any more where `then` is reject; leave one of the two out"
        yield Mistake(f"{path}.next_level", says)
    for number, team in enumerate(policy.next_level):
        if team in policy.teams:
            yield Mistake(f"{path}.next_level[{number}]", f"`{team}` is asked from the beginning: it stands in `teams`")


def _is_nothing(length: Length) -> bool:
    return not length if isinstance(length, timedelta) else length.amount == 0


def _named(teams: Sequence[str], path: str, whole: Configuration) -> Iterator[Mistake]:
    """Always with the whole list: it is short, and the near name may be the wrong one."""
    for number, name in enumerate(teams):
        if whole.team(name) is None:
            says = f"no team `{name}`; there is {', '.join(team.name for team in whole.teams)}"
            yield Mistake(f"{path}[{number}]", says)
        elif name in teams[:number]:
            yield Mistake(f"{path}[{number}]", f"`{name}` stands twice")

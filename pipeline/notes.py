"""What a good configuration leaves out, and what follows from that: no mistakes, but a person should know.

Whoever wants it so needs no word of it; so there is none where nothing is said about a thing that most can do without.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.alerts import Audience, Severity
from schemas.configuration import Configuration, Route
from stages.bodies.operations import BULK
from stages.judging.routing import Label, default_teams, teams_for

_PRIVACY, _PRIVACY_USE_CASE = "privacy-request", 7


def notes_on(whole: Configuration) -> Iterator[str]:
    """One line each, in the order of the file."""
    for shop in whole.shops:
        if shop.admin is None:
            yield (
                f"{shop.domain} has no `admin`: nothing is looked up, so that nobody is told of low stock, holds and "
                "payment schedules, and other alerts say what they lack"
            )
    if whole.rules.operations.jobs and all(shop.job_token is None for shop in whole.shops):
        yield "there are jobs, and no shop has a `job_token`: none of them can report"
    else:
        yield from _not_awaited(whole)
    for name in _untold(whole):
        yield f"the team `{name}` is told nothing: no route, no policy, no job and nothing else names it"
    if whole.privacy.card_hash_key is None and "payment-velocity" not in whole.rules.off:
        yield "there is no `privacy.card_hash_key`: cards are not told apart, so that one over two orders is not seen"
    if whole.privacy.owner_team is None and not _is_routed(whole.routes):
        label = Label(whole.shops[0].domain, _PRIVACY_USE_CASE, _PRIVACY, Severity.WARNING, Audience.PRIVACY)
        to = teams_for(whole, [label])[0]
        yield f"no `privacy.owner_team` is named: customers' requests, which have a deadline by law, go to `{to}`"


def _not_awaited(whole: Configuration) -> Iterator[str]:
    """Jobs of which nobody is told that they have never reported."""
    for job in whole.rules.operations.jobs:
        home = whole.home_of(job)
        if job.every is None or job.name == BULK:
            continue
        if home is None:
            yield (
                f"the job `{job.name}` is watched only from its first report on: there are several shops, and its "
                "`shop` does not say for which one it is awaited"
            )
        elif home.job_token is None:
            yield f"the job `{job.name}` cannot report: {home.domain} has no `job_token`"


def _untold(whole: Configuration) -> list[str]:
    told = {*default_teams(whole), *_teams_of(whole.routes), whole.privacy.owner_team}
    told |= {job.owner for job in whole.rules.operations.jobs}
    told |= {team for policy in whole.approvals for team in (*policy.teams, *policy.next_level)}
    return [team.name for team in whole.teams if team.name not in told]


def _teams_of(route: Route) -> Iterator[str]:
    yield from route.teams
    for child in route.routes:
        yield from _teams_of(child)


def _is_routed(route: Route) -> bool:
    """By what is only about privacy."""
    is_named = Audience.PRIVACY in route.audiences or _PRIVACY in route.rules
    return is_named or any(_is_routed(child) for child in route.routes)

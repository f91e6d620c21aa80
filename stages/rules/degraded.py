"""Use case 7, ourselves: what the pipeline cannot do at present, and what its alerts lack meanwhile.

One condition for each cause, a line of `_CAUSES` for each. What is gone may be back in a minute: it is over when it has
been gone for ten. About the pipeline as a whole it is told on `<prefix>/pipeline`, which is no shop and has no admin to
link to. OpenText is told of by metrics. Not yet: stages that stopped or dead-letter, what OpenText rejects, signatures
that fail, facts that never came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.alerts import Audience, Severity
from schemas.signals import ChainBehind, TokenRefused
from stages.rules.rule import Again, Case, Clear, Fire, Said, Verdict, admin_link, details
from stages.rules.words import moment

GONE_FOR = timedelta(minutes=10)
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class PipelineDegraded:
    name: str = "pipeline-degraded"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"shop", "pipeline"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        for cause in _CAUSES:
            yield from cause(case)


def _there(said: Said, key: str) -> Iterator[Verdict]:
    yield Fire(said, key)
    yield Clear("it is back", f"{key}/gone")


def _gone(case: Case, key: str, since: datetime, because: str) -> Iterator[Verdict]:
    if key in case.open and case.now < since + GONE_FOR:
        yield Again(since + GONE_FOR, f"{key}/gone")
    else:
        yield Clear(because, key)
        yield Clear(because, f"{key}/gone")


# --- a shop's token ---------------------------------------------------------------------------------------------------


def _token(case: Case) -> Iterator[Verdict]:
    told = case.dossier.reports(TokenRefused)
    if not told:
        return
    newest = told[-1].value
    if not newest.refused:
        yield from _gone(case, "token", newest.occurred, "Shopify takes the token again")
        return
    said = Said(
        title=f"Shopify refuses the Admin token of {case.shop}",
        since=newest.occurred,
        severity=Severity.WARNING,
        audiences=(Audience.IT_SUPPORT, Audience.ECOMMERCE),
        details=details(shop=case.shop, meanwhile="alerts lack what must be looked up, and say so"),
        next_step="Install the app again, or give the pipeline a valid token.",
        link=admin_link(case.shop, "settings/apps"),
    )
    yield from _there(said, "token")


# --- the chain --------------------------------------------------------------------------------------------------------


def _chain(case: Case) -> Iterator[Verdict]:
    """Every task that waits reports for itself: it begins with the first, and is gone when all have caught up."""
    told = [known.value for known in case.dossier.reports(ChainBehind)]
    waiting = [report for report in told if report.behind]
    if waiting:
        yield from _there(_behind(waiting), "chain")
    elif told:
        yield from _gone(case, "chain", max(report.occurred for report in told), "the pipeline has caught up")


def _behind(waiting: Sequence[ChainBehind]) -> Said:
    late = dict.fromkeys(name for report in waiting for name in report.late)
    return Said(
        title="The pipeline is behind: what does not happen in Shopify is told late",
        since=min(report.occurred for report in waiting),
        severity=Severity.WARNING,
        audiences=(Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS),
        details=details(
            late=_first_of(list(late)),
            waiting=_first_of([f"{report.stage}-{report.number}" for report in waiting]),
            since=moment(min(report.since for report in waiting)),
            meanwhile="alerts about what has not happened wait; those about deadlines say that they are not confirmed",
        ),
        next_step="Look at what is late: whether its process runs, is ready, and how many records it is behind.",
        end="The pipeline was behind",
    )


def _first_of(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


_CAUSES = (_token, _chain)

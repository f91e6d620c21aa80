"""Use case 7, ourselves: what the pipeline cannot do at present, and what its alerts lack meanwhile.

One condition for each cause, a line of `_CAUSES` for each. What is gone may be back in a minute: it is over when it has
been gone for ten. About the pipeline as a whole it is told on `<prefix>/pipeline`, which is no shop and has no admin to
link to. What lasts in a process is said by it every minute, and is gone when it is not said any more. OpenText is told
of by metrics, and so is a `classify` that stopped: it cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from schemas.alerts import Audience, Severity
from schemas.signals import ChainBehind, DeadLettered, FactsGivenUp, Signal, SignaturesFailed, TaskStopped, TokenRefused
from stages.rules.rule import Again, Case, Clear, Fire, Said, Verdict, admin_link, details
from stages.rules.words import bounded, moment

S = TypeVar("S", bound=Signal)

GONE_FOR = timedelta(minutes=10)
_SHOWN = 6
_LONG = 200
_OURS = (Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS)


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
        audiences=_OURS,
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


# --- what a process says of itself ------------------------------------------------------------------------------------


def _lasting(case: Case, reports: Sequence[S], key: str, said: Callable[[Sequence[S]], Said]) -> Iterator[Verdict]:
    """As long as it is said again within ten minutes; what is said of has been said in the last ten."""
    if not reports:
        return
    newest = max(report.occurred for report in reports)
    if case.now >= newest + GONE_FOR:
        yield Clear("it is not said any more", key)
        return
    yield Fire(said([report for report in reports if report.occurred > newest - GONE_FOR]), key)
    yield Again(newest + GONE_FOR, f"{key}/gone")


def _stopped(case: Case) -> Iterator[Verdict]:
    yield from _lasting(case, [known.value for known in case.dossier.reports(TaskStopped)], "stopped", _of_stopped)


def _of_stopped(reports: Sequence[TaskStopped]) -> Said:
    names = sorted(f"{report.stage}-{report.number}" for report in reports)
    return Said(
        title=f"The pipeline does not take everything: {_first_of(names)} stopped",
        since=min(report.occurred for report in reports),
        severity=Severity.CRITICAL,
        audiences=_OURS,
        details=details(
            stopped=_first_of(names),
            why=bounded(reports[-1].reason, _LONG),
            meanwhile="what is read by it waits on the log, and nothing of it is lost",
        ),
        next_step="Mend the cause, then lift the stop with `pipeline stopped lift`.",
        end="A part of the pipeline had stopped",
    )


def _dead(case: Case) -> Iterator[Verdict]:
    yield from _lasting(case, [known.value for known in case.dossier.reports(DeadLettered)], "dead-letters", _of_dead)


def _of_dead(reports: Sequence[DeadLettered]) -> Said:
    why = list(dict.fromkeys(f"{report.stage}: {report.reason.replace('-', ' ')}" for report in reports))
    return Said(
        title=f"Records are dead letters: {_first_of(why)}",
        since=min(report.occurred for report in reports),
        severity=Severity.WARNING,
        audiences=_OURS,
        details=details(
            of=_first_of(why),
            how_many=sum(report.count for report in reports),
            meanwhile="what they tell is missing in alerts, until they are given back",
        ),
        next_step="Look at them with `pipeline dead-letters list`, and give them back once the cause is mended.",
        end="Records were dead letters",
    )


def _unsigned(case: Case) -> Iterator[Verdict]:
    least = case.configuration.rules.operations.signatures_failed_from
    told = [known.value for known in case.dossier.reports(SignaturesFailed) if known.value.failed >= least]
    yield from _lasting(case, told, "signatures", _of_unsigned)


def _of_unsigned(reports: Sequence[SignaturesFailed]) -> Said:
    newest = reports[-1]
    return Said(
        title=f"{newest.failed} of {newest.of} deliveries within a minute are not signed as Shopify signs",
        since=min(report.occurred for report in reports),
        severity=Severity.WARNING,
        audiences=_OURS,
        details=details(
            failed=newest.failed,
            of=newest.of,
            meanwhile="they are refused; Shopify sends them again for four hours, and then drops a subscription",
        ),
        next_step="Check the app's client secret, and whether something in between changes the bodies.",
        end="Deliveries were not signed as Shopify signs",
    )


# --- what Shopify never told ------------------------------------------------------------------------------------------


def _given_up(case: Case) -> Iterator[Verdict]:
    yield from _lasting(case, [known.value for known in case.dossier.reports(FactsGivenUp)], "facts", _of_given_up)


def _of_given_up(reports: Sequence[FactsGivenUp]) -> Said:
    shop, names = reports[-1].shop, sorted({name for report in reports for name in report.names})
    words = [name.replace("_", " ") for name in names]
    return Said(
        title=f"Shopify has not told within a day what {shop} was asked for: {_first_of(words)}",
        since=min(report.occurred for report in reports),
        severity=Severity.WARNING,
        audiences=_OURS,
        details=details(
            shop=shop,
            what=_first_of(words),
            how_many=sum(report.count for report in reports),
            meanwhile="it is not asked for any more; the alerts that needed it went out without it, and said so",
        ),
        next_step="See whether the app has the scopes that it needs, and whether Shopify's API answers for the shop.",
        link=admin_link(shop, "settings/apps"),
        end=f"Facts about {shop} never came",
    )


_CAUSES = (_token, _chain, _stopped, _dead, _unsigned, _given_up)

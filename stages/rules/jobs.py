"""Use case 7, jobs: those that failed, those that never ended, those that did not run, and Shopify's own bulk jobs.

A job reports to the receiver by its name; what it is and whom it belongs to says the configuration. A job that is not
configured is known by its reports alone: it can fail, but it cannot be overdue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import subjects
from schemas.alerts import Audience, Severity
from schemas.configuration import Job
from schemas.facts import BulkOperationFacts
from schemas.signals import JobPhase, JobReported
from stages.rules.rule import Case, Clear, Due, Fire, Said, Verdict, admin_link, details
from stages.stage import TimerKind

_FAILED = frozenset({"failed", "expired", "canceled"})
_TO = (Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS)


@dataclass(frozen=True, slots=True)
class JobFailed:
    """Over with the next success; that it has started again proves nothing."""

    name: str = "job-failed"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"job"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        yield from _bulk(case)
        job, last = job_of(case), reports(case)
        failed, done = last.get(JobPhase.FAIL), last.get(JobPhase.SUCCESS)
        if done is not None and (failed is None or done.occurred >= failed.occurred):
            yield Clear(f"it succeeded at {done.occurred:%H:%M} UTC")
        elif failed is not None:
            title = f"Job {job.name} failed"
            yield Fire(_said(case, job, title, failed.occurred, failed.message))


@dataclass(frozen=True, slots=True)
class JobOverdue:
    name: str = "job-overdue"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"job"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        job, last = job_of(case), reports(case)
        yield from _running_too_long(case, job, last)
        yield from _not_run(case, job, last)


Last = dict[JobPhase, JobReported]


def reports(case: Case) -> Last:
    """The newest report of each phase."""
    return {known.value.phase: known.value for known in case.dossier.reports(JobReported)}


def job_of(case: Case) -> Job:
    name = subjects.identity_of(case.subject)
    return next((job for job in case.configuration.rules.operations.jobs if job.name == name), Job(name=name))


def _running_too_long(case: Case, job: Job, last: Last) -> Iterator[Verdict]:
    started = last.get(JobPhase.START)
    ended = [report.occurred for phase in (JobPhase.SUCCESS, JobPhase.FAIL) if (report := last.get(phase))]
    if started is None or job.max_runtime is None:
        return
    if ended and max(ended) >= started.occurred:
        yield Clear("it has ended", "runtime")
        return
    at = started.occurred + job.max_runtime
    title = f"Job {job.name} has not ended: started {started.occurred:%H:%M} UTC, allowed {job.max_runtime}"
    yield Due(_said(case, job, title, started.occurred, None), at, "runtime", timer=TimerKind.DEADLINE)


def _not_run(case: Case, job: Job, last: Last) -> Iterator[Verdict]:
    """Counted from its last success; a job that has never reported one has nothing to be counted from."""
    done = last.get(JobPhase.SUCCESS)
    if done is None or job.every is None:
        return
    at = done.occurred + job.every + job.grace
    title = f"Job {job.name} has not succeeded since {done.occurred:%d %b %H:%M} UTC"
    yield Clear(f"it succeeded at {done.occurred:%H:%M} UTC", "every")
    yield Due(_said(case, job, title, done.occurred, None), at, "every", timer=TimerKind.DEADLINE)


def _said(case: Case, job: Job, title: str, since: datetime, message: str | None) -> Said:
    done = reports(case).get(JobPhase.SUCCESS)
    owner = (job.owner,) if job.owner and case.configuration.team(job.owner) else ()
    return Said(
        title=title,
        since=since,
        severity=Severity.CRITICAL if job.critical else Severity.WARNING,
        audiences=_TO,
        details=details(
            it_said=message,
            last_success=f"{done.occurred:%d %b %Y %H:%M} UTC" if done else "none is known",
            owner=job.owner,
            business_critical="yes" if job.critical else None,
        ),
        next_step="Look into the job's own log, mend it, and run it again.",
        teams=owner,
    )


def _bulk(case: Case) -> Iterator[Verdict]:
    """Shopify's bulk operations: the newest one that ended. We start none, so a cancelled one is not ours."""
    newest = case.dossier.newest(BulkOperationFacts)
    if newest is None:
        return
    if newest.status == "completed":
        yield Clear("a later bulk operation completed", "bulk")
    elif newest.status in _FAILED:
        known = case.dossier.every(BulkOperationFacts)[-1]
        said = Said(
            title=f"A bulk operation in Shopify {newest.status}",
            since=known.stamp.occurred,
            severity=Severity.WARNING,
            audiences=_TO,
            details=details(error_code=newest.error_code, kind=newest.kind, operation=newest.id.rpartition("/")[2]),
            next_step="Find the app that started it, and let it run again.",
            link=admin_link(case.shop, "apps"),
        )
        yield Fire(said, "bulk")

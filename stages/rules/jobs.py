"""Use case 7, jobs: those that failed, those that never ended, those that did not run, and Shopify's own bulk jobs.

A job reports to the receiver by its name; what it is and whom it belongs to says the configuration. A job that is not
configured is known by its reports alone: it can fail, but it cannot be overdue. One that names its runs is watched run
by run. Nobody sends a report again that our receiver was not there to take: a job is not overdue before the receiver is
back, and is told then with that doubt, since silence would hide a job that did not run until its next one. Days are
those of the job's time zone. Not yet: a job that has never succeeded has nothing to be counted from; the doubt where
the receiver came back more than 4 h 15 min ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas import subjects
from schemas.alerts import Audience, Severity
from schemas.configuration import Job
from schemas.facts import BulkOperationFacts
from schemas.signals import JobPhase, JobReported
from stages.rules.rule import Case, Clear, Due, Fire, Said, Verdict, admin_link, details
from stages.rules.words import moment, plain, spell

_BULK_FAILED = {"failed": "failed", "expired": "has expired", "canceled": "was canceled"}
_ENDS = (JobPhase.SUCCESS, JobPhase.FAIL)
_TO = (Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS)
_LOST = "not confirmed: our receiver was away, and the job's report may be lost"


@dataclass(frozen=True, slots=True)
class JobFailed:
    """Over with the next success; that it has started again proves nothing."""

    name: str = "job-failed"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"job"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        yield from _bulk(case)
        failed, done = newest(case, JobPhase.FAIL), newest(case, JobPhase.SUCCESS)
        if done is not None and (failed is None or done.occurred >= failed.occurred):
            yield Clear(f"it succeeded on {moment(done.occurred)}")
        elif failed is not None:
            name = subjects.identity_of(case.subject)
            yield Fire(
                _said(case, f"Job {name} failed on {moment(failed.occurred)}", failed.occurred, said=failed.message)
            )


@dataclass(frozen=True, slots=True)
class JobOverdue:
    """Started and not ended in its time, for each run; or without a success for longer than it may be."""

    name: str = "job-overdue"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"job"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        job = job_of(case)
        if job.max_runtime is not None:
            for started in reports(case, JobPhase.START):
                yield _run(case, started, job.max_runtime)
        if job.every is not None:
            yield from _not_run(case, job, job.every)


def reports(case: Case, *phases: JobPhase) -> list[JobReported]:
    """The newest of each phase, and of each run that has a name; the newest last."""
    found = {known.value for known in case.dossier.reports(JobReported) if known.value.phase in phases}
    return sorted(found, key=lambda report: (report.occurred, report.run or ""))


def newest(case: Case, phase: JobPhase) -> JobReported | None:
    found = reports(case, phase)
    return found[-1] if found else None


def job_of(case: Case) -> Job:
    name = subjects.identity_of(case.subject)
    return next((job for job in case.configuration.rules.operations.jobs if job.name == name), Job(name=name))


def _run(case: Case, started: JobReported, allowed: timedelta) -> Verdict:
    """Its own end, or a success that came after its time was over: whatever became of it, the job works again."""
    key = f"runtime/{started.run}" if started.run else "runtime"
    at = started.occurred + allowed
    for report in reports(case, *_ENDS):
        if _is_end(report, started):
            return Clear(f"it ended on {moment(report.occurred)}", key)
        if report.phase is JobPhase.SUCCESS and report.occurred >= at:
            return Clear(f"a later run succeeded on {moment(report.occurred)}", key)
    title = f"Job {started.job} has reported no end: started on {moment(started.occurred)}, may take {spell(allowed)}"
    return Due(_said(case, title, started.occurred, run=started.run), at, key, lost=_LOST)


def _is_end(report: JobReported, started: JobReported) -> bool:
    """A report that names no run is of whichever was running."""
    return report.occurred >= started.occurred and (report.run == started.run or None in (report.run, started.run))


def _not_run(case: Case, job: Job, every: timedelta) -> Iterator[Verdict]:
    """Counted from its last success: the next one ends it, and is counted from in its turn."""
    done = newest(case, JobPhase.SUCCESS)
    if done is None:
        return
    at = _next(done.occurred, every, _zone(case, job)) + job.grace
    title = f"Job {job.name} has reported no success for {spell(every + job.grace)}"
    missed = max(int((case.now - done.occurred) / every), 1)
    lines = {"expected_every": spell(every), "runs_missed": str(missed)}
    yield Clear(f"it succeeded on {moment(done.occurred)}", "every")
    yield Due(_said(case, title, done.occurred, **lines), at, "every", lost=_LOST)


def _next(last: datetime, every: timedelta, zone: tzinfo) -> datetime:
    """Whole days on the zone's clock: a job of every night runs an hour later once the clock is put back."""
    days = timedelta(days=every.days)
    local = last.astimezone(zone).replace(tzinfo=None) + days
    return local.replace(tzinfo=zone).astimezone(UTC) + (every - days)


def _zone(case: Case, job: Job) -> tzinfo:
    """One that this machine does not know is UTC."""
    shop = case.configuration.shop(case.shop)
    try:
        return ZoneInfo(job.time_zone or (shop.time_zone if shop else "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _said(case: Case, title: str, since: datetime, **lines: str | None) -> Said:
    job, done = job_of(case), newest(case, JobPhase.SUCCESS)
    return Said(
        title=title,
        since=since,
        severity=Severity.CRITICAL if job.critical else Severity.WARNING,
        audiences=_TO,
        details=details(
            **lines,
            last_success=moment(done.occurred) if done else "none is known",
            owner=job.owner,
            business_critical="yes" if job.critical else None,
        ),
        next_step="Look into the job's own log, mend it, and run it again.",
        teams=(job.owner,) if job.owner else (),
    )


def _bulk(case: Case) -> Iterator[Verdict]:
    """Shopify's bulk operations: the newest one that ended. We start none, so a cancelled one is not ours."""
    found = case.dossier.every(BulkOperationFacts)
    if not found:
        return
    facts = found[-1].value
    if facts.status == "completed":
        yield Clear("a later bulk operation completed", "bulk")
    elif facts.status in _BULK_FAILED:
        why = f": {plain(facts.error_code)}" if facts.error_code else ""
        said = Said(
            title=f"A bulk {facts.kind or 'operation'} in Shopify {_BULK_FAILED[facts.status]}{why}",
            since=found[-1].stamp.occurred,
            severity=Severity.WARNING,
            audiences=_TO,
            details=details(last_one_that_completed=_completed(case), operation=facts.id.rpartition("/")[2]),
            next_step="Find the app that started it, and let it run again.",
            link=admin_link(case.shop, "apps"),
        )
        yield Fire(said, "bulk")


def _completed(case: Case) -> str:
    done = [known for known in case.dossier.every(BulkOperationFacts) if known.value.status == "completed"]
    return moment(done[-1].stamp.occurred) if done else "none is known"

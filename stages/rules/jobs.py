"""Use case 7, jobs: those that failed, those that never ended, those that did not run, and Shopify's own bulk jobs.

A job reports to the receiver by its name; what it is and whom it belongs to says the configuration. A job that is not
configured is known by its reports alone: it can fail, but it cannot be overdue. One that names its runs is watched run
by run. Nobody sends a report again that our receiver was not there to take: a job is not overdue before the receiver is
back, and is told then with that doubt, since silence would hide a job that did not run until its next one. Days are
those of the job's time zone. One that has never succeeded is counted from its first report; one that has never reported
anything from when the receiver, which says so once an hour, was first there with that job in its configuration. Not
promised: that, for a job of one of several shops that does not name its `shop`, or whose shop had removed the app; and
that one which is configured again after less than 90 days is counted anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Audience, Severity
from schemas.configuration import Job
from schemas.facts.operations import BulkOperationFacts
from schemas.signals import JobPhase, JobReported
from stages.dossiers.rhythms import AWAITED, HEARD
from stages.rules.rule import Case, Clear, Due, Fire, Said, Verdict, admin_link, details
from stages.rules.words import moment, plain, spell

_BULK_DONE = "completed"
_BULK_FAILED = {"failed": "failed", "expired": "has expired", "canceled": "was canceled", "cancelled": "was canceled"}
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
                _said(case, f"Job {name} failed on {moment(failed.occurred)}", failed.occurred, reported=failed.message)
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
        if job.every is None:
            yield Clear("nobody expects it regularly any more", "every")
        else:
            yield from _not_run(case, job, job.every)


def reports(case: Case, *phases: JobPhase) -> list[JobReported]:
    """The newest of each phase, and of each run that has a name; the newest last."""
    found = {known.value for known in case.dossier.reports(JobReported) if known.value.phase in phases}
    return sorted(found, key=lambda report: (report.occurred, report.run or ""))


def newest(case: Case, phase: JobPhase) -> JobReported | None:
    found = reports(case, phase)
    return found[-1] if found else None


def job_of(case: Case) -> Job:
    return case.configuration.job(subjects.identity_of(case.subject), case.shop)


def _run(case: Case, started: JobReported, allowed: timedelta) -> Verdict:
    """Over with its own success, or one that came after its time was over: then the job works again.

    That it failed is no such end, but where it did so in its time.
    """
    key = f"runtime/{started.run}" if started.run else "runtime"
    at, how = started.occurred + allowed, "has reported no end"
    for report in reports(case, *_ENDS):
        is_its_end, is_success = _is_end(report, started), report.phase is JobPhase.SUCCESS
        if is_its_end and (is_success or report.occurred <= at):
            return Clear(f"it ended on {moment(report.occurred)}", key)
        if is_success and report.occurred >= at:
            return Clear(f"a later run succeeded on {moment(report.occurred)}", key)
        if is_its_end:
            how = f"failed after its time, on {moment(report.occurred)}"
    title = f"Job {started.job} {how}: started on {moment(started.occurred)}, may take {spell(allowed)}"
    return Due(_said(case, title, started.occurred, run=started.run), at, key, lost=_LOST)


def _is_end(report: JobReported, started: JobReported) -> bool:
    """A report that names no run is of whichever was running."""
    return report.occurred >= started.occurred and (report.run == started.run or None in (report.run, started.run))


def _not_run(case: Case, job: Job, every: timedelta) -> Iterator[Verdict]:
    """Counted from its last success: the next one ends it, and is counted from in its turn. Before, from when it was
    first heard of."""
    done, heard = newest(case, JobPhase.SUCCESS), case.dossier.spans.get(HEARD, {}).get("yes")
    last = done.occurred if done else heard.first if heard else None
    if last is None:
        yield from _never_heard(case, job, every)
        return
    at = _next(last, every, _zone(case, job)) + job.grace
    title = f"Job {job.name} has reported no success for {spell(every + job.grace)}"
    missed = max(int((case.now - last) / every), 1)
    lines = {"expected_every": spell(every), "runs_missed": str(missed)}
    if done is not None:
        yield Clear(f"it succeeded on {moment(last)}", "every")
    yield Due(_said(case, title, last, **lines), at, "every", lost=_LOST)


def _never_heard(case: Case, job: Job, every: timedelta) -> Iterator[Verdict]:
    awaited, home = case.dossier.spans.get(AWAITED, {}).get("yes"), case.configuration.home_of(job)
    if home is None or home.domain != case.shop:
        yield Clear("it is not awaited for this shop any more", "every")
    elif awaited is not None:
        at = _next(awaited.first, every, _zone(case, job)) + job.grace
        since = moment(awaited.first)
        said = _said(
            case,
            f"Job {job.name} has never reported anything: it is watched since {since}",
            awaited.first,
            expected_every=spell(every),
            watched_since=since,
        )
        step = "Look whether it is installed, and whether it reports to the right address with the right token."
        end = f"Job {job.name} has reported no success"
        yield Due(replace(said, next_step=step, end=end), at, "every", lost=_LOST)


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
    done = newest(case, JobPhase.SUCCESS)
    return Said(
        title=title,
        since=since,
        severity=_severity(case),
        audiences=_TO,
        details=details(**lines, last_success=moment(done.occurred) if done else "none is known", **_owned(case)),
        next_step="Look into the job's own log, mend it, and run it again.",
        teams=_owners(case),
    )


def _severity(case: Case) -> Severity:
    return Severity.CRITICAL if job_of(case).critical else Severity.WARNING


def _owned(case: Case) -> dict[str, str]:
    job = job_of(case)
    return {"owner": job.owner or "none is configured", "business_critical": "yes" if job.critical else "no"}


def _owners(case: Case) -> tuple[str, ...]:
    owner = job_of(case).owner
    return (owner,) if owner else ()


def _bulk(case: Case) -> Iterator[Verdict]:
    """Shopify's bulk operations: the newest one of which we know how it ended. We start none, so that none was
    canceled by us. Who owns them, the configuration may say of a job with their name."""
    found = [it for it in case.dossier.every(BulkOperationFacts) if it.value.status in (_BULK_DONE, *_BULK_FAILED)]
    if not found:
        return
    facts = found[-1].value
    if facts.status == _BULK_DONE:
        yield Clear("a later bulk operation completed", "bulk")
        return
    why = f": {plain(facts.error_code)}" if facts.error_code else ""
    done = [known for known in found if known.value.status == _BULK_DONE]
    said = Said(
        title=f"A bulk {facts.kind or 'operation'} in Shopify {_BULK_FAILED[facts.status]}{why}",
        since=found[-1].stamp.occurred,
        severity=_severity(case),
        audiences=_TO,
        details=details(
            last_one_that_completed=moment(done[-1].stamp.occurred) if done else "none is known",
            operation=facts.id.rpartition("/")[2],
            **_owned(case),
        ),
        next_step="Find the app that started it, and let it run again.",
        link=admin_link(case.shop, "apps"),
        teams=_owners(case),
    )
    yield Fire(said, "bulk")

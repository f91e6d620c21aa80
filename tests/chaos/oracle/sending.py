"""From notifications to OpenText: each was taken once, in its line's order, and its receipts tell a possible life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from schemas import topics
from schemas.notifications import Notification, Receipt, SendingState
from schemas.records import Record
from tests.chaos.evidence import Submit
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, at
from tests.chaos.oracle.states import newest_of

_FIRST = frozenset({SendingState.ACCEPTED, SendingState.FAILED, SendingState.IN_DOUBT, SendingState.CANCELLED})
#: Nothing follows these.
_LAST = frozenset({SendingState.CANCELLED, SendingState.UNKNOWN})
_JOBS, _NOTIFICATIONS, _TURNS = "jobs that OpenText began", "notifications", "turns in the lines of teams"

Told = tuple[Record, Notification]
Fates = Mapping[str, Sequence[tuple[Record, Receipt]]]


def check(sheet: Sheet, log: Log, submits: Sequence[Submit]) -> None:
    sheet.looks_at(_JOBS, _NOTIFICATIONS, _TURNS)
    told = [(record, _notification(record)) for record in log.of(topics.NOTIFICATIONS)]
    fates: dict[str, list[tuple[Record, Receipt]]] = defaultdict(list)
    for record in log.of(topics.RECEIPTS):
        receipt = msgspec.json.decode(record.value or b"", type=Receipt)
        fates[receipt.message_id].append((record, receipt))
    jobs = _jobs(sheet, submits)
    _check_fates(sheet, log, told, fates)
    _check_jobs(sheet, told, fates, jobs)
    _check_lines(sheet, told, jobs)


def _notification(record: Record) -> Notification:
    return msgspec.json.decode(record.value or b"", type=Notification)


def _jobs(sheet: Sheet, submits: Sequence[Submit]) -> dict[str, tuple[int, str]]:
    """By message id, the turn in which its job began, and the job."""
    jobs: dict[str, tuple[int, str]] = {}
    for turn, submit in enumerate(submits):
        if submit.is_repeat:
            sheet.seen["submits that were repeats"] += 1
            if submit.message_id in jobs and jobs[submit.message_id][1] != submit.job:
                sheet.find(Promise.SENT, submit.message_id, f"its repeat got the job {submit.job}, not the first one")
            continue
        sheet.compared[_JOBS] += 1
        sheet.seen["submits whose answer was lost"] += not submit.is_heard
        if submit.message_id in jobs:
            says = f"OpenText has begun {jobs[submit.message_id][1]} and {submit.job} for it: it was sent twice"
            sheet.find(Promise.SENT, submit.message_id, says)
        jobs.setdefault(submit.message_id, (turn, submit.job))
    return jobs


# --- receipts --------------------------------------------------------------------------------------------------------


def _check_fates(sheet: Sheet, log: Log, told: Sequence[Told], fates: Fates) -> None:
    waiting = {
        key.name.decode()
        for number in range(log.partitions)
        for key in newest_of(log, "dispatch", number)
        if key.family == "waiting"
    }
    for record, notification in told:
        sheet.compared[_NOTIFICATIONS] += 1
        message_id = notification.message_id
        sheet.seen["notifications that wait"] += message_id in waiting
        if message_id not in fates and message_id not in waiting:
            sheet.find(Promise.LOST, at(record), f"{message_id} has no receipt, and does not wait for one")
        if message_id in fates and message_id in waiting:
            sheet.find(Promise.REMEMBERED, at(record), f"{message_id} has a receipt, and still waits to be sent")
        _check_life(sheet, message_id, fates.get(message_id, ()))
    known = {notification.message_id for _, notification in told}
    for message_id in sorted(set(fates) - known):
        sheet.find(Promise.RIGHT, at(fates[message_id][0][0]), f"{message_id} is on no notification")


def _check_life(sheet: Sheet, message_id: str, fates: Sequence[tuple[Record, Receipt]]) -> None:
    """One beginning; who has the job is told once before anything of its recipients is; some ends are the last."""
    before: Receipt | None = None
    for record, receipt in fates:
        state = receipt.state
        if before is None and state not in _FIRST:
            sheet.find(Promise.RIGHT, at(record), f"the first receipt of {message_id} says {state}")
        if before is not None and before.state in _LAST:
            sheet.find(Promise.RIGHT, at(record), f"{message_id} was {before.state}, and is {state} afterwards")
        if before is not None and not receipt.recipients and before.job_id is not None:
            says = f"{message_id} is {state} once more, and nothing new is known of its recipients"
            if state is not SendingState.UNKNOWN:
                sheet.find(Promise.DUPLICATED, at(record), says)
        before = receipt


# --- what OpenText took ----------------------------------------------------------------------------------------------


def _check_jobs(sheet: Sheet, told: Sequence[Told], fates: Fates, jobs: Mapping[str, tuple[int, str]]) -> None:
    known = {notification.message_id for _, notification in told}
    for message_id in sorted(set(jobs) - known):
        sheet.find(Promise.SENT, message_id, f"OpenText has {jobs[message_id][1]} for it, and it is on no notification")
    for message_id, receipts in fates.items():
        named = {receipt.job_id for _, receipt in receipts if receipt.job_id is not None}
        if not named:
            continue
        _, job = jobs.get(message_id, (0, None))
        if named != {job}:
            says = f"the receipts of {message_id} name the job {', '.join(sorted(named))}, OpenText has {job}"
            sheet.find(Promise.SENT, at(receipts[0][0]), says)
    for message_id in sorted(set(jobs) & set(fates)):
        record, receipt = fates[message_id][-1]
        if receipt.job_id is None and receipt.state is not SendingState.IN_DOUBT:
            says = f"{message_id} is {receipt.state}, and OpenText has {jobs[message_id][1]} for it"
            sheet.find(Promise.SENT, at(record), says)


def _check_lines(sheet: Sheet, told: Sequence[Told], jobs: Mapping[str, tuple[int, str]]) -> None:
    """Within a team's group, which is of one channel, jobs began in the order of the notifications."""
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for record, notification in told:
        if (job := jobs.get(notification.message_id)) is None:
            continue
        line = (notification.team, notification.group)
        sheet.compared[_TURNS] += 1
        before = newest.get(line)
        if before is not None and job[0] < before[0]:
            says = f"{notification.message_id} was sent before {before[1]}, which stands before it in its line"
            sheet.find(Promise.REORDERED, at(record), says)
        newest[line] = max((job[0], notification.message_id), before or (job[0], notification.message_id))

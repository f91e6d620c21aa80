"""What OpenText took and what the receipts say, against the notifications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from msgspec import structs

from schemas import topics
from schemas.codec import encode
from schemas.notifications import Notification, Receipt, SendingState
from schemas.records import Record
from tests.chaos.evidence import Submit
from tests.chaos.oracle import sending
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, at
from tests.chaos.oracle.tampering import doubled, lost, put
from tests.chaos.oracle.world import Played


def found(log: Log, submits: Sequence[Submit]) -> list[tuple[Promise, str]]:
    sheet = Sheet()
    sending.check(sheet, log, submits)
    return [(finding.promise, finding.where) for finding in sheet.findings]


@pytest.fixture
def submits(day: Played) -> list[Submit]:
    return list(day.evidence.submits)


def receipts(log: Log) -> Iterator[tuple[Record, Receipt]]:
    return ((one, msgspec.json.decode(one.value or b"", type=Receipt)) for one in log.of(topics.RECEIPTS))


def alone(log: Log) -> tuple[Record, Receipt]:
    """The only receipt of its message so far."""
    told = Counter(receipt.message_id for _, receipt in receipts(log))
    return next(one for one in receipts(log) if told[one[1].message_id] == 1)


def notifications(log: Log) -> Iterator[tuple[Record, Notification]]:
    return ((one, msgspec.json.decode(one.value or b"", type=Notification)) for one in log.of(topics.NOTIFICATIONS))


def test_a_good_day_was_sent_once_each(log: Log, submits: list[Submit]) -> None:
    assert found(log, submits) == []
    assert len(submits) == len(list(notifications(log))) > 50


def test_a_message_that_was_taken_twice_is_found(log: Log, submits: list[Submit]) -> None:
    again = submits[5]._replace(job="another")
    assert found(log, [*submits, again]) == [(Promise.SENT, again.message_id)]


def test_a_repeat_that_got_the_first_job_is_none(log: Log, submits: list[Submit]) -> None:
    repeat = submits[5]._replace(is_repeat=True)
    assert found(log, [*submits, repeat]) == []
    assert found(log, [*submits, repeat._replace(job="another")]) == [(Promise.SENT, repeat.message_id)]


def test_what_is_on_no_notification_and_was_taken_is_found(log: Log, submits: list[Submit]) -> None:
    stranger = submits[5]._replace(message_id="demo-stranger", job="another")
    assert found(log, [*submits, stranger]) == [(Promise.SENT, "demo-stranger")]


def test_what_is_said_to_be_taken_and_was_not_is_found(log: Log, submits: list[Submit]) -> None:
    record, receipt = alone(log)
    others = [submit for submit in submits if submit.message_id != receipt.message_id]
    assert len(others) == len(submits) - 1
    assert found(log, others) == [(Promise.SENT, at(record))]


def test_a_line_that_was_sent_out_of_order_is_found(log: Log, submits: list[Submit]) -> None:
    lines: dict[tuple[str, str], list[str]] = {}
    wheres = {}
    for record, told in notifications(log):
        lines.setdefault((told.team, told.group), []).append(told.message_id)
        wheres[told.message_id] = at(record)
    first, second, *_ = next(line for line in lines.values() if len(line) > 1)
    turns = {submit.message_id: turn for turn, submit in enumerate(submits)}
    submits[turns[first]], submits[turns[second]] = submits[turns[second]], submits[turns[first]]
    assert (Promise.REORDERED, wheres[second]) in found(log, submits)
    assert {promise for promise, _ in found(log, submits)} == {Promise.REORDERED}


def test_a_notification_of_which_nothing_came_is_missed(log: Log, submits: list[Submit]) -> None:
    record, receipt = alone(log)
    (where,) = (at(one) for one, told in notifications(log) if told.message_id == receipt.message_id)
    assert found(lost(log, record), submits) == [(Promise.LOST, where)]


def waiting(message_id: str) -> Record:
    """A sending that still stands in its line, behind everything on a changelog."""
    key = b"\x00".join((b"operations", b"waiting", message_id.encode()))
    value = msgspec.msgpack.encode((1, 0, {}))
    return Record(topics.state_of("dispatch"), 0, 100_000, 0, key, value)


def test_what_waits_to_be_sent_is_not_lost(log: Log, submits: list[Submit]) -> None:
    record, receipt = alone(log)
    others = [submit for submit in submits if submit.message_id != receipt.message_id]
    assert found(put(lost(log, record), waiting(receipt.message_id)), others) == []


def test_what_has_its_receipt_and_still_waits_is_found(log: Log, submits: list[Submit]) -> None:
    _, receipt = alone(log)
    (where,) = (at(one) for one, told in notifications(log) if told.message_id == receipt.message_id)
    assert found(put(log, waiting(receipt.message_id)), submits) == [(Promise.REMEMBERED, where)]


def test_a_receipt_that_is_told_twice_is_found(log: Log, submits: list[Submit]) -> None:
    tampered, again = doubled(log, alone(log)[0])
    assert found(tampered, submits) == [(Promise.DUPLICATED, at(again))]


def test_a_receipt_of_what_nobody_notified_of_is_found(log: Log, submits: list[Submit]) -> None:
    record, receipt = alone(log)
    _, again = doubled(log, record)
    stranger = structs.replace(receipt, message_id="demo-stranger", state=SendingState.FAILED, job_id=None)
    told = structs.replace(again, value=encode(stranger))
    assert found(put(log, told), submits) == [(Promise.RIGHT, at(told))]


@pytest.mark.parametrize("state", [SendingState.SENT, SendingState.DELIVERED, SendingState.UNKNOWN])
def test_a_life_that_begins_with_its_end_is_found(log: Log, submits: list[Submit], state: SendingState) -> None:
    record, receipt = alone(log)
    wrong = structs.replace(record, value=encode(structs.replace(receipt, state=state)))
    assert found(put(log, wrong), submits) == [(Promise.RIGHT, at(record))]


def test_what_was_cancelled_and_sent_is_found(log: Log, submits: list[Submit]) -> None:
    record, receipt = alone(log)
    cancelled = structs.replace(receipt, state=SendingState.CANCELLED, job_id=None)
    wrong = structs.replace(record, value=encode(cancelled))
    assert found(put(log, wrong), submits) == [(Promise.SENT, at(record))]


def test_nothing_follows_what_was_cancelled(log: Log, submits: list[Submit]) -> None:
    record, receipt = alone(log)
    tampered, again = doubled(log, record)
    cancelled = structs.replace(receipt, state=SendingState.CANCELLED, job_id=None)
    tampered = put(tampered, structs.replace(record, value=encode(cancelled)))
    assert found(tampered, submits) == [(Promise.RIGHT, at(again))]

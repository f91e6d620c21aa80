"""Whatever faults, deaths and callbacks come, and in whatever order: once each, in order, and in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from schemas.notifications import SendingState
from stages.channels.submission import Submission
from stages.opentext.answers import Accepted, HeldBack, NotTaken, SubmitAnswer, TryAgain
from tests.stages.opentext.desk import Account, Office, configuration, notification, told

S = SendingState
FIRST = {S.ACCEPTED, S.FAILED, S.IN_DOUBT}


class Mood(StrEnum):
    """What becomes of the next submits."""

    TAKEN = "taken"
    LOST = "lost"
    """Taken, and the answer does not arrive."""
    VANISHED = "vanished"
    """Not taken, and no answer arrives either."""
    DOWN = "down"
    HELD = "held"
    WRONG = "wrong"


class Moody(Account):
    """`honest`: a repeated message id is the first job again. Else every submit that is taken sends."""

    def __init__(self, honest: bool) -> None:
        super().__init__()
        self.honest = honest
        self.mood = Mood.TAKEN
        self.sent: Counter[str] = Counter()
        self.order: list[str] = []

    async def submit(self, submission: Submission, message_id: str, trace: str | None = None) -> SubmitAnswer:
        self.calls.append((message_id, submission, trace))
        match self.mood:
            case Mood.TAKEN:
                return Accepted(self._take(message_id))
            case Mood.LOST:
                self._take(message_id)
                return TryAgain("lost", may_have_arrived=True)
            case Mood.VANISHED:
                return TryAgain("vanished", may_have_arrived=True)
            case Mood.DOWN:
                return TryAgain("down")
            case Mood.HELD:
                return HeldBack("held", timedelta(seconds=30))
            case Mood.WRONG:
                return NotTaken("wrong")

    def _take(self, message_id: str) -> str:
        if not (self.honest and message_id in self.jobs):
            self.sent[message_id] += 1
            self.order.append(message_id)
        return self.jobs.setdefault(message_id, f"xsi-{len(self.jobs) + 1}")


class Step(StrEnum):
    ARRIVE = "arrive"
    AGAIN = "again"
    WORK = "work"
    DIE = "die"
    """After the calls, before anything of them is committed."""
    LATER = "later"
    HEAR = "hear"


STEPS = st.lists(
    st.tuples(st.sampled_from(Step), st.sampled_from(Mood), st.sampled_from("gh"), st.integers(0, 400)), max_size=40
)


class Life:
    """`arrived`: the message ids of each group as they came."""

    def __init__(self, office: Office, account: Moody) -> None:
        self.office = office
        self.account = account
        self.arrived: dict[str, list[str]] = {"g": [], "h": []}

    @property
    def everyone(self) -> set[str]:
        return {message_id for ids in self.arrived.values() for message_id in ids}

    async def live(self, steps: list[tuple[Step, Mood, str, int]]) -> None:
        """Then the world is well, for longer than anything may take."""
        for step, self.account.mood, group, number in steps:
            match step:
                case Step.ARRIVE | Step.AGAIN:
                    self._arrive(group, step is Step.AGAIN)
                case Step.WORK:
                    await self.office.work()
                case Step.DIE:
                    await self._die()
                case Step.LATER:
                    await self.office.later(timedelta(seconds=number))
                case Step.HEAR:
                    self._hear(number)
        self.account.mood = Mood.TAKEN
        for _ in range(400):
            await self.office.later(timedelta(minutes=5))

    def _arrive(self, group: str, again: bool) -> None:
        ids = self.arrived[group]
        message_id = ids[0] if again and ids else f"m{len(self.everyone)}"
        if message_id not in ids:
            ids.append(message_id)
        self.office.arrive(notification(message_id, group))

    async def _die(self) -> None:
        for timer in list(self.office.timers.values()):
            if timer.due <= self.office.wall:
                await self.office.call(timer)
        self.office.dies()

    def _hear(self, number: int) -> None:
        jobs = sorted(self.account.jobs.items())
        if jobs:
            message_id, job_id = jobs[number % len(jobs)]
            status = told("InProcess", "Sent", job_id=job_id, message_id=message_id)
            self.office.hear(status.body, message_id)


def lived(account: Moody, repeats: str, steps: list[tuple[Step, Mood, str, int]]) -> Life:
    life = Life(Office(configuration(repeats), account), account)
    asyncio.run(life.live(steps))
    return life


@given(STEPS)
def test_where_repeats_are_safe_each_is_sent_once_in_order_unless_it_is_refused(
    steps: list[tuple[Step, Mood, str, int]],
) -> None:
    account = Moody(honest=True)
    life = lived(account, "safe", steps)

    failed = {receipt.message_id for receipt in life.office.receipts if receipt.state is S.FAILED}
    assert life.everyone - failed <= set(account.order)
    assert all(count == 1 for count in account.sent.values())
    for ids in life.arrived.values():
        sent = [message_id for message_id in account.order if message_id in ids]
        assert sent == [message_id for message_id in ids if message_id in sent]
    assert_each_has_one_fate(life)


@given(STEPS)
def test_where_repeats_are_unsafe_an_account_that_forgets_ids_still_sends_nothing_twice(
    steps: list[tuple[Step, Mood, str, int]],
) -> None:
    account = Moody(honest=False)
    life = lived(account, "unsafe", steps)

    assert all(count == 1 for count in account.sent.values())
    unsaid = {receipt.message_id for receipt in life.office.receipts if receipt.state in (S.FAILED, S.IN_DOUBT)}
    assert life.everyone - unsaid <= set(account.sent)
    assert_each_has_one_fate(life)


def assert_each_has_one_fate(life: Life) -> None:
    """One first receipt for each (a doubt may be answered later), and nothing open once the world is long well."""
    office = life.office
    first = Counter(
        receipt.message_id for receipt in office.receipts if receipt.state in FIRST and not receipt.recipients
    )
    doubted = {receipt.message_id for receipt in office.receipts if receipt.state is S.IN_DOUBT}
    assert set(first) == life.everyone
    assert all(count == 1 or message_id in doubted for message_id, count in first.items())
    assert office.timers == {}
    assert [office.memory.count(family) for family in ("line", "waiting", "followed")] == [0, 0, 0]

"""A short chaos run on the session's Kafka, whose broker nobody may kill; the long one is `make chaos`."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.oracle.judge import judge
from tests.chaos.plan import Disturbance, Plan
from tests.chaos.run import Kafka, finished

PLAN = Plan(
    seed=11,
    seconds=16.0,
    processes=3,
    partitions=6,
    brokers=1,
    rate=25.0,
    settle=60.0,
    disturbances=(Disturbance.ZOMBIE, Disturbance.KILL, Disturbance.OPENTEXT),
)


async def test_nothing_is_lost_doubled_or_out_of_order_where_processes_are_killed_and_stopped_and_opentext_is_gone(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    done: list[str] = []
    async with finished(PLAN, Kafka(kafka_bootstrap), tmp_path, done.append) as outcome:
        verdict = await judge(outcome.evidence)
    log = "\n".join(done)
    assert not outcome.problems, log
    assert verdict.holds, "\n".join((*verdict.lines(), log))
    # it was a run that could have broken something
    for name in ("kill -9 of processes", "zombies", "submits and lookups refused by OpenText"):
        assert outcome.figures[name] > 0, log

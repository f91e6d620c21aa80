"""What is told of a transaction is told when it is on the log: nobody hears of one that never was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.memory import Call, Fate, Script
from pipeline.surroundings import StageSpec
from pipeline.worker import Worker
from schemas import topics
from stages.stage import Outcome
from tests.pipeline.world import Counting, at_work, memory_world, totals, until


@pytest.mark.parametrize("call", [Call.SEND, Call.COMMIT])
async def test_observers_and_counters_hear_of_no_transaction_that_did_not_happen(call: Call) -> None:
    script = Script()
    world = await memory_world(1, script)
    heard: list[Outcome] = []
    around = replace(world.around(), observers=(lambda stage, outcome: heard.append(outcome),))
    worker = Worker(StageSpec("deduplicate", (topics.ENRICHED,), Counting()), around)
    async with at_work(worker):
        # whatever a task writes of its own accord when it starts is over
        await until(lambda: worker.is_still and worker.owned() == 1)
        script.next(call, Fate.UNAVAILABLE)
        script.hold(Call.INIT)
        await world.append(topics.ENRICHED, "a", b"1", b"bad")
        await until(lambda: worker.problems())
        assert heard == []
        assert counted(world.metrics.registry.get_sample_value) == 0
        script.release(Call.INIT)
        await until(lambda: worker.is_still and worker.owned() == 1)
        assert await totals(world) == {"a": [1]}
        assert len(heard) == 1
        assert counted(world.metrics.registry.get_sample_value) == 2


def counted(sample: object) -> float:
    assert callable(sample)
    labels = {"stage": "deduplicate"}
    settled = sample("pipeline_records_total", {**labels, "outcome": "settled", "reason": ""})
    rejected = sample("pipeline_records_total", {**labels, "outcome": "rejected", "reason": "undecodable"})
    return (settled or 0.0) + (rejected or 0.0)

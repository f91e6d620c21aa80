"""Whatever happens to its processes, a chain counts every fact once; and the judge of that sees what he must see."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from pipeline.broker import Producer
from tests.memory.leaping import leap
from tests.memory.simulation import observed
from tests.memory.weather import Watched


@pytest.mark.parametrize("seed", range(1, 151))
def test_nothing_is_lost_or_twice_or_out_of_order_or_fires_falsely(seed: int) -> None:
    complaints, _ = leap(observed(seed))
    assert complaints == []


@pytest.mark.parametrize("seed", [3, 33])
def test_the_same_seed_is_the_same_story(seed: int) -> None:
    _, told = leap(observed(seed))
    _, told_again = leap(observed(seed))
    assert len(told) > 1_000
    assert told == told_again


def test_another_seed_is_another_story() -> None:
    assert leap(observed(1))[1] != leap(observed(2))[1]


class Unfenced(Watched):
    """Every owner has an id of its own, as one id per process would be."""

    _numbers = count()

    async def producer(self, transactional_id: str) -> Producer:
        return await super().producer(f"{transactional_id}-{next(self._numbers)}")


def test_without_fencing_the_judge_complains() -> None:
    assert any(leap(observed(seed, Unfenced))[0] for seed in range(1, 11))


async def in_two_hours() -> float:
    await asyncio.sleep(7_200)
    return asyncio.get_running_loop().time()


def test_two_hours_of_waiting_are_no_waiting() -> None:
    assert leap(in_two_hours()) == 7_200


def test_whoever_waits_for_nothing_is_told_so() -> None:
    with pytest.raises(RuntimeError, match="nothing is left"):
        leap(asyncio.Event().wait())

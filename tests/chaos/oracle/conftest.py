"""One day that went well, for all tests of the oracle: each tampers with a copy."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.oracle.log import Log
from tests.chaos.oracle.world import Played, played


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return asyncio.run(played(tmp_path_factory.mktemp("day")))


@pytest.fixture
def log(day: Played) -> Log:
    return day.log

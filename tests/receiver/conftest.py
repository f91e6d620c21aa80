"""A receiver for whoever does not need one of its own kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.receiver.world import World, receiving


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with receiving() as one:
        yield one

from __future__ import annotations

import pytest

from pipeline.memory import MemoryBroker, Script
from schemas.topics import TopicSpec

SPECS = (TopicSpec("log", 1_000), TopicSpec("out", 1_000), TopicSpec("kept", 1_000, compacted=True))


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def broker(script: Script) -> MemoryBroker:
    """Two partitions; the topics `log`, `out` and the compacted `kept`; obeys `script`."""
    made = MemoryBroker(2, faults=script)
    await made.create_topics(SPECS)
    return made

"""A Kafka of ours leaves no process and no file behind, however we end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.local_kafka import available, start
from tests.pipeline.world import until

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from pipeline.local_kafka import start

async def main():
    kafka = await start(Path(sys.argv[1]))
    print(kafka.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def java() -> None:
    if (reason := available()) is not None:
        pytest.fail(f"the tests need a local Kafka: {reason}; install Java >= 17 and Maven", pytrace=False)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a dead child of a dead parent may be waiting for somebody to collect it
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[-1].split()[0]


async def test_stopping_ends_the_process_and_removes_what_it_kept() -> None:
    kafka = await start()
    pid, folder = kafka.pid, kafka.directory
    assert pid is not None
    assert lives(pid)
    await kafka.stop()
    assert not lives(pid)
    assert not folder.exists()
    await kafka.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
async def test_it_dies_with_a_program_that_is_killed(tmp_path: Path) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(tmp_path), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert program.stdout is not None
    async with asyncio.timeout(60.0):
        pid = int(await program.stdout.readline())
    assert lives(pid)
    program.kill()
    await program.wait()
    await until(lambda: not lives(pid), 10.0)

"""The processes of a run: started, learned of, killed, stopped, continued, ended. On Linux only: where a process
listens is read from `/proc`, since its configuration leaves that to the system."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from pipeline.local_kafka.node import dying_with_us
from tests.chaos.installation import ROOT, Installation

#: What a process says when the world is not there at its start; it is started again, as by any supervisor.
UNAVAILABLE = 3
ENDS_WITHIN = 26.0
_ASK = aiohttp.ClientTimeout(total=1.5)
_LOOK_EVERY = 0.25
_LISTENING = "0A"
_PARKED = re.compile(r"^pipeline_parked_records\{.*\} (\S+)", re.MULTILINE)


@dataclass
class Process:
    """One `run all`. `receiver` and `operators` are addresses, None until they are known."""

    number: int
    popen: subprocess.Popen[bytes]
    log: Path
    receiver: str | None = None
    operators: str | None = None
    is_stopped: bool = False

    @property
    def lives(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self.is_stopped = {signal.SIGSTOP: True, signal.SIGCONT: False}.get(number, self.is_stopped)
        self.popen.send_signal(number)

    def log_end(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]


@dataclass
class Fleet:
    """`processes` are those that shall live. `problems` what none of us did to one, and should not have happened."""

    installation: Installation
    program: str
    problems: list[str] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    exits: list[tuple[int, float]] = field(default_factory=list)
    _started: int = 0

    def start(self) -> Process:
        self._started += 1
        log = self.installation.folder / f"process-{self._started}.log"
        with log.open("wb") as out:
            popen = subprocess.Popen(
                self.installation.command(self.program, "run", "all"),
                env=self.installation.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dying_with_us(),
            )
        self.processes.append(Process(self._started, popen, log))
        return self.processes[-1]

    def receivers(self) -> Sequence[str]:
        return [process.receiver for process in self.processes if process.receiver is not None and process.lives]

    def kill(self, process: Process) -> None:
        """Nobody restarts it."""
        self.processes.remove(process)
        process.popen.kill()
        process.popen.wait()

    async def end(self, process: Process) -> None:
        """SIGTERM; it has to end well, and in time."""
        self.processes.remove(process)
        begin = time.monotonic()
        process.popen.terminate()
        try:
            code = await asyncio.to_thread(process.popen.wait, ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.popen.kill()
            code = process.popen.wait()
            self.problems.append(f"process {process.number} did not end within {ENDS_WITHIN:g} s: {process.log_end()}")
        else:
            if code != 0:
                self.problems.append(f"process {process.number} ended with {code} after SIGTERM: {process.log_end()}")
        self.exits.append((code, time.monotonic() - begin))

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Learns where processes listen, and starts those again that end by themselves. Kills whatever is left."""
        async with aiohttp.ClientSession(timeout=_ASK) as session:
            watching = asyncio.create_task(self._watch(session))
            try:
                yield
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                for process in list(self.processes):
                    self.kill(process)

    async def are_ready(self) -> bool:
        return bool(self.processes) and all(await asyncio.gather(*(self._ready(each) for each in self.processes)))

    async def parked(self) -> float | None:
        """Records that wait for the world; None where somebody does not say."""
        pages = await asyncio.gather(*(self._asked(each, "/metrics") for each in self.processes))
        if any(page is None for page in pages):
            return None
        return sum(float(found) for page in pages if page for found in _PARKED.findall(page))

    async def _ready(self, process: Process) -> bool:
        return process.receiver is not None and await self._asked(process, "/ready") is not None

    async def _asked(self, process: Process, path: str) -> str | None:
        """What it answers with 200."""
        if process.operators is None:
            return None
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with (
                aiohttp.ClientSession(timeout=_ASK) as session,
                session.get(f"{process.operators}{path}") as answer,
            ):
                return await answer.text() if answer.status == 200 else None
        return None

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        while True:
            for process in list(self.processes):
                if not process.lives:
                    self._ended(process)
                elif process.receiver is None and not process.is_stopped:
                    await self._learn(process, session)
            await asyncio.sleep(_LOOK_EVERY)

    def _ended(self, process: Process) -> None:
        if process not in self.processes:
            return
        self.processes.remove(process)
        code = process.popen.wait()
        if code != UNAVAILABLE:
            self.problems.append(f"process {process.number} ended by itself with {code}: {process.log_end()}")
        self.start()

    async def _learn(self, process: Process, session: aiohttp.ClientSession) -> None:
        """It has two ports: the operators' one tells whether it is alive, the other is the receiver's."""
        ports = await asyncio.to_thread(_ports_of, process.popen.pid)
        if len(ports) != 2:
            return
        for port, other in (ports, ports[::-1]):
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with session.get(f"http://127.0.0.1:{port}/live") as answer:
                    if answer.status == 200:
                        process.operators, process.receiver = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}"
                        return


def _ports_of(pid: int) -> list[int]:
    """Of all sockets on which it listens."""
    inodes = set()
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                inodes.add(os.readlink(entry.path))
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if state == _LISTENING and f"socket:[{rest[5]}]" in inodes:
            found.append(int(local.rpartition(":")[2], 16))
    return found

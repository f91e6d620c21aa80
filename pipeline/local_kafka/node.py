"""One Kafka process of ours in a JVM: its folder, its port, and its life.

It dies with us: it is in a session of its own, so that Ctrl-C does not reach it before we have drained, and on Linux
the kernel kills it when the thread that started it ends. What its configuration says beyond `PROPERTIES` is its owner's
business.
"""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.local_kafka.answering import KafkaUnavailable, answering

_LISTENS_WITHIN = 60.0
_STOPS_WITHIN = 10.0
_FORMATS_WITHIN = 60.0
_FLAGS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Dlog4j2.level=WARN")
_PR_SET_PDEATHSIG = 1

#: Of every node: no topic by accident, a group does not wait for more members, and 12 MiB fit.
PROPERTIES = """\
process.roles=broker,controller
node.id={number}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
message.max.bytes=13631488
replica.fetch.max.bytes=13631488
log.cleaner.dedupe.buffer.size=16777216
"""


class Node:
    """One process after the other, on the same port and data. `directory` is its own; `flags` are more of Java's."""

    def __init__(self, jars: Path, directory: Path, port: int, *flags: str) -> None:
        self.directory = directory
        self.port = port
        self._java = [shutil.which("java") or "java", *_FLAGS, *flags, "-cp", f"{jars}/*"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def data(self) -> Path:
        return self.directory / "data"

    async def prepare(self, properties: str, cluster: str, *more: str) -> None:
        """Writes the configuration and formats the data folder. `more`: arguments of the formatting."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(properties)
        arguments = ("format", "-t", cluster, "-c", str(self._configuration), *more, "--ignore-formatted")
        command = [*self._java, "kafka.tools.StorageTool", *arguments]
        await run(command, "the data folder could not be formatted", _FORMATS_WITHIN)

    def kill(self) -> None:
        """SIGKILL, at once: what a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def restart(self, brokers: int = 1) -> None:
        """Stops it where it runs; starts it on the same port and data, and waits until it knows so many brokers."""
        await self.end()
        self._process = self._spawn()
        try:
            await answering("127.0.0.1", self.port, self.is_alive, _LISTENS_WITHIN, brokers)
        except KafkaUnavailable as error:
            self.kill()
            raise KafkaUnavailable(
                f"the local Kafka did not start ({error}); its log ends: {self._log_end()}"
            ) from None

    async def end(self) -> None:
        """In peace, as long as that takes no more than ten seconds."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, _STOPS_WITHIN)
        self.kill()

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def _configuration(self) -> Path:
        return self.directory / "server.properties"

    @property
    def _log(self) -> Path:
        return self.directory / "kafka.log"

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
                preexec_fn=dying_with_us(),
            )

    def _log_end(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return " | ".join(lines[-8:]) or "(empty)"


async def run(command: Sequence[str], failure: str, within: float) -> None:
    """A command to its end. Raises KafkaUnavailable, which begins with `failure`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(within):
            output, _ = await process.communicate()
    except TimeoutError:
        raise KafkaUnavailable(f"{failure} within {within:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = output.decode(errors="replace").strip().splitlines()
        raise KafkaUnavailable(f"{failure}: {' | '.join(lines[-5:])}")


def dying_with_us() -> Callable[[], None] | None:
    """Runs in the child before Java does: the kernel shall kill it when the thread that made it ends (Linux)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

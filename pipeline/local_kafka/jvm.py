"""An Apache Kafka of our own: one broker in a JVM, on this machine, for the demo and for tests.

It listens on 127.0.0.1 only, keeps its data in a folder of its own, and dies with us: it is in a session of its own, so
that Ctrl-C does not reach it before we have drained, and on Linux the kernel kills it when the thread that started it
ends. Not promised: durability beyond one process, replicas, security. Nothing here knows Kafka's client library.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from pipeline.local_kafka.answering import KafkaUnavailable, answering, free_ports

VERSION = "4.3.1"
_POM = Path(__file__).with_name("pom.xml")
_JAVA = 17
_LISTENS_WITHIN = 60.0
_STOPS_WITHIN = 10.0
_JARS_WITHIN = 300.0
_FLAGS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Dlog4j2.level=WARN")
_PR_SET_PDEATHSIG = 1

#: One node is enough for the internal topics, a group does not wait for more members, and 12 MiB fit. After a kill the
#: controller takes the broker back only when its old session is over: that is what a restart waits for.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
message.max.bytes=13631488
replica.fetch.max.bytes=13631488
log.cleaner.dedupe.buffer.size=16777216
"""


def available(cache: Path | None = None) -> str | None:
    """None where `start` can work; else one sentence that says why not."""
    if (java := shutil.which("java")) is None:
        return f"there is no java on the PATH (a JDK or JRE >= {_JAVA} is needed)"
    if (major := _java_major(java)) < _JAVA:
        return f"java is version {major}, Kafka needs {_JAVA} or newer"
    if not _jars(cache).is_dir() and shutil.which("mvn") is None:
        return "there is no mvn on the PATH (Maven brings Kafka's jars, once)"
    return None


async def start(directory: Path | None = None, cache: Path | None = None) -> LocalKafka:
    """Returns when it answers. `directory` keeps its data, configuration and log; without one it is a temporary folder
    that goes with it. `cache` is the user's cache folder, `~/.cache` by default. Raises KafkaUnavailable.

    To be called from a thread that lives longer than the broker shall.
    """
    if (reason := available(cache)) is not None:
        raise KafkaUnavailable(reason)
    kafka = LocalKafka(await _fetch_jars(_jars(cache)), directory)
    try:
        await kafka.prepare()
        await kafka.restart()
    except BaseException:
        await kafka.stop()
        raise
    return kafka


class LocalKafka:
    """One broker process after the other, on the same ports and data. Use `start`."""

    def __init__(self, jars: Path, directory: Path | None) -> None:
        self._is_temporary = directory is None
        self.directory = Path(tempfile.mkdtemp(prefix="kafka-")) if directory is None else directory
        self._java = [shutil.which("java") or "java", *_FLAGS, "-cp", f"{jars}/*"]
        self._port, self._controller = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> LocalKafka:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def prepare(self) -> None:
        """Writes the configuration and formats the data folder."""
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(_PROPERTIES.format(port=self._port, controller=self._controller, data=data))
        # the first byte is fixed: an id that begins with a dash is taken for an option
        cluster = base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        arguments = ("format", "-t", cluster, "-c", str(self._configuration), "--standalone", "--ignore-formatted")
        await _run([*self._java, "kafka.tools.StorageTool", *arguments], "the data folder could not be formatted", 60.0)

    def kill(self) -> None:
        """SIGKILL, at once: what a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def restart(self) -> None:
        """Stops it where it runs; starts it on the same ports and data, and waits until it answers."""
        await self._end()
        self._process = self._spawn()
        try:
            await answering("127.0.0.1", self._port, self._is_alive, _LISTENS_WITHIN)
        except KafkaUnavailable as error:
            self.kill()
            raise KafkaUnavailable(
                f"the local Kafka did not start ({error}); its log ends: {self._log_end()}"
            ) from None

    async def stop(self) -> None:
        """Bounded. A temporary folder goes with it, and then nothing need be written in peace."""
        if self._is_temporary:
            self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            await self._end()

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
                preexec_fn=_dying_with_us(),
            )

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, _STOPS_WITHIN)
        self.kill()

    def _log_end(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return " | ".join(lines[-8:]) or "(empty)"


def _java_major(java: str) -> int:
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def _jars(cache: Path | None) -> Path:
    return (cache or Path.home() / ".cache") / "shopify-opentext-notifications" / f"kafka-{VERSION}"


async def _fetch_jars(jars: Path) -> Path:
    """Brings the jars where they are not there yet; whoever is first puts them in place, whole."""
    with _workshop(jars) as folder:
        if folder is not None:
            goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}")
            maven = [shutil.which("mvn") or "mvn", "-q", "-B", "-f", str(folder / "pom.xml"), *goal]
            await _run(maven, "Maven could not bring Kafka's jars", _JARS_WITHIN)
    return jars


@contextmanager
def _workshop(jars: Path) -> Iterator[Path | None]:
    """A folder with the pom, for Maven to put `jars` into; None where they are there already."""
    if jars.is_dir():
        yield None
        return
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="fetching-") as name:
        folder = Path(name)
        shutil.copy(_POM, folder / "pom.xml")
        yield folder
        if not jars.is_dir():
            (folder / "jars").rename(jars)


async def _run(command: Sequence[str], failure: str, within: float) -> None:
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


def _dying_with_us() -> Callable[[], None] | None:
    """Runs in the child before Java does: the kernel shall kill it when the thread that made it ends (Linux)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

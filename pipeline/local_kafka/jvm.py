"""An Apache Kafka of our own: one broker in a JVM, on this machine, for the demo and for tests.

It listens on 127.0.0.1 only, keeps its data in a folder of its own, and dies with us (`node`). Not promised: durability
beyond one process, replicas (`cluster` has them), security. Nothing here knows Kafka's client library.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pipeline.local_kafka.answering import KafkaUnavailable, free_ports
from pipeline.local_kafka.node import PROPERTIES, Node, run

VERSION = "4.3.1"
_POM = Path(__file__).with_name("pom.xml")
_JAVA = 17
_JARS_WITHIN = 300.0

#: One node is enough for the internal topics. After a kill the controller takes the broker back only when its old
#: session is over: that is what a restart waits for.
_PROPERTIES = """\
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=3000
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
    kafka = LocalKafka(await jars_there(cache), directory)
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
        port, self._controller = free_ports(2)
        self._node = Node(jars, self.directory, port)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._node.port}"

    @property
    def pid(self) -> int | None:
        return self._node.pid

    async def __aenter__(self) -> LocalKafka:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def prepare(self) -> None:
        """Writes the configuration and formats the data folder."""
        node = self._node
        properties = (PROPERTIES + _PROPERTIES).format(
            number=1, port=node.port, controller=self._controller, data=node.data
        )
        await node.prepare(properties, new_cluster(), "--standalone")

    def kill(self) -> None:
        """SIGKILL, at once: what a power cut does."""
        self._node.kill()

    async def restart(self) -> None:
        """Stops it where it runs; starts it on the same ports and data, and waits until it answers."""
        await self._node.restart()

    async def stop(self) -> None:
        """Bounded. A temporary folder goes with it, and then nothing need be written in peace."""
        if self._is_temporary:
            self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            await self._node.end()


def new_cluster() -> str:
    """The first byte is fixed: an id that begins with a dash is taken for an option."""
    return base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def _java_major(java: str) -> int:
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def _jars(cache: Path | None) -> Path:
    return (cache or Path.home() / ".cache") / "shopify-opentext-notifications" / f"kafka-{VERSION}"


async def jars_there(cache: Path | None = None) -> Path:
    """Brings the jars where they are not there yet; whoever is first puts them in place, whole. Raises
    KafkaUnavailable, also where there is no Java to run them."""
    if (reason := available(cache)) is not None:
        raise KafkaUnavailable(reason)
    jars = _jars(cache)
    with _workshop(jars) as folder:
        if folder is not None:
            goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}")
            maven = [shutil.which("mvn") or "mvn", "-q", "-B", "-f", str(folder / "pom.xml"), *goal]
            await run(maven, "Maven could not bring Kafka's jars", _JARS_WITHIN)
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

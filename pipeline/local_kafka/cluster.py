"""A cluster of our own: three brokers, each with a controller, each in a JVM, for the tests that kill one.

Every topic has three replicas of which two have to be in sync, internal ones too, so whichever one is killed, what was
acknowledged is there and the cluster goes on after four seconds. The rest is as for the single one (`jvm`).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from pipeline.local_kafka.answering import free_ports
from pipeline.local_kafka.jvm import jars_there, new_cluster
from pipeline.local_kafka.node import PROPERTIES, Node

BROKERS = 3
#: They live for minutes: the second compiler costs three of them more than it ever brings (measured: a start takes a
#: third less CPU without it, a restart a fourth less time).
_FLAGS = ("-XX:TieredStopAtLevel=1",)

#: Few partitions for the internal topics: each is a log on every broker. A broker that is silent for a session has no
#: leaderships any more.
_PROPERTIES = """\
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=6
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=6
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
broker.session.timeout.ms=4000
num.network.threads=2
num.io.threads=4
"""


async def start_cluster(cache: Path | None = None) -> LocalCluster:
    """Returns when every broker answers. Its data is in a temporary folder that goes with it. Raises KafkaUnavailable.

    To be called from a thread that lives longer than the cluster shall.
    """
    cluster = LocalCluster(await jars_there(cache))
    try:
        await cluster.prepare()
        await cluster.restart_all()
    except BaseException:
        await cluster.stop()
        raise
    return cluster


class LocalCluster:
    """Brokers have the numbers 1 to 3, in Kafka's words too. Use `start_cluster`."""

    def __init__(self, jars: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="kafka-"))
        ports = free_ports(2 * BROKERS)
        self._controllers = ports[BROKERS:]
        self._nodes = {
            number: Node(jars, self.directory / str(number), ports[number - 1], *_FLAGS) for number in self.numbers
        }

    @property
    def numbers(self) -> range:
        return range(1, BROKERS + 1)

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{node.port}" for node in self._nodes.values())

    @property
    def pids(self) -> dict[int, int]:
        """Of the brokers that run."""
        return {number: node.pid for number, node in self._nodes.items() if node.pid is not None}

    async def __aenter__(self) -> LocalCluster:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def prepare(self) -> None:
        """Writes the configurations and formats the data folders."""
        cluster = new_cluster()
        voters = ",".join(f"{number}@127.0.0.1:{self._controllers[number - 1]}" for number in self.numbers)
        for number, node in self._nodes.items():
            controller = self._controllers[number - 1]
            properties = (PROPERTIES + _PROPERTIES).format(
                number=number, port=node.port, controller=controller, voters=voters, data=node.data
            )
            await node.prepare(properties, cluster)

    def kill(self, number: int) -> None:
        """SIGKILL of one broker, at once."""
        self._nodes[number].kill()

    async def restart(self, number: int) -> None:
        """Stops it where it runs; starts it on the same ports and data, and waits until it answers."""
        await self._nodes[number].restart()

    async def restart_all(self) -> None:
        """At once: one alone has no quorum, and does not answer. Afterwards each knows all three."""
        await asyncio.gather(*(node.restart(BROKERS) for node in self._nodes.values()))

    async def stop(self) -> None:
        """At once, as nothing of it is kept."""
        for node in self._nodes.values():
            node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

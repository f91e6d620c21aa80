"""An Apache Kafka of our own in a container, through testcontainers: where there is an engine and no Java.

testcontainers is a dependency of the tests only, so it is imported where it is used. Its `KafkaContainer` does not take
the image `apache/kafka`, hence the plain `DockerContainer`. The container is removed by `stop`, and by testcontainers'
own reaper where we could not.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.local_kafka.answering import KafkaUnavailable, answering, free_ports

IMAGE = "apache/kafka:4.3.1"
_SOCKET = "unix:///var/run/docker.sock"
_ANSWERS_WITHIN = 3
_IMAGE_WITHIN = 180.0
_LISTENS_WITHIN = 60.0


def docker_available() -> str | None:
    """None where an engine answers within three seconds; else one sentence that says why not. Blocks for that long."""
    try:
        import docker
        import testcontainers.core.container  # noqa: F401
    except ImportError:
        return "the Python package testcontainers is not installed"
    address = str(docker.utils.kwargs_from_env().get("base_url", _SOCKET))
    scheme, _, path = address.partition("://")
    # its client leaves a socket open where it cannot connect one
    if scheme.endswith("unix") and not Path(path).exists():
        return f"no Docker engine answers (there is no {path})"
    try:
        docker.from_env(timeout=_ANSWERS_WITHIN).ping()
    except (docker.errors.DockerException, OSError) as error:
        return f"no Docker engine answers ({type(error).__name__})"
    return None


async def start_docker() -> DockerKafka:
    """Returns when it answers. Raises KafkaUnavailable, also where the image does not arrive within a bound."""
    if (reason := await asyncio.to_thread(docker_available)) is not None:
        raise KafkaUnavailable(reason)
    (port,) = free_ports(1)
    kafka = DockerKafka(port)
    try:
        async with asyncio.timeout(_IMAGE_WITHIN):
            await kafka.restart()
    except TimeoutError:
        await kafka.stop()
        raise KafkaUnavailable(f"the image {IMAGE} did not arrive within {_IMAGE_WITHIN:g} s") from None
    except BaseException:
        await kafka.stop()
        raise
    return kafka


class DockerKafka:
    """One container, on one port of this machine, the same inside and outside. Use `start_docker`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._container = _container(port)
        self._host = "127.0.0.1"
        self._is_made = False

    @property
    def bootstrap(self) -> str:
        return f"{self._host}:{self._port}"

    async def __aenter__(self) -> DockerKafka:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    async def restart(self) -> None:
        """Starts it, or starts it again with its data, and waits until it answers."""
        await _aside(self._start)
        await answering(self._host, self._port, lambda: True, _LISTENS_WITHIN)

    async def stop(self) -> None:
        if self._is_made:
            await _aside(self._container.stop)
            self._is_made = False

    def _start(self) -> None:
        import docker

        try:
            if self._is_made:
                self._container.get_wrapped_container().restart(timeout=10)
            else:
                self._container.start()
                self._is_made = True
        except (docker.errors.DockerException, OSError) as error:
            raise KafkaUnavailable(f"the container of {IMAGE} did not start ({error})") from error


async def _aside(work: Callable[[], object]) -> None:
    """In a thread that holds up nobody's end: a pull cannot be cancelled, only left behind."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def run() -> None:
        failure: BaseException | None = None
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, failure)

    threading.Thread(target=run, daemon=True, name="docker").start()
    await done


def _container(port: int) -> Any:
    from testcontainers.core.container import DockerContainer

    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
        "KAFKA_MESSAGE_MAX_BYTES": "13631488",
        "KAFKA_HEAP_OPTS": "-Xms128m -Xmx512m",
    }
    container = DockerContainer(IMAGE)
    # with_bind_ports knows no address and would listen to everybody
    ports: dict[str, Any] = {f"{port}/tcp": ("127.0.0.1", port)}
    container.ports.update(ports)
    for name, value in settings.items():
        container = container.with_env(name, value)
    return container

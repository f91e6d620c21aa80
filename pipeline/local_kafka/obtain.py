"""A Kafka by whatever way there is, in the design's order: the one that was given, a JVM, a container."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.local_kafka import docker, jvm
from pipeline.local_kafka.answering import KafkaUnavailable

REMEDIES = (
    "set KAFKA_BOOTSTRAP_SERVERS to a Kafka's HOST:PORT, or install Java >= 17 and Maven, or start a Docker engine"
    " (with the Python package testcontainers)"
)


@dataclass(frozen=True)
class Obtained:
    """`why` is one line for a person. Who was given a Kafka owns nothing of it but what is under its own prefix."""

    bootstrap: str
    why: str
    owned: bool
    _end: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)

    async def stop(self) -> None:
        """Ends a Kafka that is ours; leaves one that was given."""
        if self._end is not None:
            await self._end()


async def obtain(kind: str = "auto", given: str | None = None, cache: Path | None = None) -> Obtained:
    """`kind` is `auto`, `local`, `docker` or `HOST:PORT`; `given` what KAFKA_BOOTSTRAP_SERVERS says, for `auto`.

    A given Kafka is taken at its word: whether it answers is told by `KafkaBroker.start`. Raises KafkaUnavailable,
    which for `auto` names the remedies. To be called from a thread that lives longer than the Kafka shall.
    """
    match kind:
        case "local":
            return await _local(cache, "as was asked for")
        case "docker":
            return await _docker("as was asked for")
        case "auto":
            return await _first(given, cache)
        case _:
            return Obtained(kind, f"the Kafka at {kind}, as was asked for", owned=False)


async def _first(given: str | None, cache: Path | None) -> Obtained:
    if given:
        return Obtained(given, f"the Kafka at {given}, named by KAFKA_BOOTSTRAP_SERVERS", owned=False)
    try:
        return await _local(cache, "since KAFKA_BOOTSTRAP_SERVERS is not set")
    except KafkaUnavailable as error:
        no_local = str(error)
    try:
        return await _docker(f"since {no_local}")
    except KafkaUnavailable as error:
        raise KafkaUnavailable(f"no Kafka can be had: {no_local}; {error}. Remedies: {REMEDIES}") from None


async def _local(cache: Path | None, why: str) -> Obtained:
    kafka = await jvm.start(cache=cache)
    return Obtained(
        kafka.bootstrap, f"Kafka {jvm.VERSION} in a local JVM at {kafka.bootstrap}, {why}", True, kafka.stop
    )


async def _docker(why: str) -> Obtained:
    kafka = await docker.start_docker()
    return Obtained(
        kafka.bootstrap, f"{docker.IMAGE} in Docker at {kafka.bootstrap}, {why}", owned=True, _end=kafka.stop
    )

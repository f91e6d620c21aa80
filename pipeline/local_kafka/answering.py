"""Whether a Kafka of ours is there yet, asked without a client library; and the ports it may have."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable


class KafkaUnavailable(Exception):
    """No Kafka can be had this way. `str()` says why, in a line for a person."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now. Nobody keeps them for us: a rare collision shows as a failed start."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


async def answering(host: str, port: int, is_alive: Callable[[], bool], within: float, brokers: int = 1) -> None:
    """Waits until the broker knows so many live brokers, itself among them. Raises KafkaUnavailable."""
    deadline = asyncio.get_running_loop().time() + within
    while await _known_brokers(host, port) < brokers:
        if not is_alive():
            raise KafkaUnavailable("its process ended")
        if asyncio.get_running_loop().time() > deadline:
            raise KafkaUnavailable(f"it did not answer within {within:g} s")
        await asyncio.sleep(0.05)


async def _known_brokers(host: str, port: int) -> int:
    """Asks for the metadata of no topic (Kafka's protocol guide: api 3, version 4), and counts its brokers."""
    header = struct.pack(">hhih", 3, 4, 1, -1)
    body = struct.pack(">ib", 0, 0)
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(struct.pack(">i", len(header + body)) + header + body)
                answer = await reader.readexactly(16)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return 0
    return int(struct.unpack_from(">i", answer, 12)[0])

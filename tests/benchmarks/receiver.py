"""Webhooks per CPU second: a real socket, the memory broker, an order of 14 KB. By hand, on this machine only:

    python -m tests.benchmarks.receiver [SECONDS]

Sender and receiver are two processes; what is printed is the receiver's own CPU time.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from pipeline.clock import WallClock
from pipeline.logs import silent
from pipeline.memory import MemoryBroker
from pipeline.metrics import Metrics
from pipeline.receiver import Credentials, Intake, Receiver, ShopCredentials, serving
from pipeline.simulators.samples import bodies
from pipeline.simulators.shopify import Delivery
from schemas import topics

SHOP, SECRET = "demo.myshopify.com", "hush"
BODY_BYTES = 14_000
CONNECTIONS = 16
PARTITIONS = 12


async def receive(pipe: Connection) -> None:
    """Sends its port, waits for the word that it is over, and sends the CPU seconds that went by in between."""
    broker = MemoryBroker(PARTITIONS, WallClock())
    await broker.create_topics(topics.catalogue())
    intake = Intake(await broker.appender(), PARTITIONS, WallClock(), Metrics(), silent())
    receiver = Receiver(intake, Credentials({SHOP: ShopCredentials((SECRET.encode(), b"before"))}), "benchmark")
    async with serving(receiver, ("127.0.0.1", 0)) as port:
        before = time.process_time()
        pipe.send(port)
        await asyncio.to_thread(pipe.recv)
        pipe.send(time.process_time() - before)


def serve(pipe: Connection) -> None:
    asyncio.run(receive(pipe))


def requests() -> Iterator[bytes]:
    order = bodies()["orders_create__1"]
    body = order.rstrip()[:-1] + b',"x":"' + b"x" * max(0, BODY_BYTES - len(order)) + b'"}'
    for number in itertools.count():
        delivery = Delivery("orders/create", body, SHOP, f"w-{number}", datetime.now(UTC))
        lines = [f"{name}: {value}" for name, value in delivery.headers(SECRET).items()]
        head = ["POST /webhooks/shopify HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *lines, "", ""]
        yield "\r\n".join(head).encode() + body


async def post(port: int, waiting: Iterator[bytes], until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = 0
    while time.monotonic() < until:
        writer.write(next(waiting))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        taken += 1
    writer.close()
    return taken


async def send(port: int, seconds: float) -> int:
    waiting, until = requests(), time.monotonic() + seconds
    return sum(await asyncio.gather(*(post(port, waiting, until) for _ in range(CONNECTIONS))))


def main(seconds: float) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    taken = asyncio.run(send(ours.recv(), seconds))
    ours.send("over")
    cpu = ours.recv()
    process.join(10)
    sys.stdout.write(f"{taken} webhooks in {seconds:g} s, {cpu:.2f} CPU s: {taken / cpu:.0f} per CPU second\n")


if __name__ == "__main__":
    main(min(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0, 10.0))  # the log is in memory: bounded

"""From the webhook's first byte to OpenText's request, in an idle system on one Kafka node. By hand, loopback only:

    python -m tests.benchmarks.webhook_to_opentext [how many] [HOST:PORT of a Kafka; a local JVM otherwise]

The pipeline is a process of its own (`pipeline run all`), OpenText and Shopify are the standard library's.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles

from pipeline.local_kafka import Obtained, obtain
from tests.system.outside import Outside, Running, eventually

_PAUSE = 0.2


def measured(outside: Outside, running: Running, count: int) -> list[float]:
    """Milliseconds of each. One is sent when the one before has arrived and everything stands still again."""
    found: list[float] = []
    for number in range(count):
        name = f"job-{number}"
        began = time.monotonic()
        assert running.job(name, "fail", "measured") == 200
        _arrives(outside, name)
        found.append((outside.opentext.taken[-1].at - began) * 1000)
        threading.Event().wait(_PAUSE)
    return found


def risky(outside: Outside, running: Running, numbers: range) -> list[float]:
    """The same for webhooks: the whole chain, enrich and deduplicate included."""
    found: list[float] = []
    for number in numbers:
        order = 9_100_000_000_000 + number
        body = {"order_id": order, "risk_level": "high", "provider_id": None, "created_at": "2026-01-01T00:00:00Z"}
        began = time.monotonic()
        assert running.webhook("orders/risk_assessment_changed", body) == 200
        _arrives(outside, str(order))
        found.append((outside.opentext.taken[-1].at - began) * 1000)
        threading.Event().wait(_PAUSE)
    return found


def _arrives(outside: Outside, word: str) -> None:
    taken = outside.opentext.taken
    eventually(lambda: bool(taken) and word in taken[-1].text, f"{word} arrives")


def says(what: str, found: list[float]) -> str:
    cuts = quantiles(found, n=100, method="inclusive")
    shown = {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(found)}
    return f"{what}, {len(found)} times: " + ", ".join(f"{name} {value:.0f} ms" for name, value in shown.items())


def main(count: int, kafka: str) -> None:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    obtained: Obtained = asyncio.run_coroutine_threadsafe(obtain(kafka), loop).result()
    try:
        outside = Outside(obtained.bootstrap, Path(tempfile.mkdtemp()))
        outside.configure()
        outside.apply_topics()
        with outside.running() as running:
            risky(outside, running, range(5))
            print(says("webhook to OpenText", risky(outside, running, range(5, 5 + count))))  # noqa: T201 - its output
            print(says("job report to OpenText", measured(outside, running, count)))  # noqa: T201 - its output
        outside.opentext.close()
    finally:
        asyncio.run_coroutine_threadsafe(obtained.stop(), loop).result()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, sys.argv[2] if len(sys.argv) > 2 else "local")

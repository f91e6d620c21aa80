"""SIGTERM and SIGINT to the real command: it ends in time whatever hangs around it, and nothing is lost or doubled.

What counts is what OpenText took once a later process has finished the rest. Most of the cost is the starting of
processes, so what may happen at the same time does.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.local_kafka import DockerKafka, LocalKafka
from tests.system.outside import PARTITIONS, FakeOpenText, Outside, Running, eventually, quiet

Kafka = LocalKafka | DockerKafka

#: Seconds. The hard stop is at 25; a second signal waits for nothing.
DEADLINE, AT_ONCE = 26.0, 1.0
ORDERS = 150
FIRST = 8_300_000_000_000
STAGES = 5


@pytest.fixture
def installed(own_kafka: Kafka, tmp_path: Path) -> Iterator[Callable[[], Outside]]:
    """Makes installations, each with topics, ports and an OpenText of its own."""
    made: list[Outside] = []

    def install() -> Outside:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        outside = Outside(own_kafka.bootstrap, folder)
        outside.configure()
        outside.apply_topics()
        made.append(outside)
        return outside

    yield install
    for outside in made:
        outside.opentext.close()


@contextmanager
def frozen(kafka: Kafka) -> Iterator[None]:
    """It hangs: connections stand, and nothing is answered."""
    if isinstance(kafka, DockerKafka):
        container = kafka._container.get_wrapped_container()
        container.pause()
        thaw = container.unpause
    else:
        pid = kafka.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

        def thaw() -> None:
            os.kill(pid, signal.SIGCONT)

    try:
        yield
    finally:
        thaw()


class Silent:
    """An HTTP server that takes every request and answers none. `asked`: the paths, as they came."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked.append(self.path)
                outer._over.wait()
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Tests look at `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


def ended(process: subprocess.Popen[bytes], number: signal.Signals) -> tuple[int, float]:
    """Its exit code, and the seconds from this signal to its end."""
    began = time.monotonic()
    process.send_signal(number)
    return process.wait(timeout=2 * DEADLINE), time.monotonic() - began


def order(running: Running, number: int) -> bool:
    """A risky one, which is told to one team. True where it was accepted."""
    body = {
        "order_id": str(number),
        "admin_graphql_api_order_id": f"gid://shopify/Order/{number}",
        "risk_level": "high",
        "provider_id": None,
        "provider_title": None,
        "created_at": datetime.now(UTC).isoformat(),
    }
    try:
        return running.webhook("orders/risk_assessment_changed", body) == 200
    except OSError:
        return False


def told(opentext: FakeOpenText) -> Counter[int]:
    """In how many notifications each order stands."""
    found = (set(re.findall(r"\b83\d{11}\b", one.text)) for one in opentext.taken)
    return Counter(int(number) for numbers in found for number in numbers)


def is_listening(running: Running) -> bool:
    """Connects and asks nothing: what comes while the port is being closed would not be answered."""
    try:
        socket.create_connection(("127.0.0.1", running.metrics_port), timeout=1).close()
    except OSError:
        return False
    return True


def says(running: Running, words: str) -> int:
    return running.log.read_text(errors="replace").count(words)


def test_under_load_and_while_restoring_it_ends_in_order_and_the_next_process_finishes_the_rest(
    installed: Callable[[], Outside],
) -> None:
    outside = installed()
    outside.opentext.thinks = 0.5
    accepted: list[int] = []
    with outside.running() as first, ThreadPoolExecutor(8) as senders:

        def send(number: int) -> None:
            if order(first, number):
                accepted.append(number)

        sending = [senders.submit(send, number) for number in range(FIRST, FIRST + ORDERS)]
        eventually(lambda: len(accepted) >= ORDERS // 3 and outside.opentext.taken, "it is in the middle of it")
        code, seconds = ended(first.process, signal.SIGTERM)
        for one in sending:
            one.result()
    assert (code, seconds < DEADLINE) == (0, True), (code, seconds, first.log_end())
    with outside.starting() as restoring:
        eventually(lambda: says(restoring, "partitions assigned"), "it has partitions")
        code, seconds = ended(restoring.process, signal.SIGTERM)
        assert (code, seconds < DEADLINE) == (0, True), (code, seconds, restoring.log_end())
        assert says(restoring, "task restored") < STAGES * PARTITIONS, "it was too late"
    with outside.running():
        eventually(lambda: set(told(outside.opentext)) >= set(accepted), "all of them arrive")
        quiet(lambda: len(outside.opentext.taken))
    assert set(told(outside.opentext).values()) == {1}
    assert len({one.message_id for one in outside.opentext.taken}) == len(outside.opentext.taken)


def test_calls_under_way_end_first_and_a_second_signal_waits_for_nothing(installed: Callable[[], Outside]) -> None:
    outside, silent = installed(), Silent()
    file = outside.folder / "pipeline.yaml"
    normal = file.read_text()
    admin = f"    admin: {{url: {silent.address}/graphql, token: {{env: PIPELINE_JOB_TOKEN}}}}\nteams:"
    hanging = normal.replace(outside.opentext.base_url, f"{silent.address}/mra/v1").replace("teams:", admin, 1)
    file.write_text(f"{hanging}shopify: {{timeout: 4s}}\n".replace("  prefix: test", "  prefix: test\n  timeout: 4s"))
    emails, graphql = "/mra/v1/outbound/emails", "/graphql"
    with outside.running() as hasty:
        assert hasty.job("export", "fail", "no answer") == 200
        assert order(hasty, FIRST)
        eventually(lambda: {emails, graphql} <= set(silent.asked), "both are being asked")
        hasty.process.send_signal(signal.SIGTERM)
        eventually(lambda: not is_listening(hasty), "it is stopping")
        code, seconds = ended(hasty.process, signal.SIGTERM)
        assert (code, seconds < AT_ONCE) == (1, True), (code, seconds, hasty.log_end())
    silent.asked.clear()
    with outside.running() as patient:
        eventually(lambda: emails in silent.asked, "it is being asked again")
        code, seconds = ended(patient.process, signal.SIGINT)
        assert (code, seconds < DEADLINE) == (0, True), (code, seconds, patient.log_end())
    silent.close()
    file.write_text(normal)
    with outside.running():
        eventually(lambda: told(outside.opentext)[FIRST], "the order arrives")
        eventually(lambda: any("export" in one.text for one in outside.opentext.taken), "the job arrives")
        quiet(lambda: len(outside.opentext.taken))
    assert sorted("export" in one.text for one in outside.opentext.taken) == [False, True]


def test_a_broker_that_hangs_or_is_gone_keeps_no_process_longer_than_its_deadline(
    own_kafka: Kafka, keep: Callable[[Coroutine[Any, Any, None]], None], installed: Callable[[], Outside]
) -> None:
    """One with all running, one that has just begun; then one whose broker has come back, and is gone."""
    running, starting, lasting = (installed() for _ in range(3))
    with ExitStack() as stack, ThreadPoolExecutor() as together:
        ready = [stack.enter_context(outside.running()) for outside in (running, lasting)]
        assert order(ready[0], FIRST)
        with frozen(own_kafka):
            begun = stack.enter_context(starting.starting())
            eventually(lambda: catches_sigterm(begun.process), "it has begun")
            sent = [(ready[0], signal.SIGTERM), (begun, signal.SIGINT)]
            ends = list(together.map(lambda one: ended(one[0].process, one[1]), sent))
        for (code, seconds), (process, _) in zip(ends, sent, strict=True):
            assert seconds < DEADLINE, (code, process.log_end())
        assert ends[0][0] == 0, ("each step within its own bound", ready[0].log_end())
        eventually(lambda: order(ready[1], FIRST + 1), "the one that was let alone takes deliveries again", 60)
        own_kafka.kill()
        code, seconds = ended(ready[1].process, signal.SIGTERM)
        keep(own_kafka.restart())
        assert (code, seconds < DEADLINE) == (0, True), (code, seconds, ready[1].log_end())
    with running.running(), lasting.running():
        eventually(lambda: told(running.opentext) == {FIRST: 1}, "the first order arrives", 60)
        eventually(lambda: told(lasting.opentext) == {FIRST + 1: 1}, "the second one arrives", 60)


def catches_sigterm(process: subprocess.Popen[bytes]) -> bool:
    """Its handler is there: the event loop runs."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
    assert caught is not None
    return bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)

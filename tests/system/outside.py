"""The world around a running pipeline, made of the standard library only: nothing of ours judges what we do.

An OpenText that takes and remembers, a Shopify that signs and sends, and the pipeline as a process of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

T = TypeVar("T")

SHOP = "example-store.myshopify.com"
SECRET = "shop-client-secret"
JOB_TOKEN = "job-token"
ACCOUNT = ("account", "account-password")
PATIENCE = 30.0
#: Few: a Kafka that was killed looks through each of them before it answers again.
PARTITIONS = 2


@dataclass(frozen=True)
class Received:
    """One submit, as it came over the wire. `at` is monotonic seconds."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float

    @property
    def message_id(self) -> str:
        return str(self.body["options"]["message_id"])

    @property
    def subject(self) -> str:
        return str(self.body["options"]["email_options"]["subject"])

    @property
    def text(self) -> str:
        return "".join(base64.b64decode(part["data"]).decode(part["charset"]) for part in self.body["body"])

    @property
    def addresses(self) -> list[str]:
        return [to.get("email") or to["sms"] for to in self.body["destinations"]]


class FakeOpenText:
    """`status` is what submits are answered with; what was answered 200 is in `taken`, all attempts in `received`.

    `thinks`: seconds from the taking to the answer.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.taken: list[Received] = []
        self.status = 200
        self.thinks = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/mra/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, received: Received) -> tuple[int, dict[str, Any]]:
        self.received.append(received)
        if self.status != 200:
            return self.status, {"message": "not now"}
        self.taken.append(received)
        return 200, {"job_id": f"xsi-{len(self.taken)}"}

    def job(self, path: str, job_id: str) -> dict[str, Any]:
        number = int(job_id.removeprefix("xsi-")) - 1
        kind = "sms" if "/sms" in path else "email"
        deliveries = [
            {
                "ref_base64": base64.b64encode(to["ref"].encode()).decode(),
                kind: to[kind],
                "delivery_attempts": [{"state": "Sent", "gamma_code": 0}],
            }
            for to in self.taken[number].body["destinations"]
        ]
        return {"job_id": job_id, "job_state": ["Complete", "Posted"], "deliveries": deliveries}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                expected = "Basic " + base64.b64encode(":".join(ACCOUNT).encode()).decode()
                if self.headers["Authorization"] != expected:
                    self._answer(401, {"fault": {"faultstring": "Invalid credentials"}})
                    return
                answer = outer.take(Received(self.path, dict(self.headers), body, time.monotonic()))
                threading.Event().wait(outer.thinks)
                self._answer(*answer)

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                self._answer(200, outer.job(asked.path, parse_qs(asked.query)["job_id"][0]))

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: object) -> None:
                """Tests look at `received`."""

        return Handler


@dataclass
class Running:
    """`pipeline run all`, its receiver and its operators' port."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    log: Path

    def webhook(self, topic: str, body: object, delivery_id: str | None = None, secret: str = SECRET) -> int:
        """Sends one signed delivery; its status."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": SHOP,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": delivery_id or str(uuid.uuid4()),
            "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
            "X-Shopify-Hmac-SHA256": base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode(),
        }
        return self._post("/webhooks/shopify", raw, headers)

    def job(self, name: str, phase: str, message: str = "") -> int:
        headers = {"Authorization": f"Bearer {JOB_TOKEN}", "Content-Type": "application/json"}
        return self._post(f"/jobs/{SHOP}/{name}/{phase}", json.dumps({"message": message}).encode(), headers)

    def _post(self, path: str, raw: bytes, headers: dict[str, str]) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", raw, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the pipeline ended with {self.process.returncode}: {self.log_end()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def log_end(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@dataclass
class Outside:
    """One installation on a Kafka: its configuration, its OpenText, and processes of it."""

    bootstrap: str
    folder: Path
    opentext: FakeOpenText = field(default_factory=FakeOpenText)
    prefix: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")

    def configure(self, more: str = "") -> None:
        self._ports = _free_ports(2)
        text = f"""
shops:
  - domain: {SHOP}
    secrets: [{{env: SHOPIFY_CLIENT_SECRET}}]
    job_token: {{env: PIPELINE_JOB_TOKEN}}
teams:
  - name: operations
    people: [{{name: desk, email: operations@example.com}}]
  - name: finance
    people: [{{name: desk, email: finance@example.com, phone: "+12025550101"}}]
    channels: {{info: [email], critical: [email, sms]}}
  - name: it-support
    people: [{{name: one, email: one@example.com}}, {{name: two, email: two@example.com}}]
routes:
  teams: [operations]
  routes:
    - {{use_cases: [4, 5, 6], teams: [finance]}}
    - {{use_cases: [7], teams: [it-support]}}
opentext:
  base_url: {self.opentext.base_url}
  basic: {{user: {ACCOUNT[0]}, password: {{env: OPENTEXT_PASSWORD}}}}
  prefix: test
  rate_per_second: 100
  retry_longest: 2s
kafka: {{bootstrap: "{self.bootstrap}", prefix: {self.prefix}, partitions: {PARTITIONS}}}
listen: {{host: 127.0.0.1, port: {self._ports[0]}, metrics_port: {self._ports[1]}}}
{more}"""
        (self.folder / "pipeline.yaml").write_text(text)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pipeline", *arguments, "--config", str(self.folder / "pipeline.yaml")]

    @property
    def environment(self) -> dict[str, str]:
        # pytest is the main of the tests: here their environment becomes a value
        own = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}  # noqa: TID251
        return own | {
            "SHOPIFY_CLIENT_SECRET": SECRET,
            "PIPELINE_JOB_TOKEN": JOB_TOKEN,
            "OPENTEXT_PASSWORD": ACCOUNT[1],
        }

    def apply_topics(self) -> None:
        done = subprocess.run(
            self.command("topics", "apply"),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def running(self, *roles: str) -> Iterator[Running]:
        """Ready when it is yielded; killed at the end where it still runs."""
        with self.starting(*roles) as running:
            eventually(running.is_ready, "the pipeline is ready")
            yield running

    @contextmanager
    def starting(self, *roles: str) -> Iterator[Running]:
        """As `running`, as soon as there is a process."""
        log = self.folder / f"{uuid.uuid4().hex[:6]}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self.command("run", *(roles or ("all",))), env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        running = Running(process, self._ports[0], self._ports[1], log)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


def eventually(ask: Callable[[], T], what: str, within: float = PATIENCE) -> T:
    """The first true answer. Fails with what did not come true."""
    deadline = time.monotonic() + within
    while True:
        if answer := ask():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        threading.Event().wait(0.01)


def quiet(ask: Callable[[], int], seconds: float = 1.5) -> int:
    """What is counted once it has not changed for a while: for what must not come."""
    last, since = ask(), time.monotonic()
    while time.monotonic() - since < seconds:
        if (now := ask()) != last:
            last, since = now, time.monotonic()
        threading.Event().wait(0.05)
    return last


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()

"""`pipeline demo` as somebody meets it who has never seen the project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.system.outside import eventually

FIELDS = {"use_case", "rule", "alert_id", "subject", "team", "channel", "message_id", "delay_ms"}
SECONDS = 120


def started(*arguments: str) -> subprocess.Popen[str]:
    # pytest is the main of the tests: here their environment becomes a value
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}  # noqa: TID251
    command = [sys.executable, "-m", "pipeline", "demo", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def played(*arguments: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The notifications and the summary of a whole day."""
    demo = started("--json", "--seed", "7", *arguments)
    output, errors = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 0, errors
    *sent, last = (json.loads(line) for line in output.splitlines())
    return sent, last["summary"]


def told(sent: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """Who was told what, without the ids and times that every day has anew."""
    return Counter(tuple(str(one[name]) for name in ("use_case", "rule", "team", "channel", "state")) for one in sent)


@pytest.fixture(scope="module")
def in_memory() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return played("--kafka", "memory")


def test_every_use_case_is_told_of_with_all_that_a_machine_wants_to_know(
    in_memory: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    sent, summary = in_memory
    assert {one["use_case"] for one in sent} == {1, 2, 3, 4, 5, 6, 7}
    assert all(set(one) >= FIELDS for one in sent)
    assert len({one["message_id"] for one in sent}) == summary["notifications"]
    assert len({(one["message_id"], one["alert_id"]) for one in sent}) == len(sent), "a digest has several lines"


def test_a_real_kafka_notifies_the_same_as_the_broker_in_memory(
    in_memory: tuple[list[dict[str, Any]], dict[str, Any]], kafka_bootstrap: str
) -> None:
    sent, summary = played("--kafka", kafka_bootstrap)
    assert told(sent) == told(in_memory[0])
    assert kafka_bootstrap in summary["broker"]


def test_the_demo_for_people_ends_with_a_line_for_each_use_case() -> None:
    demo = started("--kafka", "memory", "--seed", "7")
    output, errors = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 0, errors
    assert errors == ""
    for name in ("orders that need intervention", "shipments", "low inventory", "approvals", "returns and refunds"):
        assert name in output


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_reader_who_has_seen_enough_ends_it_in_silence(form: tuple[str, ...]) -> None:
    demo = started("--kafka", "memory", *form)
    assert demo.stdout is not None
    assert demo.stderr is not None
    with demo.stdout:
        assert all(demo.stdout.readline() for _ in range(8))
    with demo.stderr:
        assert demo.stderr.read() == ""
    assert demo.wait(timeout=20) == 0


def test_ctrl_c_in_the_middle_of_the_day_leaves_no_process_behind(kafka_bootstrap: str) -> None:
    demo = started("--kafka", "local", "--speed", "600")
    assert demo.stdout is not None
    assert "local JVM" in demo.stdout.readline()
    children = eventually(lambda: _children(demo.pid), "its broker runs")
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=30)
    assert demo.returncode == 0
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "its broker is gone", 5)


def test_a_kafka_that_is_not_there_is_said_in_one_line() -> None:
    demo = started("--kafka", "127.0.0.1:1")
    _, errors = demo.communicate(timeout=SECONDS)
    assert demo.returncode != 0
    reason = "KafkaConnectionError (Unable to bootstrap from [('127.0.0.1', 1)])"
    assert errors == f"pipeline: Kafka: the Kafka at 127.0.0.1:1: {reason}\n"


def _children(pid: int) -> list[str]:
    found = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [child for children in found for child in children]

"""What operators see: the names that dashboards stand on, what is counted, and whether the process is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from pipeline.clock import VirtualClock
from pipeline.health import Health, application
from pipeline.metrics import Metrics
from pipeline.observing import Observing
from schemas import topics
from schemas.alerts import Alert, AlertState, Severity, Untold
from schemas.notifications import Channel, Notification, Receipt, SendingState
from schemas.reasons import DropReason
from schemas.records import Outgoing
from stages.stage import Drop, Emit
from tests.pipeline.world import START, Asking, Counting, memory_world, totals, until

#: DESIGN section 7: public names with their labels.
PUBLIC: Mapping[str, tuple[str, ...]] = {
    "pipeline_webhooks": ("domain", "outcome"),
    "pipeline_webhook_seconds": (),
    "pipeline_records": ("stage", "outcome", "reason"),
    "pipeline_transaction_seconds": ("stage",),
    "pipeline_lag_records": ("stage", "partition"),
    "pipeline_lag_seconds": ("stage", "partition"),
    "pipeline_event_to_notification_seconds": ("use_case",),
    "pipeline_alerts": ("rule", "severity", "state"),
    "pipeline_conditions_untold": ("rule", "why"),
    "pipeline_notifications": ("channel", "outcome"),
    "pipeline_sendings": ("channel", "state"),
    "pipeline_parked_records": ("stage",),
    "pipeline_dead_letters": ("stage", "reason"),
    "pipeline_state_keys": ("stage",),
    "pipeline_restore_seconds": ("stage",),
    "pipeline_rebalances": ("stage",),
    "pipeline_breaker_open": ("target",),
    "pipeline_config_info": ("hash",),
    "pipeline_config_reload_success": (),
}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_names_and_labels_are_those_that_the_design_made_public() -> None:
    collectors = {c._name: tuple(c._labelnames) for c in vars(Metrics()).values() if hasattr(c, "_labelnames")}
    assert {name: collectors.get(name) for name in PUBLIC} == PUBLIC


def receipt(state: SendingState, **fields: object) -> Receipt:
    received = START - timedelta(seconds=2)
    whole: dict[str, object] = {"received": received, "use_cases": (1, 3)} | fields
    return Receipt("id", "team", Channel.SMS, "group", state, START, ("alert",), **whole)  # type: ignore[arg-type]


def observing() -> tuple[Metrics, Observing]:
    metrics = Metrics()
    return metrics, Observing(metrics, VirtualClock(START))


def test_the_way_from_event_to_notification_is_measured_when_opentext_has_it_and_not_again() -> None:
    metrics, observe = observing()
    for state in (SendingState.ACCEPTED, SendingState.SENT, SendingState.DELIVERED, SendingState.FAILED):
        observe("dispatch", Emit(topics.RECEIPTS, "team", receipt(state), "receipt"))
    for use_case in ("1", "3"):
        name = "pipeline_event_to_notification_seconds"
        assert value(metrics, f"{name}_count", use_case=use_case) == 1
        assert value(metrics, f"{name}_sum", use_case=use_case) == 2
    assert value(metrics, "pipeline_sendings_total", channel="sms", state="delivered") == 1


def test_clocks_that_disagree_measure_no_negative_way_and_an_unknown_beginning_none() -> None:
    metrics, observe = observing()
    ahead = receipt(SendingState.ACCEPTED, received=START + timedelta(seconds=9), use_cases=(1,))
    unknown = receipt(SendingState.ACCEPTED, received=None, use_cases=(2,))
    for one in (ahead, unknown):
        observe("dispatch", Emit(topics.RECEIPTS, "team", one, "receipt"))
    assert value(metrics, "pipeline_event_to_notification_seconds_sum", use_case="1") == 0
    assert value(metrics, "pipeline_event_to_notification_seconds_count", use_case="2") is None


ALERT = Alert(
    id="a", rule="low-stock", use_case=3, shop="s", subject="s/x", team="t", state=AlertState.FIRING,
    severity=Severity.WARNING, title="x", since=START, at=START, received=START, bundle="b", opened_by="d",
    revision=1,
)  # fmt: skip


def test_alerts_and_notifications_are_counted_when_they_are_emitted() -> None:
    metrics, observe = observing()
    notification = Notification("m", "t", Channel.EMAIL, "g", (ALERT,), START, START)
    observe("classify", Emit(topics.ALERTS, "t", ALERT, "alert"))
    observe("group", Emit(topics.NOTIFICATIONS, "t", notification, "notification"))
    observe("group", Drop(DropReason.TEST))
    assert value(metrics, "pipeline_alerts_total", rule="low-stock", severity="warning", state="firing") == 1
    assert value(metrics, "pipeline_notifications_total", channel="email", outcome="made") == 1


def test_alerts_whose_condition_could_not_be_told_are_counted_by_rule_and_reason() -> None:
    metrics, observe = observing()
    observe("classify", Emit(topics.ALERTS, "t", ALERT, "alert"))
    observe("classify", Emit(topics.ALERTS, "t", msgspec.structs.replace(ALERT, untold=Untold.FAILED), "alert"))
    assert value(metrics, "pipeline_conditions_untold_total", rule="low-stock", why="failed") == 1
    assert value(metrics, "pipeline_conditions_untold_total", rule="low-stock", why="unknown") is None


async def test_the_runtime_counts_what_it_settles_once_it_is_on_the_log() -> None:
    world = await memory_world(1)
    await world.append(topics.ENRICHED, "a", b"1", b"bad", b"2")
    async with world.worker(Counting()) as worker:
        await until(lambda: worker.is_still and worker.transactions)
        worker.measure()
    assert await totals(world) == {"a": [1, 2]}
    stage = {"stage": "deduplicate"}
    assert value(world.metrics, "pipeline_records_total", **stage, outcome="settled", reason="") == 2
    assert value(world.metrics, "pipeline_records_total", **stage, outcome="rejected", reason="undecodable") == 1
    assert value(world.metrics, "pipeline_dead_letters_total", **stage, reason="undecodable") == 1
    assert value(world.metrics, "pipeline_state_keys", **stage) == 2
    assert value(world.metrics, "pipeline_parked_records", **stage) == 0
    assert value(world.metrics, "pipeline_rebalances_total", **stage) == 1
    assert value(world.metrics, "pipeline_restore_seconds_count", **stage) == 1
    assert (value(world.metrics, "pipeline_transaction_seconds_count", **stage) or 0) >= 1


async def test_how_long_the_oldest_record_waits_is_told_until_it_is_settled_or_somebody_elses() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, patience=60.0)
    stage = Asking(lambda request: request)
    stage.gate.clear()
    appender = await world.broker.appender()
    at = int((START - timedelta(seconds=90)).timestamp() * 1000)
    waits = {"stage": "enrich", "partition": "0"}
    async with world.worker(stage, "enrich") as worker:
        await appender.append(Outgoing(topics.RAW[0], 0, b"a", b"1", timestamp=at))
        await until(lambda: stage.asked)
        worker.measure()
        assert value(world.metrics, "pipeline_lag_seconds", **waits) == 90
        stage.gate.set()
        await until(lambda: worker.is_still)
        worker.measure()
        assert value(world.metrics, "pipeline_lag_seconds", **waits) == 0
        world.metrics.lag_records.labels("enrich", "0").set(1)
        await worker.assigned(frozenset())
        assert value(world.metrics, "pipeline_lag_seconds", **waits) is None
        assert value(world.metrics, "pipeline_lag_records", **waits) is None


def client(app: web.Application) -> TestClient[web.Request, web.Application]:
    return TestClient(TestServer(app))


async def test_metrics_are_measured_when_asked_for_and_parse() -> None:
    metrics = Metrics()
    metrics.configured("abc")

    def measure() -> None:
        metrics.state_keys.labels("enrich").set(7)

    async with client(application(Health(metrics, lambda: (True, {}), measure))) as asking:
        answer = await asking.get("/metrics")
        families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert families["pipeline_state_keys"].samples[0].value == 7
    assert families["pipeline_config_info"].samples[0].labels == {"hash": "abc"}
    assert PUBLIC.keys() <= families.keys()


async def test_another_configuration_replaces_the_one_before_and_a_refused_one_does_not() -> None:
    metrics = Metrics()
    metrics.configured("abc")
    metrics.configured("def")
    assert value(metrics, "pipeline_config_info", hash="abc") is None
    metrics.refused_configuration()
    assert value(metrics, "pipeline_config_info", hash="def") == 1
    assert value(metrics, "pipeline_config_reload_success") == 0


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_ready_says_what_is_missing_and_live_only_that_it_lives(ready: bool, status: int) -> None:
    missing: dict[str, object] = {} if ready else {"problems": ["enrich-0: starting"]}
    async with client(application(Health(Metrics(), lambda: (ready, missing)))) as asking:
        answer = await asking.get("/ready")
        assert (answer.status, await answer.json()) == (status, {"ready": ready, "missing": missing})
        live = await asking.get("/live")
        assert (live.status, await live.json()) == (200, {"live": True})

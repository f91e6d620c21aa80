"""The day in a store: real bodies, every use case, and a shop that knows what its webhooks tell."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from pipeline.simulators.scenario import LENGTH, Change, JobReport, PaymentReport, Step, day, deliveries
from pipeline.simulators.scenario.disorder import Disorder
from pipeline.simulators.shopify import Delivery, Store
from pipeline.simulators.shopify.graph import Thing, gid
from pipeline.simulators.shopify.orders import Order
from pipeline.simulators.shopify.stock import InventoryLevel
from schemas.facts.operations import UnknownFacts
from schemas.resources import RESOURCES
from stages.bodies.table import facts_of
from tests.simulators.shops import END, SHOP

DAY = day(END, 1, SHOP)
CALM = day(END, 1, SHOP, Disorder(twice=0, late=0))


def body_of(step: Step) -> dict[str, Any]:
    assert isinstance(step.act, Delivery)
    body: dict[str, Any] = orjson.loads(step.act.body)
    return body


def webhooks(steps: list[Step], *topics: str) -> list[Step]:
    return [step for step in steps if isinstance(step.act, Delivery) and (not topics or step.act.topic in topics)]


def test_the_same_arguments_give_the_same_day() -> None:
    assert day(END, 1, SHOP) == DAY


def test_another_end_gives_other_ids() -> None:
    later = day(END + timedelta(minutes=1), 1, SHOP)

    def orders(steps: list[Step]) -> set[int]:
        return {body_of(step)["id"] for step in webhooks(steps, "orders/create")}

    assert orders(later) & orders(DAY) == set()


def test_another_seed_gives_other_deliveries_and_another_order_of_arrival() -> None:
    other = day(END, 2, SHOP)

    assert {each.webhook_id for each in deliveries(other)} & {each.webhook_id for each in deliveries(DAY)} == set()
    assert [each.topic for each in deliveries(other)] != [each.topic for each in deliveries(DAY)]


def test_the_day_begins_24_hours_before_its_end_and_is_in_order() -> None:
    times = [step.at for step in DAY]

    assert times == sorted(times)
    assert times[0] >= END - LENGTH
    assert times[-1] < END


def test_nothing_is_told_before_it_happened_and_one_thing_only_much_later() -> None:
    late = set()
    for step in webhooks(DAY):
        assert isinstance(step.act, Delivery)
        took = step.at - step.act.triggered_at
        assert took >= timedelta(seconds=-1)
        if took > timedelta(hours=2):
            late.add((step.act.webhook_id, took > timedelta(hours=24)))
    assert [more_than_a_day for _, more_than_a_day in late] == [True]


def test_there_are_some_eighty_deliveries_for_all_seven_use_cases() -> None:
    assert 60 <= len(webhooks(CALM)) <= 100
    assert {step.use_case for step in CALM} == {0, 1, 2, 3, 4, 5, 6, 7}
    assert all(step.why for step in DAY)


@pytest.mark.parametrize("seed", range(5))
def test_some_come_twice_with_the_same_id_and_body(seed: int) -> None:
    sent = deliveries(day(END, seed, SHOP))
    counted = Counter(each.webhook_id for each in sent)

    assert 5 <= sum(count - 1 for count in counted.values()) <= 45
    assert len({(each.webhook_id, each.body) for each in sent}) == len(counted)


def test_some_arrive_out_of_order() -> None:
    triggered = [each.triggered_at for each in deliveries(DAY)]

    assert triggered != sorted(triggered)


def test_a_state_arrives_after_a_newer_one() -> None:
    """Not by chance: the story tells it."""
    seen: dict[tuple[str, int], list[str]] = {}
    for step in webhooks(CALM, "orders/create", "orders/updated", "orders/paid", "inventory_levels/update"):
        body = body_of(step)
        key = ("item", body["inventory_item_id"]) if "available" in body else ("order", body["id"])
        seen.setdefault(key, []).append(body["updated_at"])

    assert {kind for (kind, _), times in seen.items() if times != sorted(times)} == {"order", "item"}


@pytest.mark.parametrize("step", webhooks(CALM), ids=lambda step: f"{step.act.topic}@{step.at:%H%M}")
def test_every_delivery_is_understood_by_the_pipeline(step: Step) -> None:
    assert isinstance(step.act, Delivery)

    parsed = facts_of(step.act.topic, step.act.body)

    assert step.act.topic in RESOURCES
    assert not isinstance(parsed.facts, UnknownFacts)


def test_the_shop_is_never_behind_its_own_webhooks() -> None:
    """Else whoever asks it would wait for a state that never comes."""
    store = Store(SHOP)
    for step in DAY:
        if isinstance(step.act, Change):
            store.put(*step.act.things)
        for topic, kind in (("orders/", Order), ("inventory_levels/", InventoryLevel)):
            told = (
                body_of(step).get("updated_at")
                if isinstance(step.act, Delivery) and step.act.topic.startswith(topic)
                else None
            )
            if told is not None:
                known = store.now()[body_of(step)["admin_graphql_api_id"]]
                assert isinstance(known, kind)
                assert known.updated_at >= datetime.fromisoformat(told)


def things_at(minute: float) -> dict[str, Thing]:
    store = Store(SHOP)
    for step in CALM:
        if isinstance(step.act, Change) and step.at <= END - LENGTH + timedelta(minutes=minute):
            store.put(*step.act.things)
    return dict(store.now())


def test_an_order_in_graphql_says_what_its_webhook_says() -> None:
    for step in webhooks(CALM, "orders/create"):
        body = body_of(step)
        known = things_at((step.at - END + LENGTH).total_seconds() / 60)[gid("Order", body["id"])]
        assert isinstance(known, Order)
        assert known.name == body["name"]
        assert known.display_financial_status == body["financial_status"].upper()
        assert str(known.current_total_price_set.shop_money.amount) == body["current_total_price"]
        assert str(known.total_outstanding_set.shop_money.amount) == body["total_outstanding"]
        assert (known.test, list(known.tags)) == (body["test"], [tag for tag in body["tags"].split(", ") if tag])


def test_there_is_one_order_of_12500_dollars_among_those_to_approve() -> None:
    totals = [body_of(step)["total_price"] for step in webhooks(CALM, "orders/create") if step.use_case == 5]

    assert totals == ["12500.00", "356.00", "129.00"]


def test_stock_falls_below_ten_and_comes_back() -> None:
    readings: dict[int, list[int]] = {}
    for step in sorted(webhooks(CALM, "inventory_levels/update"), key=lambda step: body_of(step)["updated_at"]):
        readings.setdefault(body_of(step)["inventory_item_id"], []).append(body_of(step)["available"])

    assert list(readings.values()) == [[25, 14, 11, 6, 40], [13, 0, 30]]


def test_test_orders_and_test_deliveries_are_there_and_are_meant_for_nobody() -> None:
    tried = [step for step in webhooks(CALM, "orders/create", "orders/updated") if body_of(step)["test"]]
    marked = [step for step in webhooks(CALM) if isinstance(step.act, Delivery) and step.act.test]

    assert {step.use_case for step in (*tried, *marked)} == {0}
    assert tried
    assert marked


def test_jobs_fail_and_are_overdue_and_a_payment_is_reported() -> None:
    reports = [step.act for step in CALM if isinstance(step.act, JobReport)]

    assert [each.phase for each in reports if each.job == "erp-export"] == [
        "start", "success", "start", "fail", "start", "success",
    ]  # fmt: skip
    assert [each.phase for each in reports if each.job == "feed-sync"] == ["start", "success"]
    assert [step.act.error for step in CALM if isinstance(step.act, PaymentReport)] == ["card_declined"]


def test_a_checkout_that_is_bought_and_one_that_is_left_share_their_tokens_with_orders() -> None:
    left = {body_of(step)["token"] for step in webhooks(CALM, "checkouts/create", "checkouts/update")}
    bought = {body_of(step)["checkout_token"] for step in webhooks(CALM, "orders/create")} - {None}

    assert len(left) == 4
    assert len(left & bought) == len(bought) == 3


def test_nobody_real_can_be_reached() -> None:
    text = b"\n".join(each.body for each in deliveries(DAY)).decode()

    assert {mail.partition("@")[2] for mail in re.findall(r"[\w.+-]+@[\w.-]+", text)} == {"example.com"}
    assert {host for host in re.findall(r"https?://([\w.-]+)", text) if not host.endswith("example.com")} <= {
        "www.ups.com", "checkout.local", "jsmith.myshopify.com",
    }  # fmt: skip
    phones = re.findall(r'"[a-z_]*phone":"([^"]+)"', text)
    assert all(re.fullmatch(r"\d{3}-555-01\d\d", phone) or phone == "example string" for phone in phones)


def test_the_day_can_end_now() -> None:
    """Kafka refuses timestamps more than an hour ahead."""
    now = datetime.now(UTC)

    assert max(step.at for step in day(now, 3, SHOP)) <= now

"""A day on which strangers write what they like, clocks are wrong and states contradict: defined, and harmless in every
message of every use case."""

from __future__ import annotations

import unicodedata
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import orjson
import pytest

from pipeline.simulators.shopify.graph import Thing
from pipeline.simulators.shopify.stock import InventoryQuantity
from pipeline.state import Change as Written
from pipeline.state import Memory, View
from schemas import codec, topics
from schemas.notifications import Channel, Notification
from schemas.reasons import RejectReason
from schemas.records import Record
from schemas.signals import JobReported
from stages.channels.table import ROWS
from stages.group import Group
from stages.stage import Context, Emit
from tests.scenarios.chain import Chain
from tests.scenarios.company import default
from tests.scenarios.day import day, played
from tests.scenarios.shops import Shops
from tests.scenarios.steps import Change, Signalled, Step, Webhook

WHOLE = default()
OPENTEXT = msgspec.structs.replace(WHOLE.opentext, html_body=True)
WORDS = (
    "<b onclick=x>{{7*7}}{% for x in y %}${7*7}</b>\u202e\u2066\u0000\u001b[31m(i1)\r\nSubject: x\u0301\U0001f600 عربي "
)
SEED, LONG = 30, "A" * 65_536
#: Shopify's words, and what else the stages act on, stay as they are.
FREE = frozenset(
    {
        *("title", "variant_title", "note", "message", "tracking_company", "sku", "vendor", "reason_notes"),
        *("customer_note", "return_reason_note", "display_name", "description", "provider_title"),
    }
)
NAMED = ("orders/", "draft_orders/", "returns/", "fulfillments/", "themes/", "locations/", "app_subscriptions/")


# --- what strangers write ---------------------------------------------------------------------------------------------


def written_over(value: Any, words: str, free: frozenset[str], key: str = "") -> Any:
    """The same, with the words behind every text that somebody may write as they like."""
    if isinstance(value, dict):
        return {name: written_over(inner, words, free, name) for name, inner in value.items()}
    if isinstance(value, list | tuple) and key == "tags":
        return type(value)((*value, words))
    if isinstance(value, list | tuple):
        return type(value)(written_over(inner, words, free, key) for inner in value)
    if isinstance(value, msgspec.Struct) and not isinstance(value, InventoryQuantity):
        fields = {name: written_over(getattr(value, name), words, free, name) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, str) and key == "tags":
        return f"{value}, {words.replace(',', '')}"
    return f"{value}{words}" if isinstance(value, str) and key in free else value


def by_strangers(step: Step) -> Step:
    """Every fourth time at length."""
    words = WORDS + LONG if int(step.at.timestamp()) % 4 == 0 else WORDS
    match step.act:
        case Webhook(topic=topic, body=body) as sent:
            free = FREE | {"name"} if topic.startswith(NAMED) else FREE
            return replace(step, act=replace(sent, body=orjson.dumps(written_over(orjson.loads(body), words, free))))
        case Change(things=things) as changed:
            told: tuple[Thing, ...] = tuple(written_over(thing, words, FREE | {"name"}) for thing in things)
            return replace(step, act=replace(changed, things=told))
        case Signalled(JobReported() as report):
            return replace(step, act=Signalled(msgspec.structs.replace(report, message=words[:500])))
    return step


def told(chain: Chain) -> Counter[tuple[object, ...]]:
    return Counter((a.rule, a.subject, a.team, a.state, a.severity, at) for at, a in chain.alerts)


def test_what_strangers_write_changes_nothing_of_what_is_told_and_harms_no_reader() -> None:
    it = day(SEED, WHOLE, each=1)
    plain, chain = (played(it, Shops(), steps) for steps in (it.steps, [by_strangers(step) for step in it.steps]))

    assert told(chain) == told(plain)
    assert chain.dead == []
    seen = [*messages(chain)]
    assert {use_case for use_case, _ in seen} == {1, 2, 3, 4, 5, 6, 7}
    assert any("{{7*7}}" in text for _, texts in seen for text in texts)
    assert any("&lt;b onclick=x&gt;" in text for _, texts in seen for text in texts)


# --- what cannot be ---------------------------------------------------------------------------------------------------

_ODD: Mapping[str, tuple[object, ...]] = {
    "financial_status": ("paid", "refunded", "PENDING", "some_new_word", None, 7),
    "fulfillment_status": ("fulfilled", "restocked", "PARTIAL", "some_new_word", None),
    "status": ("success", "cancelled", "completed", "needs_response", "some_new_word", None),
    "cancelled_at": ("2026-11-03T05:00:00Z", None, "yesterday"),
    "updated_at": ("2031-01-01T00:00:00Z", "2001-01-01T00:00:00Z", None, "no time"),
    "created_at": ("2031-01-01T00:00:00Z", None),
    "happened_at": ("2031-01-01T00:00:00Z", "1999-01-01T00:00:00Z", None),
    "evidence_due_by": ("2001-01-01T00:00:00Z", None),
    "currency": ("ZZZ", "BTC", "", "eur", None, "JPY", "KWD"),
    "total_price": ("-1.00", "0.001", "999999999999.99", None, "1e5"),
    "current_total_price": ("-1.00", "0.001", None),
    "total_outstanding": ("-100.00", "99999.999", None),
    "amount": ("-5.00", "0.0001", None, "NaN"),
    "quantity": (-5, 0, 10**9, None, "many"),
    "available": (-1_000_000, 10**12, None, "none"),
    "risk_level": ("PENDING", "SOME_NEW_WORD", None),
    "password_enabled": (None, "yes"),
}


def contradicting(step: Step, chance: Random) -> Step:
    """Some of its fields say what cannot be, and a list of lines is five hundred long."""
    if not isinstance(step.act, Webhook):
        return step
    body: dict[str, Any] = orjson.loads(step.act.body)
    for name in body.keys() & _ODD.keys():
        if chance.random() < 0.4:
            body[name] = chance.choice(_ODD[name])
    if chance.random() < 0.2 and body.get("line_items"):
        body["line_items"] = [{**body["line_items"][0], "id": number} for number in range(500)]
    skewed = step.act.occurred + timedelta(days=chance.choice((0, 0, 0, 400, -400)))
    return replace(step, act=replace(step.act, body=orjson.dumps(body), occurred=skewed))


@pytest.mark.parametrize("seed", [60, 61])
def test_what_cannot_be_stops_nothing_and_is_told_in_sound_messages(seed: int) -> None:
    it, chance = day(seed, WHOLE, each=1), Random(seed)
    chain = played(it, Shops(), [contradicting(step, chance) for step in it.steps])

    assert {reject.reason for reject in chain.dead} <= {RejectReason.UNDECODABLE}
    assert len(chain.dead) < len(it.steps) / 10
    assert len([*messages(chain)]) > 50


# --- what is sent -----------------------------------------------------------------------------------------------------


def messages(chain: Chain) -> Iterator[tuple[int, list[str]]]:
    """Use case and texts of each notification, on every channel that there is; all of them sound."""
    group = Group(WHOLE)
    memory = Memory(group.families)
    for at, alert in chain.alerts:
        view = View(memory, Written(), at)
        record = Record(topics.ALERTS, 0, 0, 0, alert.team.encode(), codec.encode(alert))
        outcomes = list(group.process(record, Context(view, at, at)))
        memory.apply(view.change)
        for outcome in outcomes:
            if isinstance(outcome, Emit) and isinstance(outcome.value, Notification):
                yield alert.use_case, [text for channel in ROWS for text in _TEXTS[channel](outcome.value)]


def _of_email(notification: Notification) -> list[str]:
    team = WHOLE.team(notification.team)
    assert team is not None
    job = orjson.loads(ROWS[Channel.EMAIL].render(notification, team, OPENTEXT))
    texts = [b64decode(part["data"]).decode() for part in job["body"]]
    assert "\n" not in job["options"]["email_options"]["subject"]
    assert "<b onclick" not in texts[1]
    for text in (job["options"]["email_options"]["subject"], *texts):
        assert _is_sound(text)
        assert len(text) < 40_000
    return texts


def _of_sms(notification: Notification) -> list[str]:
    team = WHOLE.team(notification.team)
    assert team is not None
    text = orjson.loads(ROWS[Channel.SMS].render(notification, team, OPENTEXT))["sms_text"]
    assert _is_sound(text)
    assert len(text) <= 459
    return [text]


_TEXTS: Mapping[Channel, Callable[[Notification], list[str]]] = {Channel.EMAIL: _of_email, Channel.SMS: _of_sms}


def _is_sound(text: str) -> bool:
    """Nothing that a reader cannot see, and nothing that OpenText would insert something for."""
    hidden = [sign for sign in text if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn")]
    return not hidden and "(i1)" not in text

"""What was answered 200 stands on a raw topic, where everybody would look for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from schemas import topics
from schemas.records import Record
from schemas.resources import domain_of, raw_key
from tests.chaos.evidence import Delivery
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, at

_DELIVERIES = "deliveries that were answered 200"


def check(sheet: Sheet, log: Log, deliveries: Iterable[Delivery]) -> None:
    """At least once: what stands there more often is counted, and is for `deduplicate`."""
    sheet.looks_at(_DELIVERIES)
    stands: dict[tuple[str | None, str | None], list[Record]] = defaultdict(list)
    for record in log.of(*topics.RAW):
        stands[record.header("ce_id"), record.header("ce_type")].append(record)
    for delivery in deliveries:
        sheet.compared[_DELIVERIES] += 1
        found = stands.get((delivery.id, delivery.topic), ())
        if not found:
            says = f"the delivery of {delivery.topic} was answered 200, and stands on no raw topic"
            sheet.find(Promise.RECEIVED, delivery.id, says)
        sheet.seen["deliveries that stand there again"] += max(0, len(found) - 1)
        for record in found:
            _check_place(sheet, log, delivery, record)


def _check_place(sheet: Sheet, log: Log, delivery: Delivery, record: Record) -> None:
    topic = f"shopify.{domain_of(delivery.topic)}"
    resource = record.header("shopify-resource-id") or ""
    key = raw_key(delivery.shop, delivery.topic, record.value or b"", delivery.id, resource).key.encode()
    if record.topic != topic:
        sheet.find(Promise.RECEIVED, at(record), f"{delivery.topic} belongs on {topic}")
    if record.key != key:
        sheet.find(Promise.RECEIVED, at(record), f"it has the key {record.key!r}, must have {key!r}")
    if record.partition != log.home(key):
        sheet.find(Promise.RECEIVED, at(record), f"it belongs on partition {log.home(key)}")

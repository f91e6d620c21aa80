"""The judge of the simulation: recomputes from the topics what each stage must have written, and complains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.broker import Broker
from pipeline.state import decoded, split_key
from pipeline.surroundings import StageSpec
from schemas import topics
from schemas.codec import decode
from schemas.records import Record, TopicPartition
from tests.memory.leaping import START
from tests.memory.numbering import CHAIN, COUNT, SEEN, Fact, Kind

Facts = Mapping[str, list[Fact]]


@dataclass(frozen=True)
class Cancelled:
    """When the record that cancels a deadline was put on a topic, by seconds of the loop."""

    topic: str
    said: str


async def records_of(broker: Broker, topic: str) -> list[Record]:
    partitions = [TopicPartition(topic, number) for number in range(broker.partitions)]
    starts, ends = await broker.beginnings(partitions), await broker.stable_ends(partitions)
    return [
        record
        for partition in partitions
        async for batch in broker.read(partition, starts[partition], ends[partition])
        for record in batch
    ]


async def complaints(broker: Broker, cancelled: Mapping[Cancelled, float]) -> list[str]:
    """Empty when everything is as it must be once all is settled."""
    return [complaint for spec in CHAIN for complaint in await _Stage(broker, spec, cancelled).complaints()]


class _Stage:
    def __init__(self, broker: Broker, spec: StageSpec, cancelled: Mapping[Cancelled, float]) -> None:
        self._broker = broker
        self._spec = spec
        self._cancelled = cancelled

    async def complaints(self) -> list[str]:
        (source,) = self._spec.inputs
        came = _by_key(await records_of(self._broker, source))
        target = {"deduplicate": topics.UNIQUE, "group": topics.ALERTS}[self._spec.name]
        went = _by_key(await records_of(self._broker, target))
        written = {key: [fact for fact in facts if fact.number] for key, facts in went.items()}
        dead = _by_key(await records_of(self._broker, topics.dead_of(self._spec.name)))
        found = [
            *(f"{key}: {said}" for key in came for said in self._of_key(came[key], written.get(key, []))),
            *(f"{key}: out of nothing" for key in written.keys() - came.keys()),
            *(f"{key}: dead letters {got}, bad {bad}" for key, got, bad in _dead(came, dead) if got != bad),
            *await self._of_state({key: len(facts) for key, facts in written.items() if facts}),
            *await self._of_positions(source),
        ]
        return [f"{self._spec.name}: {complaint}" for complaint in found]

    def _of_key(self, came: list[Fact], went: list[Fact]) -> Iterator[str]:
        numbers = [fact.number for fact in went]
        if numbers != list(range(1, len(went) + 1)):
            yield f"numbers are {numbers}"
        expected = [fact.said for fact in came if fact.kind is not Kind.BAD]
        fired = [fact.said for fact in went if self._is_mine(fact)]
        passed_on = [fact.said for fact in went if not self._is_mine(fact)]
        if passed_on != expected:
            yield f"came {expected}, went {passed_on}"
        yield from self._of_deadlines(came, {fact.said: fact for fact in went if fact.kind is Kind.LATE}, fired)

    def _is_mine(self, fact: Fact) -> bool:
        return fact.kind is Kind.TIMER and fact.said.startswith(self._spec.name)

    def _of_deadlines(self, came: list[Fact], late: Mapping[str, Fact], fired: list[str]) -> Iterator[str]:
        if len(fired) != len(set(fired)):
            yield f"deadlines fired twice: {fired}"
        for place, fact in enumerate(came):
            if fact.kind is not Kind.LATE or fact.said not in late:
                continue
            has_fired = f"{self._spec.name}/{fact.said}" in fired
            is_cancelled = any(other.kind is Kind.CANCEL and other.said == fact.said for other in came[place:])
            at = self._cancelled.get(Cancelled(self._spec.inputs[0], fact.said))
            due = late[fact.said].due
            if not has_fired and not is_cancelled:
                yield f"deadline {fact.said} has not fired"
            elif has_fired and is_cancelled and at is not None and due and at < (due - START).total_seconds():
                yield f"deadline {fact.said} has fired, and its end was on the log before"

    async def _of_state(self, counts: Mapping[str, int]) -> Iterator[str]:
        values: dict[bytes, bytes | None] = {}
        for record in await records_of(self._broker, topics.state_of(self._spec.name)):
            values[record.key or b""] = record.value
        kept = {key: value for key, value in values.items() if value is not None}
        stated = {split_key(key)[0]: decoded(COUNT, key, kept[key]) for key in kept if split_key(key)[1] == COUNT.name}
        return iter([] if stated == counts else [f"state says {stated}, the topic {counts}"])

    async def _of_positions(self, source: str) -> list[str]:
        partitions = [TopicPartition(source, number) for number in range(self._broker.partitions)]
        committed = await self._broker.committed(self._spec.group, partitions)
        ends = await self._broker.high_watermarks(partitions)
        return [
            f"{partition} is committed to {offset}, it ends at {ends[partition]}"
            for partition, offset in committed.items()
            if offset is not None and offset != ends[partition]
        ]


async def seen_in_state(broker: Broker, stage: str) -> set[str]:
    """What a stage's changelog still holds of the family that has a time to live."""
    values: dict[bytes, bytes | None] = {}
    for record in await records_of(broker, topics.state_of(stage)):
        values[record.key or b""] = record.value
    return {
        split_key(key)[2].decode()
        for key, value in values.items()
        if value is not None and split_key(key)[1] == SEEN.name
    }


def _by_key(records: list[Record]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for record in records:
        found[(record.key or b"").decode()].append(decode(record, Fact))
    return found


def _dead(came: Facts, dead: Facts) -> Iterator[tuple[str, list[str], list[str]]]:
    for key in came.keys() | dead.keys():
        bad = [fact.said for fact in came.get(key, []) if fact.kind is Kind.BAD]
        yield key, [fact.said for fact in dead.get(key, [])], bad

"""Gives out partition numbers instead of partitions: the same number of every input topic to one member, sticky.

Every member says with its wish to join what it was last given, and in which generation. Whoever gives out believes the
newest word about a number: a member that was taken for dead and comes back claims what others have by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from msgspec import Struct

from pipeline.assignment import share


class Claim(Struct, frozen=True, array_like=True):
    generation: int = 0
    numbers: tuple[int, ...] = ()


class NumberAssignor:
    """One for each member: aiokafka asks the leader's `assign` for all, and everybody's `metadata` for itself."""

    name = "numbers"

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._claim = Claim()

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(0, sorted(topics), msgspec.msgpack.encode(self._claim))

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        numbers = {partition.partition for partition in assignment.partitions()}
        self._claim = Claim(_generation(assignment.user_data), tuple(sorted(numbers)))

    def assign(
        self, cluster: object, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        claims = {member: _claim(metadata.user_data) for member, metadata in members.items()}
        generation = max((claim.generation for claim in claims.values()), default=0) + 1
        given = share(self._partitions, sorted(members), believed(claims))
        return {
            member: ConsumerProtocolMemberAssignment(
                0, [(topic, sorted(given[member])) for topic in sorted(metadata.subscription)], str(generation).encode()
            )
            for member, metadata in members.items()
        }


def believed(claims: Mapping[str, Claim]) -> dict[str, frozenset[int]]:
    """Each number with the member that has the newest word about it."""
    holders: dict[int, tuple[int, str]] = {}
    for member in sorted(claims):
        for number in claims[member].numbers:
            if claims[member].generation > holders.get(number, (-1, ""))[0]:
                holders[number] = (claims[member].generation, member)
    return {
        member: frozenset(number for number, (_, holder) in holders.items() if holder == member) for member in claims
    }


def _claim(data: bytes) -> Claim:
    return msgspec.msgpack.decode(data, type=Claim) if data else Claim()


def _generation(data: bytes) -> int:
    return int(data) if data else 0

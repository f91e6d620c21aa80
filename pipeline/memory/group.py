"""A group: who is in it, whose the partition numbers are, and what it has committed.

Rebalances are eager and have a barrier, as Kafka's: when somebody joins or leaves, every member gives up what it has
and joins again, and only when all have done so does anybody get numbers. A member that never joins again holds up the
others until it is expelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pipeline.assignment import share
from schemas.records import TopicPartition


class Group:
    def __init__(self, partitions: int) -> None:
        self.committed: dict[TopicPartition, int] = {}
        self.generation = 0
        self._partitions = partitions
        self._members: dict[str, asyncio.Event] = {}
        self._topics: dict[str, frozenset[str]] = {}
        self._numbers: dict[str, frozenset[int]] = {}
        # the members that have joined since the rebalance began; None while there is none
        self._joined: set[str] | None = None

    @property
    def is_rebalancing(self) -> bool:
        return self._joined is not None

    def has(self, member: str) -> bool:
        return member in self._members

    def numbers(self, member: str) -> frozenset[int]:
        return self._numbers[member]

    def join(self, member: str, topics: Iterable[str], wake: asyncio.Event) -> None:
        """New members begin a rebalance; for the others it is their word that they have given up what they had."""
        self._topics[member] = frozenset(topics)
        if member not in self._members:
            self._members[member] = wake
            self._begin()
        assert self._joined is not None, f"{member} joins again without a rebalance"
        self._joined.add(member)
        self._complete()

    def must_join(self, member: str) -> bool:
        return member not in self._members or (self._joined is not None and member not in self._joined)

    def leave(self, member: str) -> None:
        if self._members.pop(member, None) is None:
            return
        self._numbers.pop(member, None)
        self._topics.pop(member, None)
        self._begin()
        assert self._joined is not None
        self._joined.discard(member)
        self._complete()

    def changed(self, topic: str) -> None:
        """A topic was made, or has more partitions: whoever reads it begins a rebalance, as Kafka's clients do."""
        if any(topic in topics for topics in self._topics.values()):
            self._begin()

    def _begin(self) -> None:
        if self._joined is None:
            self._joined = set()
            self._wake()

    def _complete(self) -> None:
        if self._joined is not None and self._joined.issuperset(self._members):
            self._numbers = share(self._partitions, list(self._members), self._numbers)
            self.generation += 1
            self._joined = None
            self._wake()

    def _wake(self) -> None:
        for wake in self._members.values():
            wake.set()

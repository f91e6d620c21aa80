"""The broker in memory: the port's second implementation, for tests, replay and the demo where no Kafka can be had.

It keeps what the runtime can see of Apache Kafka through the port: offsets that count control records, the last stable
offset, aborted records that are never read, epochs that fence, eager rebalances with a barrier. It does not keep what
cannot be seen: replicas, batches, compression, and anything that happens by the mere passing of time (retention,
compaction, a transaction's or a session's timeout): those are hooks of `MemoryBroker`, called by whoever wants them.
Nothing survives the process. No randomness, no clock of its own, one fixed order: the same calls give the same log.
"""

from pipeline.memory.broker import MemoryBroker
from pipeline.memory.faults import Call, Calm, Fate, Faults, Script

__all__ = ["Call", "Calm", "Fate", "Faults", "MemoryBroker", "Script"]

"""`config`: every configuration that was accepted, in the order in which they hold.

All of them stand on partition 0, each keyed by its hash. A record's offset is the number of that edition, and the last
one is in force. One that is given again is written again, so that it becomes the last one: compaction takes its older
place away. Secrets are not in it, only the names of variables and files.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw, Struct


class ConfigurationAccepted(Struct, frozen=True):
    """`accepted` is wall time. `configuration` is JSON whose SHA-256 begins with `hash`; `listen` is not in it."""

    hash: str
    accepted: datetime
    configuration: Raw

"""What a chaos run leaves for whoever judges it: where everything stands, and what the world outside saw.

The Kafka of the run still runs, undisturbed, while it is judged, and so does its Shopify at the configuration's
address. Topics are named `<prefix>.<topic>`. Deliveries that were not answered 200 are not in here, although they may
stand on a raw topic: they were sent again under the same delivery id, perhaps by way of another process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

#: The query's text and its variables in, the whole JSON answer out (`{"data": ...}`): the same whenever it is asked.
Truth = Callable[[str, Mapping[str, object]], Mapping[str, object]]


class Delivery(NamedTuple):
    """A webhook that was answered 200, once at least. `topic` is Shopify's, as in X-Shopify-Topic; `at` of the 200."""

    id: str
    topic: str
    shop: str
    at: datetime


class Submit(NamedTuple):
    """A sending that OpenText took: it has a job, although its answer may never have arrived (`is_heard` False).

    A message id that was taken before gets the job of then (`is_repeat`), and nothing is sent for it. `path` begins
    after the base address; `body` is the request's JSON.
    """

    message_id: str
    job: str
    path: str
    body: Mapping[str, object]
    at: datetime
    is_repeat: bool
    is_heard: bool


@dataclass(frozen=True)
class Evidence:
    """`submits` in the order in which OpenText took them. `configuration` is the file that every process ran with, and
    `secrets` the environment that it names."""

    bootstrap: str
    prefix: str
    partitions: int
    configuration: Path
    secrets: Mapping[str, str]
    deliveries: tuple[Delivery, ...]
    submits: tuple[Submit, ...]
    truth: Truth

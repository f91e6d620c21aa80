"""Signals: what is known without Shopify's webhooks. Keyed by subject, on `signals`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class JobPhase(StrEnum):
    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    HEARTBEAT = "heartbeat"


class Signal(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Every signal says its shop, its subject, when it happened (business time) and when we had it (wall time)."""

    shop: str
    subject: str
    occurred: datetime
    received: datetime


class JobReported(Signal, frozen=True, tag="job-reported"):
    """POST /jobs/{shop}/{job}/{phase}: `message` is the first 500 characters of what the job said."""

    job: str
    phase: JobPhase
    run: str | None = None
    message: str | None = None


class JobAwaited(Signal, frozen=True, tag="job-awaited"):
    """The receiver is there, and the configuration says that the subject's job succeeds regularly: once an hour."""


class PaymentFailedReported(Signal, frozen=True, tag="payment-failed-reported"):
    """POST /signals/{shop}/payment-failed: an outside report on a checkout. It only annotates (USE_CASES section 4)."""

    checkout_token: str
    error: str | None = None
    reporter: str | None = None


class ReceiverBeat(Signal, frozen=True, tag="receiver-beat"):
    """A receiver is up; one a minute on every partition. Since `up_since` it has been, without a break."""

    up_since: datetime | None = None


class ChainBeat(Signal, frozen=True, tag="chain-beat"):
    """One enrich task has passed everything of time `occurred`; on every partition of events.enriched."""

    sender: int


class ChainBehind(Signal, frozen=True, tag="chain-behind"):
    """A task of `stage` waits for more than 15 minutes for the chain to pass a due timer's time, or need not any more.

    About `<prefix>/pipeline`. `since`: when the waiting began (wall). `late`: the senders that it waits for.
    """

    stage: str
    number: int
    behind: bool
    since: datetime
    late: tuple[str, ...] = ()


class TaskStopped(Signal, frozen=True, tag="task-stopped"):
    """A task of `stage` is stopped, until an operator lifts it: said every minute by the process that has it.

    About `<prefix>/pipeline`, as the two that follow. `reason` is one line for a person.
    """

    stage: str
    number: int
    reason: str


class DeadLettered(Signal, frozen=True, tag="dead-lettered"):
    """`stage` has made so many dead letters for this reason since it was looked last, about a minute ago."""

    stage: str
    reason: str
    count: int


class SignaturesFailed(Signal, frozen=True, tag="signatures-failed"):
    """So many deliveries of the last minute, of all that came to one receiver, were not signed as Shopify signs."""

    failed: int
    of: int


class ShopUninstalled(Signal, frozen=True, tag="shop-uninstalled"):
    """The receiver has had app/uninstalled; on every partition."""


class TokenRefused(Signal, frozen=True, tag="token-refused"):
    """Shopify refuses this shop's Admin token (`enrich`), or takes it again."""

    refused: bool


class FactsGivenUp(Signal, frozen=True, tag="facts-given-up"):
    """Facts that Shopify has not told within a day (`enrich`): `names` are some of them, `count` of how many events."""

    names: tuple[str, ...]
    count: int


class TopicHeard(Signal, frozen=True, tag="topic-heard"):
    """A webhook of the subject's topic has come in (`enrich`): the first of its five minutes, in each task."""


class ShopHeard(Signal, frozen=True, tag="shop-heard"):
    """A shop sends webhooks (`enrich`): the first of its day, in each task, and when that one was triggered. What is
    looked up in turns begins by it; after an uninstalling it says that the app is there again."""


class ShopShut(Signal, frozen=True, tag="shop-shut"):
    """Shopify's API answers `status` (402: payment required, 423: locked) for this shop (`enrich`); None: no more."""

    status: int | None = None


class SendingFailed(Signal, frozen=True, tag="sending-failed"):
    """OpenText finally refused or could not deliver a notification (`dispatch`)."""

    team: str
    channel: str
    message_id: str
    detail: str


AnySignal = (
    JobReported
    | JobAwaited
    | PaymentFailedReported
    | ReceiverBeat
    | ChainBeat
    | ChainBehind
    | TaskStopped
    | DeadLettered
    | SignaturesFailed
    | ShopUninstalled
    | TokenRefused
    | FactsGivenUp
    | TopicHeard
    | ShopHeard
    | ShopShut
    | SendingFailed
)

"""An alert: what a rule raises about a subject, one record per team that is told, on `alerts`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return ("info", "warning", "critical").index(self.value)


class Audience(StrEnum):
    """Who an alert is for, as the use cases call them. Routes say which team that is in this company."""

    OPERATIONS = "operations"
    CUSTOMER_SERVICE = "customer-service"
    PROCUREMENT = "procurement"
    MERCHANDISING = "merchandising"
    WAREHOUSE = "warehouse"
    FINANCE = "finance"
    FRAUD_REVIEW = "fraud-review"
    RETENTION = "retention"
    APPROVERS = "approvers"
    RETURNS = "returns"
    IT_SUPPORT = "it-support"
    ECOMMERCE = "e-commerce"
    APPLICATION_OWNERS = "application-owners"
    PRIVACY = "privacy"


class AlertState(StrEnum):
    FIRING = "firing"
    UPDATED = "updated"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"

    @property
    def is_end(self) -> bool:
        return self in (AlertState.RESOLVED, AlertState.WITHDRAWN)


class Untold(StrEnum):
    """Why it could not be told whether a condition of the configuration holds."""

    UNKNOWN = "unknown"
    """A fact that it needs is not known."""
    FAILED = "failed"
    """It does not fit the facts that came: a text where it wants a number."""


class Detail(Struct, frozen=True):
    """One line of a message: `label` is ours, `text` may come from a body and is untrusted."""

    label: str
    text: str


class Alert(Struct, frozen=True, omit_defaults=True):
    """`id` names the episode: rule + subject + what opened it. `revision` counts its records, from 1.

    `milestone` alerts have no end: they tell something that happened. `since` is when the condition began, `at` the
    time of this record (both business time), `received` the wall time of what caused it. `digest`: may wait for the
    team's digest; `line`: is one of its lines, and never a message of its own. `bundle` is what goes together into one
    message. `opened_by` is a delivery id or a timer's due time.
    `untold`: it goes out although its rule's `when` could not be told, for this reason. `resolves`: the alerts that end
    with what a milestone tells; the ends themselves then name it in `told_by`, and are no message of their own.
    `carries`: those that go into one message with it, and have come before it; each of them is `carried_by` it.
    """

    id: str
    rule: str
    use_case: int
    shop: str
    subject: str
    team: str
    state: AlertState
    severity: Severity
    title: str
    since: datetime
    at: datetime
    received: datetime
    revision: int
    bundle: str
    opened_by: str
    details: tuple[Detail, ...] = ()
    next_step: str = ""
    link: str | None = None
    unknown: tuple[str, ...] = ()
    priority: bool = False
    milestone: bool = False
    digest: bool = False
    line: bool = False
    configuration: str | None = None
    untold: Untold | None = None
    resolves: tuple[str, ...] = ()
    told_by: str | None = None
    carries: tuple[str, ...] = ()
    carried_by: str | None = None

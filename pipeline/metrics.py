"""What Prometheus may know. The names and labels are public (DESIGN section 7): alerts and dashboards stand on them.

One `Metrics` owns one registry and is passed as a value, so that two of them in a process never meet. Label values
come from closed lists or from the configuration; never a shop's, a person's or a delivery's name. What is measured
on demand (gauges) is set by whoever owns it, shortly before a scrape.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_ANSWER = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
_TRANSACTION = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RESTORE = (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0)
_NOTIFICATION = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)


class Metrics:
    """`.labels()` takes the values in the order in which a name's labels stand here."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"pipeline_{name}", says, labels, registry=registry)

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"pipeline_{name}", says, labels, registry=registry)

        def histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"pipeline_{name}", says, labels, buckets=buckets, registry=registry)

        self.webhooks_total = counter("webhooks_total", "Requests to the receiver.", "domain", "outcome")
        self.webhook_seconds = histogram("webhook_seconds", "From a webhook's first byte to its answer.", _ANSWER)
        self.records_total = counter("records_total", "Records settled.", "stage", "outcome", "reason")
        self.transaction_seconds = histogram(
            "transaction_seconds", "From a transaction's begin to its commit.", _TRANSACTION, "stage"
        )
        self.lag_records = gauge(
            "lag_records", "Records not settled yet; control records do not count.", "stage", "partition"
        )
        self.lag_seconds = gauge("lag_seconds", "Age of the oldest record not settled yet.", "stage", "partition")
        self.event_to_notification_seconds = histogram(
            "event_to_notification_seconds", "From a delivery to OpenText having it.", _NOTIFICATION, "use_case"
        )
        self.alerts_total = counter("alerts_total", "Alerts, per told team.", "rule", "severity", "state")
        self.conditions_untold_total = counter(
            "conditions_untold_total",
            "Alerts that went out although it could not be told whether their `when` holds.",
            "rule",
            "why",
        )
        self.notifications_total = counter("notifications_total", "Notifications.", "channel", "outcome")
        self.sendings_total = counter("sendings_total", "Sendings by the state they reached.", "channel", "state")
        self.parked_records = gauge("parked_records", "Records that wait for the world.", "stage")
        self.crowded_tasks = gauge("crowded_tasks", "Tasks that read nothing until less is remembered.", "stage")
        self.dead_letters_total = counter("dead_letters_total", "Records rejected.", "stage", "reason")
        self.state_keys = gauge("state_keys", "Keys of state in memory.", "stage")
        self.restore_seconds = histogram("restore_seconds", "From fencing to the first record.", _RESTORE, "stage")
        self.restore_remaining_records = gauge(
            "restore_remaining_records",
            "Records of state still to be read before the task starts.",
            "stage",
            "partition",
        )
        self.rebalances_total = counter("rebalances_total", "Assignments of partitions.", "stage")
        self.breaker_open = gauge("breaker_open", "1 while calls to the target are held back.", "target")
        self.config_info = gauge("config_info", "1 for the configuration in use.", "hash")
        self.config_reload_success = gauge("config_reload_success", "1 if the newest configuration was accepted.")

    def configured(self, digest: str) -> None:
        """This configuration was accepted and is the one in use."""
        self.config_info.clear()
        self.config_info.labels(digest).set(1)
        self.config_reload_success.set(1)

    def refused_configuration(self) -> None:
        """The newest configuration is bad; the one before it stays in use."""
        self.config_reload_success.set(0)

"""What is counted of outcomes once they are on the log. A stage never counts: the runner tells us then."""

from __future__ import annotations

from pipeline.clock import Clock
from pipeline.metrics import Metrics
from schemas.alerts import Alert
from schemas.notifications import Notification, Receipt, SendingState
from stages.stage import Emit, Outcome


class Observing:
    """An observer for `Surroundings.observers`."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    def __call__(self, stage: str, outcome: Outcome) -> None:
        if not isinstance(outcome, Emit):
            return
        match outcome.value:
            case Alert() as alert:
                self._alert(alert)
            case Notification(channel=channel):
                self._metrics.notifications_total.labels(channel.value, "made").inc()
            case Receipt() as receipt:
                self._receipt(receipt)

    def _alert(self, alert: Alert) -> None:
        self._metrics.alerts_total.labels(alert.rule, alert.severity.value, alert.state.value).inc()
        if alert.untold is not None:
            self._metrics.conditions_untold_total.labels(alert.rule, alert.untold.value).inc()

    def _receipt(self, receipt: Receipt) -> None:
        self._metrics.sendings_total.labels(receipt.channel.value, receipt.state.value).inc()
        is_first = receipt.state is SendingState.ACCEPTED and not receipt.recipients
        if is_first and receipt.received is not None:
            seconds = max(0.0, (self._clock.wall() - receipt.received).total_seconds())
            for use_case in receipt.use_cases:
                self._metrics.event_to_notification_seconds.labels(str(use_case)).observe(seconds)

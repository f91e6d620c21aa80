"""What is left of a notification when a shop's data must be erased."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.notifications import Notification


def without(notification: Notification, shop: str) -> Notification | None:
    """The same one where nothing of it is about the shop; None where nothing else is."""
    rest = tuple(alert for alert in notification.alerts if alert.shop != shop)
    if rest == notification.alerts:
        return notification
    return replace(notification, alerts=rest) if rest else None

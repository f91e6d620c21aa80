"""One notification of each use case, worded as the rules word them, for the tests of what people read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alerts import Alert, AlertState, Detail, Severity
from schemas.configuration import OpenText, Person, Team
from schemas.notifications import Channel, Notification

SHOP = "example.myshopify.com"
SINCE = datetime(2026, 11, 25, 13, 5, tzinfo=UTC)
LINK = "https://admin.shopify.com/store/example/orders/820982911946154508"
TEAM = Team(
    name="operations",
    people=(
        Person(name="ann", email="ann@example.com", phone="+15005550100"),
        Person(name="bob", email="bob@example.com"),
    ),
)
SETTINGS = OpenText(base_url="https://api.example.com/mra/v1")


def alert(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"order-payment-pending/{SHOP}/order/820982911946154508/b54557e4",
        "rule": "order-payment-pending",
        "use_case": 1,
        "shop": SHOP,
        "subject": f"{SHOP}/order/820982911946154508",
        "team": TEAM.name,
        "state": AlertState.FIRING,
        "severity": Severity.WARNING,
        "title": "Order #1001: payment pending for 2 h",
        "since": SINCE,
        "at": SINCE + timedelta(hours=2),
        "received": SINCE + timedelta(hours=2),
        "revision": 1,
        "bundle": f"{SHOP}/order/820982911946154508/1",
        "opened_by": "b54557e4",
        "details": (Detail("Amount", "199.00 EUR"), Detail("Payment", "pending, gateway manual")),
        "next_step": "Capture the payment, or cancel the order.",
        "link": LINK,
        "unknown": ("fraud level",),
    }
    return Alert(**(fields | changes))


def notification(*alerts: Alert, channel: Channel = Channel.EMAIL, **changes: Any) -> Notification:
    fields: dict[str, Any] = {
        "message_id": "shop-00112233445566778899aabbccddeeff",
        "team": TEAM.name,
        "channel": channel,
        "group": f"{channel.value}/bundle",
        "alerts": alerts or (alert(),),
        "created": SINCE,
        "received": SINCE,
        "time_zone": "Europe/Berlin",
    }
    return Notification(**(fields | changes))


def of_each_use_case() -> tuple[Alert, ...]:
    return (
        alert(severity=Severity.CRITICAL, priority=True),
        alert(
            rule="shipment-exception",
            use_case=2,
            title="Order #1001: parcel could not be delivered",
            severity=Severity.CRITICAL,
            details=(
                Detail("Carrier", "UPS"),
                Detail("Tracking", "1Z001985YW90838348"),
                Detail("Last event", "failure, Nov 25 2:05 PM"),
                Detail("Promised", "Nov 26"),
            ),
            next_step="Call the carrier, then tell the customer.",
            unknown=(),
        ),
        alert(
            rule="inventory-low",
            use_case=3,
            title="TSHIRT-BLACK-M: 8 left, threshold 10",
            details=(
                Detail("Product", "IPod Nano \u2013 8GB"),
                Detail("On hand", "12"),
                Detail("Committed", "4"),
                Detail("Incoming", "0"),
            ),
            next_step="Reorder from Example Mills.",
            unknown=("incoming at 2 locations",),
            at=SINCE,
        ),
        alert(
            rule="checkout-abandoned",
            use_case=4,
            severity=Severity.INFO,
            milestone=True,
            title="Checkout abandoned: 398.00 EUR",
            details=(Detail("Items", "2"), Detail("Consent", "email marketing: yes")),
            next_step="Write to the customer; the admin shows who it is.",
            unknown=("whether a payment failed: Shopify does not tell",),
        ),
        alert(
            rule="approval-needed",
            use_case=5,
            title="Order #1001: 7,200.00 EUR needs your approval",
            details=(Detail("Policy", "large-orders: total from 5,000"), Detail("Country", "DE")),
            next_step="Look at the order before it ships. It is not held.",
        ),
        alert(
            rule="refund-due",
            use_case=6,
            title="Order #1001: refund of 49.00 EUR is due tomorrow",
            state=AlertState.UPDATED,
            revision=2,
            severity=Severity.CRITICAL,
        ),
        alert(
            rule="job-failed",
            use_case=7,
            title="Job erp-export failed",
            state=AlertState.RESOLVED,
            revision=2,
            severity=Severity.CRITICAL,
            details=(Detail("Last good", "Nov 25 1:00 PM"), Detail("Owner", "it-support")),
            next_step="",
            unknown=(),
            link=None,
        ),
        alert(state=AlertState.WITHDRAWN, revision=3),
    )

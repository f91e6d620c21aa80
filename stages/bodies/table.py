"""Topic -> how its body is read. A topic that is not in here is verified, counted, and never guessed."""

from __future__ import annotations

from schemas.facts.operations import UnknownFacts
from schemas.reasons import RejectReason
from stages.bodies import customers, drafts, fulfillments, inventory, operations, orders, payments, returns
from stages.bodies.nextgen import event, identity_in
from stages.bodies.parsed import About, Parsed, Reader
from stages.stage import Reject

READERS: dict[str, Reader] = {
    "orders/create": orders.order,
    "orders/updated": orders.order,
    "orders/paid": orders.order,
    "orders/cancelled": orders.order,
    "orders/fulfilled": orders.order,
    "orders/partially_fulfilled": orders.order,
    "orders/edited": orders.edited,
    "orders/delete": orders.deleted,
    "orders/risk_assessment_changed": orders.risk,
    "orders/shopify_protect_eligibility_changed": orders.protect,
    "customer.tags_added": customers.tagged(added=True),
    "customer.tags_removed": customers.tagged(added=False),
    "customer.joined_segment": customers.segmented(joined=True),
    "customer.left_segment": customers.segmented(joined=False),
    "fulfillments/create": fulfillments.fulfillment,
    "fulfillments/update": fulfillments.fulfillment,
    "fulfillment_events/create": fulfillments.shipment,
    "fulfillment_events/delete": fulfillments.shipment,
    "fulfillment_holds/added": fulfillments.hold_added,
    "fulfillment_holds/released": fulfillments.hold_released,
    "fulfillment_orders/placed_on_hold": fulfillments.hold_added,
    "fulfillment_orders/hold_released": fulfillments.hold_released,
    "fulfillment_orders/order_routing_complete": fulfillments.fulfillment_order,
    "fulfillment_orders/moved": fulfillments.fulfillment_order,
    "fulfillment_orders/split": fulfillments.fulfillment_order,
    "fulfillment_orders/merged": fulfillments.fulfillment_order,
    "fulfillment_orders/cancelled": fulfillments.fulfillment_order,
    "fulfillment_orders/rescheduled": fulfillments.fulfillment_order,
    "fulfillment_orders/scheduled_fulfillment_order_ready": fulfillments.fulfillment_order,
    "fulfillment_orders/progress_reported": fulfillments.fulfillment_order,
    "fulfillment_orders/manually_reported_progress_stopped": fulfillments.fulfillment_order,
    "fulfillment_orders/line_items_prepared_for_pickup": fulfillments.fulfillment_order,
    "fulfillment_orders/line_items_prepared_for_local_delivery": fulfillments.fulfillment_order,
    "fulfillment_orders/fulfillment_request_submitted": fulfillments.fulfillment_order,
    "fulfillment_orders/fulfillment_request_accepted": fulfillments.fulfillment_order,
    "fulfillment_orders/fulfillment_request_rejected": fulfillments.fulfillment_order,
    "fulfillment_orders/cancellation_request_submitted": fulfillments.fulfillment_order,
    "fulfillment_orders/cancellation_request_accepted": fulfillments.fulfillment_order,
    "fulfillment_orders/cancellation_request_rejected": fulfillments.fulfillment_order,
    "fulfillment_orders/fulfillment_service_failed_to_complete": fulfillments.fulfillment_order,
    "inventory_levels/update": inventory.level,
    "inventory_levels/connect": inventory.level,
    "inventory_levels/disconnect": inventory.level_disconnected,
    "inventory_items/create": inventory.item,
    "inventory_items/update": inventory.item,
    "inventory_items/delete": inventory.item_deleted,
    "products/create": inventory.product,
    "products/update": inventory.product,
    "products/delete": inventory.product_deleted,
    "variants/out_of_stock": inventory.out_of_stock,
    "variants/in_stock": inventory.in_stock,
    "locations/create": inventory.location,
    "locations/update": inventory.location,
    "locations/activate": inventory.location,
    "locations/deactivate": inventory.location,
    "locations/delete": inventory.location_removed,
    "checkouts/create": payments.checkout,
    "checkouts/update": payments.checkout,
    "order_transactions/create": payments.transaction,
    "tender_transactions/create": payments.tender,
    "payment_terms/create": payments.payment_terms,
    "payment_terms/update": payments.payment_terms,
    "payment_terms/delete": payments.payment_terms_deleted,
    "payment_schedules/due": payments.payment_schedule,
    "disputes/create": payments.dispute,
    "disputes/update": payments.dispute,
    "draft_orders/create": drafts.draft,
    "draft_orders/update": drafts.draft,
    "draft_orders/delete": drafts.deleted,
    "refunds/create": returns.refund,
    "returns/request": returns.returned,
    "returns/approve": returns.returned,
    "returns/decline": returns.returned,
    "returns/cancel": returns.returned,
    "returns/close": returns.returned,
    "returns/reopen": returns.returned,
    "returns/update": returns.returned,
    "returns/process": returns.returned,
    "reverse_deliveries/attach_deliverable": returns.reverse_delivery,
    "reverse_fulfillment_orders/dispose": returns.disposed,
    "app/uninstalled": operations.uninstalled,
    "app/scopes_update": operations.scopes,
    "app_subscriptions/update": operations.app_subscription,
    "app_subscriptions/approaching_capped_amount": operations.approaching_capped_amount,
    "shop/update": operations.shop,
    "bulk_operations/finish": operations.bulk_operation,
    "audit_events/admin_api_activity": operations.audit,
    "themes/publish": operations.theme,
    "themes/create": operations.theme,
    "themes/update": operations.theme,
    "domains/create": operations.domain,
    "domains/update": operations.domain,
    "domains/destroy": operations.domain_removed,
    "customers/data_request": operations.privacy,
    "customers/redact": operations.privacy,
    "shop/redact": operations.privacy,
}


def facts_of(topic: str, body: bytes) -> Parsed:
    """A classic webhook. Raises Reject where its bytes (unreadable) or its identity (undecodable) fail."""
    _utf8(body)
    reader = READERS.get(topic)
    return unknown(topic) if reader is None else reader(body)


def facts_of_event(topic: str, event_topic: str, gid: str | None, body: bytes) -> Parsed:
    """A next-generation Event: `topic` is what we call it, `event_topic` and `gid` are its own headers' words.

    Of what is deleted there is no state left to look up: such an Event says what the classic topic of its name says,
    which is the identity and no more.
    """
    _utf8(body)
    if topic.endswith("/delete"):
        identity = identity_in(event_topic, gid, body)
        return unknown(topic) if topic not in READERS or identity is None else READERS[topic](b'{"id":%d}' % identity)
    return event(event_topic, gid, body) or unknown(topic)


def unknown(topic: str) -> Parsed:
    return Parsed(UnknownFacts(), About("topic", topic))


def _utf8(body: bytes) -> None:
    """The whole body, also where nobody reads it: half-readable bodies are no facts."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Reject(RejectReason.UNREADABLE, f"no UTF-8 at byte {error.start}") from error

"""Every rule there is, in one table. A new rule is a line here, its class in its use case's file, and its test."""

from __future__ import annotations

from collections.abc import Mapping

from stages.rules.approvals import ApprovalRequired
from stages.rules.checkouts import CheckoutAbandoned
from stages.rules.cover import InventoryCover
from stages.rules.degraded import PipelineDegraded
from stages.rules.disputes import DisputeEvidenceDue
from stages.rules.fulfillments import FulfillmentPacked, FulfillmentShipped
from stages.rules.inventory import InventoryLow, InventoryOut, InventoryOversold
from stages.rules.jobs import JobFailed, JobOverdue
from stages.rules.order_addresses import OrderAddressInvalid
from stages.rules.order_payments import OrderPaymentPending
from stages.rules.order_reviews import OrderManualReview
from stages.rules.order_risks import OrderHighRisk
from stages.rules.partials import FulfillmentPartial
from stages.rules.payments import PaymentDeclined, PaymentProviderFailing, PaymentVelocity
from stages.rules.recoveries import PaymentRecovered
from stages.rules.refunds import RefundDue, RefundFailed
from stages.rules.returns import MILESTONES as RETURN_MILESTONES
from stages.rules.returns import ReturnNotArrived, ReturnUndecided
from stages.rules.rule import Rule
from stages.rules.shipments import ShipmentException, ShipmentStalled
from stages.rules.silence import SyncStopped
from stages.rules.storefront import PrivacyRequest, StorefrontCritical
from stages.rules.subscribed import SubscriptionMissing

RULES: tuple[Rule, ...] = (
    # 1: orders that need somebody
    OrderHighRisk(),
    OrderPaymentPending(),
    OrderAddressInvalid(),
    OrderManualReview(),
    # 2: fulfillments and parcels
    FulfillmentPacked(),
    FulfillmentShipped(),
    FulfillmentPartial(),
    ShipmentException(),
    ShipmentStalled(),
    # 3: low inventory
    InventoryLow(),
    InventoryOut(),
    InventoryOversold(),
    InventoryCover(),
    # 4: payments and checkouts
    PaymentDeclined(),
    PaymentVelocity(),
    PaymentProviderFailing(),
    CheckoutAbandoned(),
    PaymentRecovered(),  # behind those whose ends it tells
    # 5: approvals
    ApprovalRequired(),
    # 6: returns, refunds, disputes
    *RETURN_MILESTONES,
    ReturnUndecided(),
    ReturnNotArrived(),
    RefundDue(),
    RefundFailed(),
    DisputeEvidenceDue(),
    # 7: jobs, storefront, ourselves
    JobFailed(),
    JobOverdue(),
    SyncStopped(),
    SubscriptionMissing(),
    StorefrontCritical(),
    PipelineDegraded(),
    PrivacyRequest(),
)

#: Which rules look at a subject of that kind, in the order of the table.
WATCHING: Mapping[str, tuple[Rule, ...]] = {
    kind: tuple(rule for rule in RULES if kind in rule.watches)
    for kind in {kind for rule in RULES for kind in rule.watches}
}

NAMES = frozenset(rule.name for rule in RULES)

"""Every kind of facts there is."""

from __future__ import annotations

from schemas.facts.operations import (
    AppSubscriptionFacts,
    AuditFacts,
    BulkOperationFacts,
    DomainFacts,
    LocationFacts,
    PrivacyFacts,
    ScopesFacts,
    ShopFacts,
    SubscriptionsFacts,
    SyncFacts,
    ThemeFacts,
    UnknownFacts,
)
from schemas.facts.orders import (
    CustomerFacts,
    HoldFacts,
    OrderDeletedFacts,
    OrderEditFacts,
    OrderFacts,
    ProtectFacts,
    RiskFacts,
)
from schemas.facts.payments import (
    CheckoutFacts,
    DraftFacts,
    PaymentScheduleFacts,
    PaymentTermsFacts,
    TenderFacts,
    TransactionFacts,
)
from schemas.facts.returns import DispositionFacts, DisputeFacts, RefundFacts, ReturnFacts, ReverseDeliveryFacts
from schemas.facts.shipments import FulfillmentFacts, FulfillmentOrderFacts, ParcelsFacts, RoutingFacts, ShipmentFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, ProductFacts, SoldFacts, VariantFacts

AnyFacts = (
    OrderFacts
    | OrderEditFacts
    | CustomerFacts
    | OrderDeletedFacts
    | RiskFacts
    | ProtectFacts
    | HoldFacts
    | FulfillmentOrderFacts
    | RoutingFacts
    | FulfillmentFacts
    | ShipmentFacts
    | ParcelsFacts
    | InventoryFacts
    | InventoryItemFacts
    | ProductFacts
    | SoldFacts
    | VariantFacts
    | CheckoutFacts
    | TransactionFacts
    | TenderFacts
    | PaymentTermsFacts
    | PaymentScheduleFacts
    | DraftFacts
    | ReturnFacts
    | ReverseDeliveryFacts
    | DispositionFacts
    | RefundFacts
    | DisputeFacts
    | ShopFacts
    | SyncFacts
    | SubscriptionsFacts
    | ScopesFacts
    | AppSubscriptionFacts
    | BulkOperationFacts
    | ThemeFacts
    | DomainFacts
    | LocationFacts
    | PrivacyFacts
    | AuditFacts
    | UnknownFacts
)

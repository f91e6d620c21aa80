"""Shopify, played: signed webhooks out, Admin GraphQL in. Facts: its documentation and its introspection, 2026-04."""

from pipeline.simulators.shopify.admin import Admin, AdminFault, AdminSettings
from pipeline.simulators.shopify.application import ShopifySimulator
from pipeline.simulators.shopify.deliveries import Delivery, EventDelivery, signature
from pipeline.simulators.shopify.sending import Outcome, Sender
from pipeline.simulators.shopify.store import Store

__all__ = [
    "Admin",
    "AdminFault",
    "AdminSettings",
    "Delivery",
    "EventDelivery",
    "Outcome",
    "Sender",
    "ShopifySimulator",
    "Store",
    "signature",
]

"""Use case 7: jobs that fail and jobs that never end, an export of Shopify's that failed, a scope that was taken away,
and a customer who asks what is known of them."""

from __future__ import annotations

from msgspec import structs

from pipeline.simulators.samples import Json, sample
from pipeline.simulators.scenario.shelf import REGULAR
from pipeline.simulators.scenario.telling import Telling
from pipeline.simulators.shopify.graph import gid
from pipeline.simulators.shopify.shops import AccessScope, AppInstallation
from pipeline.simulators.shopify.store import SCOPES

#: The jobs of this day; a configuration that watches them names them so.
EXPORT, FEED = "erp-export", "feed-sync"
#: The scope that is taken away and given back.
LOST = "read_returns"


def tell(told: Telling) -> None:
    told.use_case = 7
    _jobs(told)
    _bulk(told)
    _scopes(told)
    _privacy(told)


def _jobs(told: Telling) -> None:
    told.job(50, EXPORT, "start", "nothing: it runs")
    told.job(58, EXPORT, "success", "nothing: it is done")
    told.job(110, EXPORT, "start", "nothing: it runs")
    told.job(115, EXPORT, "fail", "job-failed fires", "The ERP refused 14 orders: unknown tax code.")
    told.job(170, EXPORT, "start", "nothing: it runs again")
    told.job(178, EXPORT, "success", "job-failed ends")
    told.job(730, FEED, "start", "job-overdue fires, when its longest time is over")
    told.job(851, FEED, "success", "job-overdue ends")


def _bulk(told: Telling) -> None:
    told.webhook(
        330, "bulk_operations/finish", _bulk_body(told, 330, "failed"), "job-failed fires: Shopify's own export"
    )
    told.webhook(896, "bulk_operations/finish", _bulk_body(told, 896, "completed"), "job-failed ends")


def _bulk_body(told: Telling, minute: float, status: str) -> Json:
    return sample("bulk_operations/finish") | {
        "admin_graphql_api_id": gid("BulkOperation", told.number()),
        "status": status,
        "error_code": "internal_server_error" if status == "failed" else None,
        "created_at": told.stamp(minute - 20),
        "completed_at": told.stamp(minute) if status == "completed" else None,
    }


def _scopes(told: Telling) -> None:
    every = list(SCOPES)
    fewer = [scope for scope in SCOPES if scope != LOST]
    _scoped(told, 450, every, fewer, "storefront-critical fires, where the scope is required")
    _scoped(told, 524, fewer, every, "storefront-critical ends: the scope is back")


def _scoped(told: Telling, minute: float, before: list[str], now: list[str], why: str) -> None:
    """Shopify shows no body of this topic: the keys are those that its documentation names."""
    granted = tuple(AccessScope(handle=scope) for scope in now)
    told.change(minute, structs.replace(AppInstallation(id=gid("AppInstallation", 1)), access_scopes=granted))
    body: Json = {"previous": before, "current": now, "updated_at": told.stamp(minute)}
    told.webhook(minute, "app/scopes_update", body, why)


def _privacy(told: Telling) -> None:
    body = sample("customers/data_request") | {
        "shop_domain": told.shop,
        "customer": {"id": REGULAR, "email": "customer@example.com", "phone": "502-555-0113"},
        "orders_requested": [],
        "data_request": {"id": told.number()},
    }
    told.webhook(1002, "customers/data_request", body, "privacy-request fires: thirty days are left")

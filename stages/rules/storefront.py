"""Use case 7, the storefront: the app gone or cut short, the shop shut, what it is made of, and privacy.

A privacy request stays open, with its deadline, until somebody acknowledges it as done; nobody can yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.alerts import Audience, Severity
from schemas.facts.operations import PrivacyFacts, ScopesFacts, ShopFacts
from schemas.signals import ShopHeard, ShopShut, TokenRefused
from stages.dossiers.registers import Known
from stages.dossiers.storefronts import GRANTED
from stages.rules.rule import Case, Clear, Fire, Said, Verdict, admin_link, details
from stages.rules.storefront_parts import PARTS
from stages.rules.words import moment

SHUT_PLANS = frozenset({"frozen", "cancelled", "canceled", "fraudulent"})
#: Paused: not what has to be told, and no end of it either.
_PAUSED_PLANS = frozenset({"dormant", "paused"})
PRIVACY_DAYS = timedelta(days=30)
_SHOWN_SCOPES = 3
#: Those that our subscriptions and questions need.
OUR_SCOPES = frozenset(
    {
        *("read_orders", "read_customers", "read_products", "read_inventory", "read_returns", "read_fulfillments"),
        *("read_merchant_managed_fulfillment_orders", "read_payment_terms", "read_shopify_payments_disputes"),
    }
)
_TO = (Audience.IT_SUPPORT, Audience.ECOMMERCE)


_REQUESTS = {
    "customers/data_request": (
        "A customer asks what is stored about them: answer by",
        "Collect what your other systems hold of this customer, and send it to them.",
    ),
    "customers/redact": (
        "A customer's data must be erased by",
        "Erase what your other systems hold of this customer.",
    ),
}


@dataclass(frozen=True, slots=True)
class StorefrontCritical:
    name: str = "storefront-critical"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"shop", *PARTS})

    def judge(self, case: Case) -> Iterator[Verdict]:
        if case.kind == "shop":
            yield from _uninstalled(case)
            yield from _scopes(case)
            yield from _plan(case)
            yield from _shut(case)
            yield from _password(case)
        for part in PARTS.get(case.kind, ()):
            yield from part(case)


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    name: str = "privacy-request"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"customer", "shop"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        for known in case.dossier.every(PrivacyFacts):
            if (asked := _REQUESTS.get(known.kind)) is not None:
                request = known.value.request_id or known.stamp.delivery
                yield Fire(_request(case, known, *asked), f"{known.kind}/{request}")


# --- the shop and the app ---------------------------------------------------------------------------------------------


def _uninstalled(case: Case) -> Iterator[Verdict]:
    """Whatever the shop tells of the app afterwards says that it is installed again."""
    since = _gone(case)
    if since is None:
        return
    if any(at > since for at in _heard(case)):
        yield Clear("the app is installed again", "uninstalled")
        return
    title = f"The app was uninstalled from {case.shop}"
    step = "If nobody meant to, install the app again."
    lines = {"meanwhile": "no events arrive, and nothing can be looked up"}
    said = _said(case, title, (Severity.CRITICAL, since), step, "settings/apps", **lines)
    yield Fire(said, "uninstalled")


def _gone(case: Case) -> datetime | None:
    """When the app was uninstalled last."""
    gone = [known.stamp.occurred for known in case.dossier.every(ShopFacts) if known.value.uninstalled]
    return gone[-1] if gone else None


def _heard(case: Case) -> Iterator[datetime]:
    """When the app was surely there."""
    for shop in case.dossier.every(ShopFacts):
        if not shop.value.uninstalled:
            yield shop.stamp.occurred
    for scopes in case.dossier.every(ScopesFacts):
        if scopes.value.current:
            yield scopes.stamp.occurred
    for token in case.dossier.reports(TokenRefused):
        if not token.value.refused:
            yield token.stamp.occurred
    for heard in case.dossier.reports(ShopHeard):
        yield heard.stamp.occurred


def _scopes(case: Case) -> Iterator[Verdict]:
    """An app that was uninstalled is granted nothing, which is no news of its own."""
    gone = _gone(case)
    if gone is not None and not any(at > gone for at in _heard(case)):
        yield Clear("the app was uninstalled", "scopes")
        return
    told = [known for known in case.dossier.every(ScopesFacts) if "current" not in known.value.absent]
    if not told:
        return
    known, missing = told[-1], _missing(case, told[-1])
    if not missing:
        yield Clear("all required scopes are granted", "scopes")
        return
    many = "s" if len(missing) > 1 else ""
    title = f"{case.shop} does not grant the required scope{many} {_first_of(missing)}"
    step = f"Ask for the scope{many} again in the app's settings."
    lines = {
        "missing": ", ".join(missing) if len(missing) > _SHOWN_SCOPES else "",
        "taken_away_now": ", ".join(scope for scope in missing if _is_granted(scope, known.value.previous)),
        "meanwhile": "what needs it stays unknown, and alerts say so",
    }
    said = _said(case, title, (Severity.CRITICAL, known.stamp.occurred), step, "settings/apps", **lines)
    yield Fire(said, "scopes", level=len(missing))


def _missing(case: Case, known: Known[ScopesFacts]) -> list[str]:
    """Of those that the configuration requires; without any, of ours what was granted before."""
    required = case.configuration.rules.operations.required_scopes
    if required is None:
        granted = case.dossier.spans.get(GRANTED, {})
        before = [scope for scope, span in granted.items() if span.first < known.stamp.updated]
        required = tuple(sorted(scope for scope in OUR_SCOPES if _is_granted(scope, before)))
    return [scope for scope in required if not _is_granted(scope, known.value.current)]


def _first_of(scopes: list[str]) -> str:
    more = len(scopes) - _SHOWN_SCOPES
    return ", ".join(scopes[:_SHOWN_SCOPES]) + (f" and {more} more" if more > 0 else "")


def _is_granted(scope: str, granted: Collection[str]) -> bool:
    """Who may write may read: Shopify then need not name the smaller scope."""
    return scope in granted or (scope.startswith("read_") and f"write_{scope.removeprefix('read_')}" in granted)


def _plan(case: Case) -> Iterator[Verdict]:
    shop = _newest_with(case, "plan")
    if shop is None or shop.value.plan is None or shop.value.plan in _PAUSED_PLANS:
        return
    if shop.value.plan not in SHUT_PLANS:
        yield Clear(f"the plan is {shop.value.plan}", "plan")
        return
    title = f"{case.shop} is shut: Shopify calls its plan {shop.value.plan}"
    step = "Settle it with Shopify's billing or support."
    yield Fire(_said(case, title, (Severity.CRITICAL, shop.stamp.occurred), step, "settings/plan"), "plan")


def _shut(case: Case) -> Iterator[Verdict]:
    """What Shopify's API answers instead of an answer: it wants to be paid first, or has locked the shop."""
    told = case.dossier.reports(ShopShut)
    if not told:
        return
    newest = told[-1].value
    if newest.status is None:
        yield Clear("Shopify's API answers for it again", "api")
        return
    why = {402: "it has to pay Shopify first", 423: "it is locked"}.get(newest.status, "it is shut")
    title = f"Shopify's API answers {newest.status} for {case.shop}: {why}"
    step = "Settle it with Shopify's billing or support."
    lines = {"meanwhile": "nothing can be looked up, and alerts say what they lack"}
    yield Fire(_said(case, title, (Severity.CRITICAL, newest.occurred), step, "settings/plan", **lines), "api")


def _password(case: Case) -> Iterator[Verdict]:
    """Turned on: a shop that was always behind a password is one that is not open yet."""
    since, off = case.dossier.since("password", "on"), case.dossier.spans.get("password", {}).get("off")
    shop = _newest_with(case, "password_enabled")
    if shop is None:
        return
    if not shop.value.password_enabled:
        yield Clear("the storefront is open again", "password")
    elif off is not None and since is not None and off.first < since:
        title = f"Nobody can buy: the storefront of {case.shop} is behind a password"
        step = "If nobody meant to, take the password off."
        lines = {"last_seen_open": moment(off.last)} if off.last < since else {}
        said = _said(case, title, (Severity.CRITICAL, since), step, "online_store/preferences", **lines)
        yield Fire(said, "password")


def _newest_with(case: Case, name: str) -> Known[ShopFacts] | None:
    found = [known for known in case.dossier.every(ShopFacts) if getattr(known.value, name) is not None]
    return found[-1] if found else None


def _said(case: Case, title: str, how: tuple[Severity, datetime], step: str, path: str, **lines: str) -> Said:
    severity, since = how
    return Said(
        title=title,
        since=since,
        severity=severity,
        audiences=_TO,
        details=details(shop=case.shop, **lines),
        next_step=step,
        link=admin_link(case.shop, path),
    )


# --- privacy ----------------------------------------------------------------------------------------------------------


def _request(case: Case, known: Known[PrivacyFacts], title: str, step: str) -> Said:
    facts, owner = known.value, case.configuration.privacy.owner_team
    due = (known.stamp.occurred + PRIVACY_DAYS).astimezone(UTC)
    days = case.configuration.kafka.raw_retention_days
    return Said(
        title=f"{title} {due:%d %b %Y}",
        since=known.stamp.occurred,
        severity=Severity.WARNING,
        audiences=(Audience.PRIVACY,),
        details=details(
            shop=case.shop,
            customer=facts.customer_id,
            orders=", ".join(map(str, facts.orders)),
            request=facts.request_id,
            in_this_pipeline=f"original bodies are deleted after {days} days; ids and amounts stay, without names",
        ),
        next_step=step,
        link=admin_link(case.shop, f"customers/{facts.customer_id}") if facts.customer_id else None,
        unknown=() if facts.customer_id else ("which customer: the request carries no id of one",),
        teams=(owner,) if owner else (),
    )

"""Use case 7, the storefront and ourselves: the app gone or cut short, the shop shut, a refused token, privacy.

Not yet: domains and TLS, themes, locations, billing, subscriptions, silence of webhooks. Privacy requests cannot be
acknowledged yet: they are told once, with their deadline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.alerts import Audience, Severity
from schemas.facts import PrivacyFacts, ScopesFacts, ShopFacts
from schemas.signals import TokenRefused
from stages.registers import Known
from stages.rules.rule import Case, Clear, Fire, Said, Tell, Verdict, admin_link, details

SHUT_PLANS = frozenset({"frozen", "cancelled", "fraudulent"})
PRIVACY_DAYS = timedelta(days=30)
_TO = (Audience.IT_SUPPORT, Audience.ECOMMERCE)
_REQUESTS = {
    "customers/data_request": "A customer asks what is stored about them",
    "customers/redact": "A customer's data must be erased",
}


@dataclass(frozen=True, slots=True)
class StorefrontCritical:
    name: str = "storefront-critical"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"shop"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        yield from _uninstalled(case)
        yield from _scopes(case)
        yield from _plan(case)
        yield from _password(case)


@dataclass(frozen=True, slots=True)
class PipelineDegraded:
    """Of what we ourselves cannot do: only the shop's refused token yet. OpenText is told of by metrics."""

    name: str = "pipeline-degraded"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"shop"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        told = case.dossier.reports(TokenRefused)
        if not told:
            return
        newest = told[-1].value
        if not newest.refused:
            yield Clear("Shopify takes the token again", "token")
            return
        title = f"Shopify refuses the Admin token of {case.shop}"
        step = (
            "Install the app again, or give the pipeline a valid token; until then alerts lack what must be looked up."
        )
        yield Fire(_said(case, title, newest.occurred, Severity.WARNING, step), "token")


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    name: str = "privacy-request"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"customer", "shop"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        owner = case.configuration.privacy.owner_team
        for known in case.dossier.every(PrivacyFacts):
            if (title := _REQUESTS.get(known.kind)) is not None:
                yield Tell(
                    _request(case, known, title, owner),
                    f"{known.kind}/{known.value.request_id or known.stamp.delivery}",
                )


def _uninstalled(case: Case) -> Iterator[Verdict]:
    """Whatever the shop tells of the app afterwards says that it is installed again."""
    shops = case.dossier.every(ShopFacts)
    gone = [known for known in shops if known.value.uninstalled]
    if not gone:
        return
    since = gone[-1].stamp.occurred
    told = [known.stamp.occurred for known in shops] + [
        known.stamp.occurred for known in case.dossier.every(ScopesFacts)
    ]
    if any(at > since for at in told):
        yield Clear("the app is installed again", "uninstalled")
        return
    step = "If nobody meant to, install the app again: no events arrive, and nothing can be looked up, until then."
    yield Fire(_said(case, f"The app was uninstalled from {case.shop}", since, Severity.CRITICAL, step), "uninstalled")


def _scopes(case: Case) -> Iterator[Verdict]:
    scopes = case.dossier.every(ScopesFacts)
    if not scopes:
        return
    known, required = scopes[-1], case.configuration.rules.operations.required_scopes
    missing = [scope for scope in required if scope not in known.value.current]
    if not missing:
        yield Clear("all required scopes are granted", "scopes")
        return
    title = f"{case.shop} no longer grants {', '.join(missing)}"
    step = "Ask for the scope again in the app's settings: what needs it stays unknown until then."
    yield Fire(
        _said(case, title, known.stamp.occurred, Severity.CRITICAL, step, missing_scopes=", ".join(missing)), "scopes"
    )


def _plan(case: Case) -> Iterator[Verdict]:
    shop = _newest_with(case, "plan")
    if shop is None or shop.value.plan is None:
        return
    if shop.value.plan not in SHUT_PLANS:
        yield Clear(f"the plan is {shop.value.plan}", "plan")
        return
    title = f"The plan of {case.shop} is {shop.value.plan}"
    yield Fire(_said(case, title, shop.stamp.occurred, Severity.CRITICAL, "Settle it with Shopify's billing."), "plan")


def _password(case: Case) -> Iterator[Verdict]:
    """Turned on: a shop that was always behind a password is one that is not open yet."""
    since, off = case.dossier.since("password", "on"), case.dossier.spans.get("password", {}).get("off")
    shop = _newest_with(case, "password_enabled")
    if shop is None:
        return
    if not shop.value.password_enabled:
        yield Clear("the storefront is open again", "password")
    elif off is not None and since is not None and off.first < since:
        title = f"The storefront of {case.shop} is behind a password"
        step = "If nobody meant to, take the password off: nobody can buy."
        yield Fire(_said(case, title, since, Severity.CRITICAL, step), "password")


def _newest_with(case: Case, name: str) -> Known[ShopFacts] | None:
    found = [known for known in case.dossier.every(ShopFacts) if getattr(known.value, name) is not None]
    return found[-1] if found else None


def _request(case: Case, known: Known[PrivacyFacts], title: str, owner: str | None) -> Said:
    due = known.stamp.occurred + PRIVACY_DAYS
    return Said(
        title=f"{title}: answer by {due:%d %b %Y}",
        since=known.stamp.occurred,
        severity=Severity.WARNING,
        audiences=(Audience.PRIVACY,),
        details=details(
            customer=known.value.customer_id,
            orders=", ".join(map(str, known.value.orders)),
            request=known.value.request_id,
            here="original bodies are gone after their retention; what is derived carries ids only",
        ),
        next_step="Collect or erase what your other systems hold, and answer within 30 days.",
        link=admin_link(case.shop, f"customers/{known.value.customer_id}") if known.value.customer_id else None,
        teams=(owner,) if owner else (),
    )


def _said(case: Case, title: str, since: datetime, severity: Severity, step: str, **lines: str) -> Said:
    return Said(
        title=title,
        since=since,
        severity=severity,
        audiences=_TO,
        details=details(shop=case.shop, **lines),
        next_step=step,
        link=admin_link(case.shop, ""),
    )

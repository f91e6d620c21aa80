"""Use case 7, what a storefront is made of: its domains, its theme, its locations, and our own billing.

That a domain was the primary one is known where the shop has said so before, or where none but Shopify's own is left.
A theme that goes live outside of the hours of whoever hears of it is told once; a location that was shut with stock
cannot sell it. Not promised: TLS of a domain that no webhook has shown working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from schemas.alerts import Audience, Severity
from schemas.calendars import WorkingTime, WorkingUnit
from schemas.facts.operations import AppSubscriptionFacts, DomainFacts, LocationFacts, ShopFacts, ThemeFacts
from schemas.questions import QuestionKind
from stages.dossiers.registers import Known, Span
from stages.rules.rule import Case, Clear, Due, Fire, Said, Tell, Verdict, admin_link, details
from stages.rules.words import bounded, moment, spell

_TO = (Audience.ECOMMERCE, Audience.IT_SUPPORT)
_OWNERS = (Audience.APPLICATION_OWNERS,)
#: Every shop has one of these, and it cannot be removed.
_SHOPIFYS = ".myshopify.com"
#: So little work that nothing of it lies behind a moment in working hours.
_A_MINUTE = WorkingTime(amount=1, unit=WorkingUnit.MINUTES)
_BILLED_NO_MORE = frozenset({"cancelled", "canceled", "expired"})


# --- domains ----------------------------------------------------------------------------------------------------------


def _domains(case: Case) -> Iterator[Verdict]:
    """By host: a domain that is connected again is another one to Shopify."""
    newest = {known.value.host: known for known in case.dossier.every(DomainFacts) if known.value.host}
    for host, known in newest.items():
        yield from _removed(case, host, known)
        yield from _tls(case, host, known)


def _removed(case: Case, host: str, known: Known[DomainFacts]) -> Iterator[Verdict]:
    key, at = f"domain/{host}", known.stamp.occurred
    if not known.value.removed:
        yield Clear("the domain is connected again", key)
        return
    shown = case.dossier.spans.get("primary", {})
    later = [other for other, span in shown.items() if other != host and span.last >= at]
    own = [other for other in later if not other.endswith(_SHOPIFYS)]
    if own:
        yield Clear(f"{own[-1]} is the primary domain now", key)
    elif _was_primary(host, shown, at):
        yield Fire(_of_domain(case, host, at), key)
    elif any(span.first < at for span in shown.values()):
        yield Clear("another domain was the primary one", key)
    elif later:
        yield Fire(_of_domain(case, host, at, "whether it was the primary one"), key)


def _was_primary(host: str, shown: Mapping[str, Span], at: datetime) -> bool:
    """Nothing else has become the primary one between the last sight of it and its removal."""
    span = shown.get(host)
    if span is None or span.first > at:
        return False
    return not any(other.first > span.last and other.first < at for name, other in shown.items() if name != host)


def _of_domain(case: Case, host: str, at: datetime, *unknown: str) -> Said:
    title = f"The primary domain {bounded(host)} was removed from {case.shop}"
    if unknown:
        title = f"The domain {bounded(host)} was removed from {case.shop}, and none of its own is the primary one"
    return Said(
        title=title,
        since=at,
        severity=Severity.CRITICAL,
        audiences=_TO,
        details=details(shop=case.shop, domain=host, meanwhile="links and bookmarks to it lead nowhere"),
        next_step="Connect the domain again, or make another one the primary domain.",
        link=admin_link(case.shop, "settings/domains"),
        unknown=unknown,
    )


def _tls(case: Case, host: str, known: Known[DomainFacts]) -> Iterator[Verdict]:
    """Off for a while after it was on: a new domain gets its certificate within the hour."""
    key, shown = f"tls/{host}", case.dossier.spans.get(f"tls/{host}", {})
    on, off, since = shown.get("on"), shown.get("off"), case.dossier.since(f"tls/{host}", "off")
    if known.value.removed:
        yield Clear("the domain was removed", key)
    elif on is None or off is None or since is None:
        return
    elif on.last >= off.last:
        yield Clear("it is served over TLS again", key)
    elif on.first < since:
        after = case.configuration.rules.operations.tls_off_after
        yield Due(_of_tls(case, host, since, on), since + after, key, ask=QuestionKind.SHOP)


def _of_tls(case: Case, host: str, since: datetime, on: Span) -> Said:
    after = case.configuration.rules.operations.tls_off_after
    primary = case.dossier.newest(ShopFacts)
    is_told = primary is not None and primary.primary == host
    return Said(
        title=f"{bounded(host)} has been without TLS for {spell(after)}: browsers warn of it",
        since=since,
        severity=Severity.CRITICAL,
        audiences=_TO,
        details=details(shop=case.shop, domain=host, last_seen_with_tls=moment(on.last)),
        next_step="Check the domain's DNS records and its certificate in the domain settings.",
        link=admin_link(case.shop, "settings/domains"),
        unknown=() if is_told else ("whether it is so still: Shopify tells that of the primary domain only",),
        end=f"{bounded(host)} was without TLS",
    )


# --- the theme --------------------------------------------------------------------------------------------------------


def _themes(case: Case) -> Iterator[Verdict]:
    """By its own time: the same theme may be published again."""
    for known in case.dossier.every(ThemeFacts):
        theme, at = known.value, known.stamp.updated
        if known.kind == "themes/publish" and theme.role == "main" and _is_out_of_hours(case, at):
            yield Tell(_of_theme(case, theme, at), f"theme/{theme.id}/{at.isoformat()}")


def _is_out_of_hours(case: Case, at: datetime) -> bool:
    return case.after(at, _A_MINUTE, Audience.ECOMMERCE, Severity.CRITICAL) > at + timedelta(minutes=1)


def _of_theme(case: Case, theme: ThemeFacts, at: datetime) -> Said:
    return Said(
        title=f"The theme {bounded(theme.name or str(theme.id))} went live on {case.shop} outside of working hours",
        since=at,
        severity=Severity.CRITICAL,
        audiences=_TO,
        details=details(shop=case.shop, theme=theme.name, published=moment(at)),
        next_step="Look at the storefront, ask who published it, and go back to the theme before if nobody meant to.",
        link=admin_link(case.shop, "themes"),
    )


# --- locations --------------------------------------------------------------------------------------------------------


def _location(case: Case) -> Iterator[Verdict]:
    told = case.dossier.every(LocationFacts)
    if not told:
        return
    location, since = told[-1].value, told[-1].stamp.occurred
    if location.active:
        yield Clear("the location is active again")
    elif location.has_stock is False:
        yield Clear("nothing is stocked there")
    elif location.active is False and location.has_stock:
        said = Said(
            title=f"The location {bounded(location.name or str(location.id))} was deactivated with stock in it",
            since=since,
            severity=Severity.CRITICAL,
            audiences=(*_TO, Audience.WAREHOUSE),
            details=details(shop=case.shop, location=location.name, meanwhile="what it stocks cannot be sold"),
            next_step="Activate it again, or move its stock to another location.",
            link=admin_link(case.shop, f"settings/locations/{location.id}"),
        )
        yield Fire(said)


# --- our billing ------------------------------------------------------------------------------------------------------


def _billing(case: Case) -> Iterator[Verdict]:
    told = case.dossier.every(AppSubscriptionFacts)
    if told:
        yield from _frozen(case, told[-1])
    for known in told:
        if known.value.capped:
            title = f"The charges of the app for {case.shop} come near to their cap"
            step = "Ask the merchant to raise the cap, before charges are refused."
            said = _of_billing(case, known, title, Severity.WARNING, step)
            yield Tell(said, f"capped/{known.stamp.occurred:%Y-%m}")


def _frozen(case: Case, known: Known[AppSubscriptionFacts]) -> Iterator[Verdict]:
    status = known.value.status
    if status == "active":
        yield Clear("the subscription is active again", "frozen")
    elif status in _BILLED_NO_MORE:
        yield Clear(f"the subscription is {status}", "frozen")
    elif status == "frozen":
        title = f"The app's subscription of {case.shop} is frozen: the shop does not pay"
        step = "Ask the merchant to settle the bill with Shopify."
        yield Fire(_of_billing(case, known, title, Severity.CRITICAL, step), "frozen")


def _of_billing(case: Case, known: Known[AppSubscriptionFacts], title: str, severity: Severity, step: str) -> Said:
    return Said(
        title=title,
        since=known.stamp.occurred,
        severity=severity,
        audiences=_OWNERS,
        details=details(shop=case.shop, plan=known.value.name, price=known.value.price, cap=known.value.cap),
        next_step=step,
        link=admin_link(case.shop, "settings/billing"),
    )


#: By the kind of subject: what of the storefront it is judged for.
PARTS: Mapping[str, tuple[Callable[[Case], Iterator[Verdict]], ...]] = {
    "shop": (_domains, _themes),
    "location": (_location,),
    "app-subscription": (_billing,),
}

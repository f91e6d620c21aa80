"""Use case 7, subscriptions: one that was made for a shop through the Admin API is absent, or not as it should be.

Shopify removes such a subscription after some failures and tells nobody. It is asked every hour, from the shop's first
webhook on. Not promised: the app's own subscriptions, of its TOML file, which the API does not show: only their silence
tells; and a shop that has never sent anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.alerts import Audience, Severity
from schemas.configuration import Subscription
from schemas.facts.operations import Subscribed, SubscriptionsFacts
from schemas.questions import QuestionKind
from schemas.signals import ShopHeard
from stages.dossiers.registers import Known
from stages.rules.rule import Again, Case, Clear, Fire, Said, Verdict, admin_link, details
from stages.rules.words import moment

EVERY = timedelta(hours=1)
_TO = (Audience.IT_SUPPORT, Audience.APPLICATION_OWNERS)


@dataclass(frozen=True, slots=True)
class SubscriptionMissing:
    """By topic; of one topic with several subscriptions by their order in the configuration."""

    name: str = "subscription-missing"
    use_case: int = 7
    watches: frozenset[str] = frozenset({"shop"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        wanted = _wanted(case)
        for key in sorted(case.open - wanted.keys()):
            yield Clear("it is not wanted any more", key)
        told = case.dossier.every(SubscriptionsFacts)
        if not wanted:
            yield Clear("no subscription is wanted", "look")
            return
        if told and told[-1].value.subscriptions is not None:
            for key, one in wanted.items():
                yield _judged(case, key, one, told[-1])
        begun = [known.stamp.occurred for known in case.dossier.reports(ShopHeard)]
        if told or begun:
            at = told[-1].stamp.occurred + EVERY if told else begun[0]
            yield Again(at, "look", QuestionKind.SUBSCRIPTIONS)


def _wanted(case: Case) -> Mapping[str, Subscription]:
    shop = case.configuration.shop(case.shop)
    found: dict[str, Subscription] = {}
    for one in shop.subscriptions if shop else ():
        number = sum(other.topic == one.topic for other in found.values())
        found[f"{one.topic}/{number}" if number else one.topic] = one
    return found


def _judged(case: Case, key: str, wanted: Subscription, told: Known[SubscriptionsFacts]) -> Verdict:
    of_topic = [each for each in told.value.subscriptions or () if each.topic == wanted.topic]
    differing = [_differences(wanted, each) for each in of_topic]
    if {} in differing:
        return Clear("the subscription is there again", key)
    nearest = min(differing, key=len, default=None)
    return Fire(_said(case, wanted, told.stamp.occurred, nearest), key)


def _differences(wanted: Subscription, there: Subscribed) -> Mapping[str, str]:
    """By what it is: how it is, where it is not as wanted."""
    found = {}
    if wanted.uri is not None and wanted.uri != there.uri:
        found["address"] = there.uri or "none"
    if wanted.filter is not None and wanted.filter != (there.filter or ""):
        found["filter"] = there.filter or "none"
    if wanted.include_fields is not None and set(wanted.include_fields) != set(there.include_fields):
        found["fields"] = ", ".join(there.include_fields) or "all"
    return found


def _said(case: Case, wanted: Subscription, at: datetime, nearest: Mapping[str, str] | None) -> Said:
    title = f"The subscription to {wanted.topic} of {case.shop} is not there: its webhooks do not come"
    if nearest is not None:
        title = f"The subscription to {wanted.topic} of {case.shop} is not as wanted: {', '.join(nearest)}"
    return Said(
        title=title,
        since=at,
        severity=Severity.CRITICAL,
        audiences=_TO,
        details=details(
            shop=case.shop,
            topic=wanted.topic,
            **{f"{name}_there": value for name, value in (nearest or {}).items()},
            address_wanted=wanted.uri,
            filter_wanted=wanted.filter,
            fields_wanted=", ".join(wanted.include_fields or ()),
            seen=moment(at),
        ),
        next_step="Make the subscription again, and fetch what has changed meanwhile.",
        link=admin_link(case.shop, "settings/notifications/webhooks"),
        end=f"The subscription to {wanted.topic} of {case.shop} was not as wanted",
    )

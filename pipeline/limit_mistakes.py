"""What is wrong with the numbers and times of the rules, where the types let it pass: no share, no time, no amount."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches

from pipeline.document import Mistake
from schemas.configuration import Configuration, Job, OrderRules
from stages.rules.fulfillments import PREPARED
from stages.rules.parcels import KNOWN
from stages.rules.storefront import OUR_SCOPES

_SCOPE = re.compile(r"(unauthenticated_|customer_)?(read|write)_[a-z_]+")
#: Some of Shopify's; it has more, and new ones.
_KNOWN_SCOPES = (
    *sorted(OUR_SCOPES),
    *("read_all_orders", "read_draft_orders", "read_checkouts", "read_themes", "read_locations"),
    *("read_assigned_fulfillment_orders", "read_third_party_fulfillment_orders"),
)
_SURE, _NEARLY = 0.93, 0.85


def in_limits(whole: Configuration) -> Iterator[Mistake]:
    yield from _shares(whole)
    yield from _amounts(whole)
    yield from _times(whole)
    for number, job in enumerate(whole.rules.operations.jobs):
        yield from _job(job, f"rules.operations.jobs[{number}]")
    yield from _scopes(whole.rules.operations.required_scopes or (), "rules.operations.required_scopes")
    yield from _words(whole.rules.fulfillment.packed_when, "rules.fulfillment.packed_when")


def _shares(whole: Configuration) -> Iterator[Mistake]:
    margin = whole.rules.inventory.margin
    if not 0 <= margin <= 1:
        yield Mistake("rules.inventory.margin", f"{margin} is no share from 0 to 1; 20 % is written 0.2")


def _amounts(whole: Configuration) -> Iterator[Mistake]:
    amounts: tuple[tuple[str, Decimal | None], ...] = (
        ("rules.premium.spent_from", whole.rules.premium.spent_from),
        ("rules.payments.abandoned_alert_from", whole.rules.payments.abandoned_alert_from),
    )
    if whole.rules.premium.spent_currency is not None and whole.rules.premium.spent_from is None:
        yield Mistake("rules.premium.spent_currency", "of which amount? set `spent_from` beside it")
    for path, amount in amounts:
        if amount is not None and amount < 0:
            yield Mistake(path, f"nothing comes to less than nothing: {amount} is every amount; leave it out")


def _times(whole: Configuration) -> Iterator[Mistake]:
    stock, payments = whole.rules.inventory, whole.rules.payments
    yield from _authorizations(whole.rules.orders)
    yield from _gateways(whole.rules.orders)
    if stock.cover_above < stock.cover_below:
        says = "is shorter than `cover_below`, so that what is low would never be enough again"
        yield Mistake("rules.inventory.cover_above", says)
    windows: tuple[tuple[str, timedelta], ...] = (
        ("rules.payments.velocity_window", payments.velocity_window),
        ("rules.payments.velocity_card_window", payments.velocity_card_window),
        ("rules.payments.provider_window", payments.provider_window),
        ("rules.operations.sync.unknown_rhythm", whole.rules.operations.sync.unknown_rhythm),
    )
    for path, window in windows:
        if not window:
            yield Mistake(path, "nothing happens in no time; leave it out for the default")


def _gateways(rules: OrderRules) -> Iterator[Mistake]:
    for number, name in enumerate(rules.cash_on_delivery_gateways):
        if not name.strip():
            yield Mistake(f"rules.orders.cash_on_delivery_gateways[{number}]", "an empty name fits every gateway")


def _authorizations(rules: OrderRules) -> Iterator[Mistake]:
    """Where the warning comes no later than the authorization itself, every order would be told of at once."""
    lengths = {"authorization_lasts": rules.authorization_lasts}
    lengths |= {
        f"authorization_lasts_by_gateway.{name}": each for name, each in rules.authorization_lasts_by_gateway.items()
    }
    for name, length in lengths.items():
        if length <= rules.authorization_warning_before:
            says = "is no longer than `authorization_warning_before`, so that every authorization would be told at once"
            yield Mistake(f"rules.orders.{name}", says)


def _job(job: Job, path: str) -> Iterator[Mistake]:
    for name, length in (("every", job.every), ("max_runtime", job.max_runtime)):
        if length == timedelta():
            yield Mistake(f"{path}.{name}", "no job is done in no time; leave it out where nobody waits for it")


def _scopes(scopes: Sequence[str], path: str) -> Iterator[Mistake]:
    for number, scope in enumerate(scopes):
        close = get_close_matches(scope, _KNOWN_SCOPES, n=1, cutoff=_SURE)
        if not _SCOPE.fullmatch(scope):
            yield Mistake(f"{path}[{number}]", f"`{scope}` is no scope of Shopify's, like read_orders")
        elif close and scope not in _KNOWN_SCOPES:
            yield Mistake(f"{path}[{number}]", f"`{scope}` is no scope of Shopify's; did you mean `{close[0]}`?")


def _words(words: Sequence[str], path: str) -> Iterator[Mistake]:
    """Shopify may have new ones: only what is nearly one is wrong."""
    known = sorted(KNOWN | PREPARED)
    for number, word in enumerate(words):
        close = get_close_matches(word.lower(), known, n=1, cutoff=_NEARLY)
        if close and word.lower() not in known:
            yield Mistake(f"{path}[{number}]", f"`{word}` is no word of Shopify's; did you mean `{close[0]}`?")

"""Order lines, addresses, terms and amounts: the parts that many bodies share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b

from msgspec import Raw

from schemas.facts.orders import Address, Line, Schedule, Terms
from schemas.money import Money
from stages.bodies.fields import NULL, Body, amount, count, flag, many, moment, money, number, one, text, word

_EDITIONS = 1000


class _Line(Body):
    id: Raw = NULL
    sku: Raw = NULL
    title: Raw = NULL
    variant_id: Raw = NULL
    product_id: Raw = NULL
    quantity: Raw = NULL
    current_quantity: Raw = NULL
    price: Raw = NULL
    requires_shipping: Raw = NULL
    gift_card: Raw = NULL


def lines(raw: Raw) -> tuple[Line, ...]:
    return tuple(
        Line(
            id=number(line.id),
            sku=text(line.sku),
            title=text(line.title),
            variant_id=number(line.variant_id),
            product_id=number(line.product_id),
            quantity=count(line.quantity) or 0,
            current_quantity=count(line.current_quantity),
            price=amount(line.price),
            requires_shipping=flag(line.requires_shipping),
            gift_card=flag(line.gift_card) or False,
        )
        for line in many(raw, _Line)
    )


def ships(found: tuple[Line, ...]) -> bool | None:
    """Does anything of it ship that was not taken off again? None where no line says so."""
    said = [line for line in found if line.requires_shipping is not None]
    return any(line.requires_shipping and line.current_quantity != 0 for line in said) if said else None


class _Address(Body):
    """`msgspec.UNSET` cannot stand for Raw: an absent key keeps the empty default, which is no JSON."""

    country: Raw = Raw(b"")
    country_code: Raw = Raw(b"")
    province: Raw = NULL
    province_code: Raw = NULL
    address1: Raw = Raw(b"")
    address2: Raw = NULL
    city: Raw = Raw(b"")
    zip: Raw = Raw(b"")


def address(raw: Raw) -> Address | None:
    found = one(raw, _Address)
    if found is None:
        return None
    country = text(found.country_code) or text(found.country)
    return Address(
        country=country,
        has_country=None if country is None and not (found.country or found.country_code) else country is not None,
        province=text(found.province_code) or text(found.province),
        has_address1=_is_there(found.address1),
        has_city=_is_there(found.city),
        has_zip=_is_there(found.zip),
        edition=edition(*map(text, (found.address1, found.address2, found.city, found.zip)), text(found.province_code)),
    )


def edition(*parts: str | None) -> int | None:
    """Of an address: street, addition, city, zip, province. None where no more than the province is known."""
    if not any(parts[:-1]):
        return None
    plain = "\n".join((part or "").strip().casefold() for part in parts)
    return int.from_bytes(blake2b(plain.encode(), digest_size=2).digest()) % _EDITIONS


def _is_there(raw: Raw) -> bool | None:
    """None: the key was absent, as Shopify does with personal data; nothing is known of it."""
    return text(raw) is not None if bytes(raw) else None


class _Schedule(Body):
    id: Raw = NULL
    due_at: Raw = NULL
    completed_at: Raw = NULL
    balance_due: Raw = NULL
    currency: Raw = NULL


class TermsBody(Body):
    id: Raw = NULL
    payment_terms_name: Raw = NULL
    payment_terms_type: Raw = NULL
    payment_schedules: Raw = NULL
    updated_at: Raw = NULL


def terms(found: TermsBody) -> Terms:
    schedules = tuple(
        Schedule(
            id=number(schedule.id),
            due=moment(schedule.due_at),
            completed=moment(schedule.completed_at),
            balance=money(schedule.balance_due, text(schedule.currency)),
        )
        for schedule in many(found.payment_schedules, _Schedule)
    )
    return Terms(text(found.payment_terms_name), word(found.payment_terms_type), first_due(schedules), schedules)


def first_due(schedules: Iterable[Schedule]) -> datetime | None:
    """Of those that are not completed yet."""
    return min((each.due for each in schedules if each.due is not None and each.completed is None), default=None)


class _Amounts(Body):
    shop_money: Raw = NULL
    presentment_money: Raw = NULL


class _Amount(Body):
    amount: Raw = NULL
    currency_code: Raw = NULL


def shop_money(raw: Raw) -> Money | None:
    """The shop's side of a `*_set`."""
    both = one(raw, _Amounts)
    return _money(both.shop_money) if both else None


def presented_money(raw: Raw) -> Money | None:
    """The side of a `*_set` that the customer saw."""
    both = one(raw, _Amounts)
    return _money(both.presentment_money) if both else None


def _money(raw: Raw) -> Money | None:
    found = one(raw, _Amount)
    return money(found.amount, text(found.currency_code)) if found else None

"""Money is a Decimal with its currency; it is never a float and never summed across currencies."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import get_currency_precision
from msgspec import Struct


class Money(Struct, frozen=True):
    """`amount` in the currency's major unit, exact; `currency` as Shopify wrote it (ISO 4217, or `XXX`)."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """A fraction has the places of its currency, whichever Shopify wrote: `1000 JPY`, `49.90 USD`, `1.500 KWD`."""
        whole, _, fraction = f"{self.amount:f}".partition(".")
        if fraction:
            places = get_currency_precision(self.currency)
            fraction = fraction.rstrip("0").ljust(places, "0")
        return f"{whole}.{fraction} {self.currency}" if fraction else f"{whole} {self.currency}"

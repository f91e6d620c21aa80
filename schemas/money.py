"""Money is a Decimal with its currency; it is never a float and never summed across currencies."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Money(Struct, frozen=True):
    """`amount` in the currency's major unit, exact; `currency` as Shopify wrote it (ISO 4217, or `XXX`)."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

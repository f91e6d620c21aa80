"""Amounts as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.money import Money


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("1000.0", "JPY", "1000 JPY"),
        ("1000.50", "JPY", "1000.5 JPY"),
        ("49.9", "USD", "49.90 USD"),
        ("250", "USD", "250 USD"),
        ("-12.3450", "KWD", "-12.345 KWD"),
        ("1.5", "KWD", "1.500 KWD"),
        ("0.00001", "USD", "0.00001 USD"),
        ("1E+3", "JPY", "1000 JPY"),
        ("5.0", "a word that is no currency", "5.00 a word that is no currency"),
    ],
)
def test_an_amount_has_the_places_of_its_currency_and_loses_none_of_its_own(
    amount: str, currency: str, words: str
) -> None:
    assert str(Money(Decimal(amount), currency)) == words

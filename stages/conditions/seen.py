"""What a condition may see: a stable set of names over what is known of a subject, by the kind of subject.

A fact that is not known is not there: `has(order.total)` tells. What is known to be empty is empty (`""`, `[]`), so
that a comparison with it is simply false. Amounts are numbers, in the shop's currency; tags, states and words of
Shopify's are in small letters, countries in capitals, all else as it was written. There is no clock: nothing would
look again when it has moved on. Not promised: exact sums of amounts, since CEL has no decimals; comparisons are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from schemas.facts.orders import Line
from stages.rules.rule import Case


class Kind(StrEnum):
    """The value is what stands in an error's sentence: "order.total is a number"."""

    TEXT = "a text"
    NUMBER = "a number"
    SHARE = "a share from 0.0 to 1.0"
    COUNT = "a whole number"
    TRUTH = "true or false"
    MOMENT = "a moment"
    TEXTS = "a list of texts"
    LINES = "a list of lines"


@dataclass(frozen=True, slots=True)
class Sight:
    """Of one condition of a rule: `key` says which one, where a subject can have several (a parcel, a return)."""

    case: Case
    key: str = ""

    @property
    def identity(self) -> int | None:
        """Of the parcel, return, refund or dispute that the key names."""
        found = self.key.partition("/")[0]
        return int(found) if found.isascii() and found.isdigit() else None


@dataclass(frozen=True, slots=True)
class Seen:
    """One name. `read` gives None for what is not known. `is_small`: it is there in small letters only,
    `is_capital` in capitals."""

    kind: Kind
    says: str
    read: Callable[[Sight], object]
    is_small: bool = False
    is_capital: bool = False


#: By field's name, and by variable's.
Names = Mapping[str, Seen]
Variables = Mapping[str, Names]

#: What a line of `order.lines` holds.
LINE: Mapping[str, Kind] = {
    "sku": Kind.TEXT,
    "title": Kind.TEXT,
    "product_id": Kind.COUNT,
    "variant_id": Kind.COUNT,
    "quantity": Kind.COUNT,
    "price": Kind.NUMBER,
    "ships": Kind.TRUTH,
    "gift_card": Kind.TRUTH,
}


def number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def small(words: Iterable[str]) -> list[str]:
    return [word.lower() for word in words]


def quantity_of(line: Line) -> int:
    return line.quantity if line.current_quantity is None else line.current_quantity


def standing(lines: Iterable[Line]) -> list[Line]:
    """Those that an edit has not removed."""
    return [line for line in lines if line.current_quantity != 0]


def lines_of(lines: Iterable[Line]) -> list[dict[str, object]]:
    return [_line(line) for line in standing(lines)]


def skus_of(lines: Iterable[Line]) -> list[str]:
    return [line.sku for line in standing(lines) if line.sku]


def units_of(lines: Iterable[Line]) -> int:
    return sum(quantity_of(line) for line in standing(lines))


def _line(line: Line) -> dict[str, object]:
    found: dict[str, object | None] = {
        "sku": line.sku or "",
        "title": line.title or "",
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "quantity": quantity_of(line),
        "price": number(line.price),
        "ships": line.requires_shipping,
        "gift_card": line.gift_card,
    }
    return {name: value for name, value in found.items() if value is not None}

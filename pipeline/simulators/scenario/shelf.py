"""What the shop sells, where it stands, and who buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pipeline.simulators.shopify.graph import MoneyV2, gid
from pipeline.simulators.shopify.people import Customer, CustomerStatistics

WAREHOUSE: Final = "Main warehouse"


@dataclass(frozen=True, slots=True)
class Goods:
    """One thing on the shelf. `price` in USD, with two digits."""

    sku: str
    title: str
    price: Decimal
    vendor: str
    item: int
    variant: int
    product: int
    tags: tuple[str, ...] = ()
    policy: str = "DENY"


SHIRT: Final = Goods(
    "SHIRT-LINEN-M", "Linen shirt, M", Decimal("49.90"), "Example Mills", 44100000000001, 43100000000001, 8100000000001
)
LAMP: Final = Goods(
    "LAMP-BRASS", "Brass desk lamp", Decimal("129.00"), "Example Lights", 44100000000002, 43100000000002, 8100000000002
)
CHAIR: Final = Goods(
    "CHAIR-OAK", "Oak chair", Decimal("250.00"), "Example Woodworks", 44100000000003, 43100000000003, 8100000000003
)
SOLVENT: Final = Goods(
    "SOLVENT-5L",
    "Lacquer solvent, 5 l",
    Decimal("89.00"),
    "Example Chemicals",
    44100000000004,
    43100000000004,
    8100000000004,
    tags=("export-control",),
)
SHELF: Final = (SHIRT, LAMP, CHAIR, SOLVENT)

NEWCOMER: Final = 7100000000001
REGULAR: Final = 7100000000002
PREMIUM: Final = 7100000000003


def customers() -> Sequence[Customer]:
    return (
        _customer(NEWCOMER, 1, "129.00"),
        _customer(REGULAR, 6, "842.50"),
        _customer(PREMIUM, 31, "11250.00", "vip"),
    )


def _customer(number: int, orders: int, spent: str, *tags: str) -> Customer:
    return Customer(
        id=gid("Customer", number),
        tags=tags,
        number_of_orders=str(orders),
        amount_spent=MoneyV2(amount=Decimal(spent)),
        statistics=CustomerStatistics(rfm_group="CHAMPIONS" if tags else None),
    )

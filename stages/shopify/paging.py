"""What Shopify tells of an order page by page, by the cursor `after`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from stages.shopify.answers import Answer, Found, Missing
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, gid
from stages.shopify.operations import Operation
from stages.shopify.shapes import PageInfo

D = TypeVar("D")
P = TypeVar("P")


async def pages_of(
    shopify: Shopify,
    lookup: Lookup,
    operation: Operation[D],
    order_of: Callable[[D], P | None],
    info_of: Callable[[P], PageInfo],
    most: int,
) -> Answer[tuple[P, ...]]:
    """The order as each page shows it, the first page first; whether there are more than `most` says the last one.

    `info_of` is that of the list which is paged. A page that is not answered is the answer to all.
    """
    pages: tuple[P, ...] = ()
    after: str | None = None
    while len(pages) < most:
        asked = {"id": gid("Order", lookup.identity), "after": after}
        answer = await shopify.query(lookup.shop, operation, asked, lookup.since)
        if not isinstance(answer, Found):
            return answer
        order = order_of(answer.value)
        if order is None:
            return Missing()
        pages, after = (*pages, order), info_of(order).end_cursor
        if not info_of(order).has_next_page:
            break
    return Found(pages)

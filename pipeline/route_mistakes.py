"""What is wrong with routes by what an item is: nobody's vendor, and routes that no stock alert comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.document import Mistake
from schemas.alerts import Audience
from schemas.configuration import Configuration, Route
from stages.rules.stock_words import READERS
from stages.rules.table import RULES

_GOODS = ("vendors", "product_tags", "locations")
_STOCK = 3
_STOCK_RULES = tuple(rule.name for rule in RULES if rule.use_case == _STOCK)


class _Above(NamedTuple):
    """What the nodes above let through; nothing named is everything."""

    use_cases: frozenset[int] = frozenset()
    rules: frozenset[str] = frozenset()
    audiences: frozenset[Audience] = frozenset()
    goods: str = ""


def in_stock_routes(whole: Configuration) -> Iterator[Mistake]:
    yield from _in_route(whole.routes, "routes", _Above())


def _in_route(route: Route, path: str, above: _Above) -> Iterator[Mistake]:
    for name in _GOODS:
        yield from _names(getattr(route, name), f"{path}.{name}")
    own = next((f"{path}.{name}" for name in _GOODS if getattr(route, name)), "")
    here = _Above(
        frozenset(route.use_cases) or above.use_cases,
        frozenset(route.rules) or above.rules,
        frozenset(route.audiences) or above.audiences,
        above.goods or own,
    )
    if here.goods and (says := _nobodys(here)):
        yield Mistake(own or path, says)
        return
    for number, child in enumerate(route.routes):
        yield from _in_route(child, f"{path}.routes[{number}]", here)


def _names(names: tuple[str, ...], path: str) -> Iterator[Mistake]:
    for number, name in enumerate(names):
        if not name.strip():
            yield Mistake(f"{path}[{number}]", "is empty: nothing is called so")
        elif name.lower() in (one.lower() for one in names[:number]):
            yield Mistake(f"{path}[{number}]", f"`{name}` stands twice; letter case makes no difference")


def _nobodys(here: _Above) -> str:
    """Why nothing ever comes there."""
    why = f"fits nothing: only alerts about stock (use case {_STOCK}) are about an item"
    if here.use_cases and _STOCK not in here.use_cases:
        return f"{why}, and `use_cases` leaves them out"
    if here.rules and here.rules.isdisjoint(_STOCK_RULES):
        return f"{why}; their rules are {', '.join(_STOCK_RULES)}"
    if here.audiences and here.audiences.isdisjoint(READERS):
        return f"{why}, and these are for {', '.join(READERS)}"
    return ""

"""The real webhook bodies in `bodies/` (sources and licences: `bodies/INDEX.md`), by topic."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import orjson

Json = dict[str, object]
"""A body, parsed, in Shopify's own words: patched and sent on, never read by a stage."""

_ORDER_STATES = ("updated", "paid", "cancelled", "fulfilled", "partially_fulfilled")

#: Topics whose bodies have the shape of another one's, where Shopify publishes that one only.
_SAME: Final = {
    **{f"orders/{state}": "orders/create" for state in _ORDER_STATES},
    "fulfillments/update": "fulfillments/create",
    "disputes/update": "disputes/create",
    "shop/update": "app/uninstalled",
    "variants/in_stock": "variants/out_of_stock",
    "inventory_levels/connect": "inventory_levels/update",
    "returns/request": "returns/approve",
    "returns/cancel": "returns/close",
    "returns/reopen": "returns/close",
}


def bodies() -> dict[str, bytes]:
    """Every body as it stands, by the name of its file without the ending."""
    found = (entry for entry in _folder().iterdir() if entry.name.endswith(".json"))
    return {entry.name.removesuffix(".json"): entry.read_bytes() for entry in sorted(found, key=lambda it: it.name)}


def topics() -> dict[str, tuple[str, ...]]:
    """Every topic that there is a body for, with the names of those bodies."""
    listed: dict[str, tuple[str, ...]] = {}
    for line in _folder().joinpath("INDEX.md").read_text("utf-8").splitlines():
        if line.startswith("| `"):
            name, topic = (cell.strip(" `") for cell in line.split("|")[1:3])
            listed[topic] = (*listed.get(topic, ()), name.removesuffix(".json"))
    return listed | {topic: listed[same] for topic, same in _SAME.items()}


def sample(topic: str, name: str | None = None) -> Json:
    """The first body of a topic, or the one of that name. Raises KeyError for a topic without one."""
    chosen = name or topics()[topic][0]
    body: Json = orjson.loads(_folder().joinpath(f"{chosen}.json").read_bytes())
    return body


def _folder() -> Traversable:
    return files("pipeline.simulators").joinpath("bodies")

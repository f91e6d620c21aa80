"""What an import of stock costs from `deduplicate` to `group`. Run by hand, from the root:

    python -m tests.benchmarks.stock_import [--updates 30000]

Each kind is played with a tenth of the updates and then with all of them: what grows faster than they do shows as a
ratio above one. Of one item, of as many items as there are updates (new ones, then all of them run out), and the
orders of one item within a week.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping

from rich.console import Console

from schemas.events import Event
from tests.stages.importing import Import, reading, sale

_WEEK = 7 * 24 * 3600


def _one_item(updates: int) -> Iterable[Event]:
    return (reading(7, 30 - number % 40, number) for number in range(updates))


def _many_items(updates: int) -> Iterable[Event]:
    yield from (reading(number, 30, 0) for number in range(updates // 2))
    yield from (reading(number, 0, 1) for number in range(updates // 2))


def _orders(updates: int) -> Iterable[Event]:
    yield from (sale(7, number, number * _WEEK // updates) for number in range(updates))


KINDS: Mapping[str, Callable[[int], Iterable[Event]]] = {
    "of one item": _one_item,
    "of many items": _many_items,
    "orders of one item": _orders,
}


def _seconds(events: Iterable[Event], into: Import) -> float:
    began = time.perf_counter()
    into.play(events)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=30_000)
    updates, console = parser.parse_args().updates, Console()
    for name, kind in KINDS.items():
        small, large = Import(), Import()
        few = _seconds(kind(updates // 10), small) / (updates // 10)
        many = _seconds(kind(updates), large) / updates
        console.print(
            f"{updates} {name}: {many * 1e6:.0f} us each, {many / few:.2f} times what a tenth of them costs; "
            f"{len(large.sent)} messages, the largest value {large.largest('classify')} bytes"
        )


if __name__ == "__main__":
    main()

"""Many days by hand: `python -m tests.scenarios --seeds 200`. Prints what differs, and how it came to it."""

from __future__ import annotations

import argparse
import sys
import time

from tests.scenarios.company import calendars, changed, default
from tests.scenarios.day import arriving, day, differences, played, weeks
from tests.scenarios.shops import EACH, FIRST, Shops
from tests.scenarios.way import WAYS


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=10)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--each", type=int, default=3)
    asked.add_argument("--way", choices=[*WAYS])
    asked.add_argument("--weeks", action="store_true", help="what takes longer than a day")
    given = asked.parse_args()
    out, wrong, began, events = sys.stdout, 0, time.perf_counter(), 0
    for seed in range(given.first, given.first + given.seeds):
        whole = default() if seed % 2 == 0 else changed()
        it = weeks(seed, calendars(), given.each) if given.weeks else day(seed, whole, given.each)
        for name in [given.way] if given.way else WAYS:
            steps = arriving(it, WAYS[name], seed)
            chain = played(it, Shops(), steps)
            events += len(steps)
            left = differences(it, steps, chain)
            wrong += bool(left) or bool(chain.dead)
            for reject in chain.dead[:3]:
                out.write(f"seed {seed}, {name}: {reject}\n")
            for what, ones in left.items():
                for one in ones:
                    story = it.stories[_index(one.subject)] if one.subject.rpartition("/")[2].isdigit() else None
                    out.write(f"seed {seed}, {name}, {what}: {one} {type(story).__name__} {_drawn(story)}\n")
    out.write(f"{given.seeds} seeds, {events} steps, {wrong} days differ, {time.perf_counter() - began:.1f} s\n")
    return 1 if wrong else 0


def _index(subject: str) -> int:
    return (int(subject.rpartition("/")[2]) - FIRST) // EACH


def _drawn(story: object) -> str:
    return ", ".join(f"{name}={value}" for name, value in vars(story).items() if name != "plot") if story else ""


if __name__ == "__main__":
    sys.exit(main())

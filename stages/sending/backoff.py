"""How long to wait before the next try: doubled each time, and spread by what is tried instead of by chance."""

from __future__ import annotations

from datetime import timedelta
from zlib import crc32


def grown(first: timedelta, longest: timedelta, times: int, spread_by: str) -> timedelta:
    """Between `first` and `longest`, within a quarter around `first` doubled `times` times; the same for the same."""
    doubled = min(first.total_seconds() * 2.0 ** min(times, 40), longest.total_seconds())
    share = crc32(f"{spread_by}/{times}".encode()) / 2**32
    seconds = doubled * (0.75 + share / 2)
    return max(min(first, longest), min(longest, timedelta(seconds=seconds)))

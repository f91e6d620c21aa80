"""One word or line of the configuration file, read as the type that is wanted there.

A time is written as people write it: `90s`, `60m`, `4h`, `2d`, `1h30m`, or ISO 8601, and, where a deadline may run in
working time, `3 working days` or `48 working hours`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches

import msgspec
from msgspec import inspect

from schemas.calendars import WorkingUnit


class Unfit(ValueError):
    """A scalar that is not of its type; `str()` says what would be right."""


_TRUTH = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?(\d[\d_]*)(\.\d+)?")
_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_WORKING_TIME = re.compile(r"(\d{1,4}) *working *(minute|hour|day)s?")
_IN_WORKING_TIME = re.compile(r"work|business", re.IGNORECASE)
_BOUNDS: tuple[tuple[str, str, Callable[[float, float], bool]], ...] = (
    ("gt", "more than", lambda value, bound: value > bound),
    ("ge", "at least", lambda value, bound: value >= bound),
    ("lt", "less than", lambda value, bound: value < bound),
    ("le", "at most", lambda value, bound: value <= bound),
)


def near(word: str, known: Iterable[str]) -> str:
    """What was probably meant, and if nothing is near, all that there is."""
    choices = sorted(known)
    if close := get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"did you mean `{close[0]}`?"
    return f"there is {', '.join(choices)}" if choices else "there is none"


def duration(text: str) -> timedelta:
    """Never negative. Raises Unfit."""
    spoken = _SPAN.fullmatch(text.strip().lower())
    try:
        if spoken and any(spoken.groups()):
            weeks, days, hours, minutes, seconds = (int(part or 0) for part in spoken.groups())
            return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        if text[:1] in ("P", "p"):
            return msgspec.convert(text.upper(), timedelta)
    except (msgspec.ValidationError, OverflowError) as error:
        raise Unfit(f"`{text}` is no length of time: {error}") from error
    says = "this time runs by the clock" if _IN_WORKING_TIME.search(text) else "a time needs its unit"
    raise Unfit(f"`{text}`: {says}: 90s, 60m, 4h, 2d, or ISO 8601 like PT60M")


def length(text: str) -> timedelta | Mapping[str, object]:
    """A duration, or what `WorkingTime` is made of. Raises Unfit."""
    if found := _WORKING_TIME.fullmatch(text.strip().lower()):
        return {"amount": int(found[1]), "unit": WorkingUnit(f"{found[2]}s").value}
    if _IN_WORKING_TIME.search(text):
        says = "working time is a whole number of one unit, like `3 working days` or `48 working hours` (at most 9999)"
        raise Unfit(f"`{text}`: {says}")
    try:
        return duration(text)
    except Unfit as unfit:
        raise Unfit(f"{unfit}; or working time, like `3 working days`") from unfit


def scalar(text: str, kind: inspect.Type, described: str | None) -> object:
    """What the text says where that type is wanted; `described` is the type in words. Raises Unfit."""
    match kind:
        case inspect.StrType():
            return _text(text, kind, described)
        case inspect.BoolType():
            return _truth(text)
        case inspect.IntType() | inspect.FloatType() | inspect.DecimalType():
            return _number(text, kind)
        case inspect.TimeDeltaType():
            return duration(text)
        case inspect.StructType():
            return length(text)
        case inspect.EnumType():
            return _choice(text, [str(member.value) for member in kind.cls])
    raise Unfit(f"`{text}` stands where a {type(kind).__name__} is wanted")


def _text(text: str, kind: inspect.StrType, described: str | None) -> str:
    if kind.pattern is not None and not re.search(kind.pattern, text):
        raise Unfit(f"`{text}` is not {described or f'of the form {kind.pattern}'}")
    return text


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise Unfit(f"`{text}` is neither true nor false")
    return _TRUTH[text.lower()]


def _choice(text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise Unfit(f"`{text}` is not known; {near(text, known)}")
    return text


def _number(text: str, kind: inspect.IntType | inspect.FloatType | inspect.DecimalType) -> object:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise Unfit(f"`{text}` is no number")
    plain = Decimal(text.strip().replace("_", ""))
    if isinstance(kind, inspect.DecimalType):
        return plain
    if isinstance(kind, inspect.IntType) and found[2] is not None:
        raise Unfit(f"`{text}` must be a whole number")
    for name, says, holds in _BOUNDS:
        bound = getattr(kind, name)
        if bound is not None and not holds(float(plain), bound):
            raise Unfit(f"{text} must be {says} {bound:g}")
    return int(plain) if isinstance(kind, inspect.IntType) else float(plain)

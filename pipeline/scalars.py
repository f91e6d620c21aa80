"""One word or line of the configuration file, read as the type that is wanted there.

A time is written as people write it: `90s`, `60m`, `4h`, `2d`, `1h30m`, or ISO 8601, and, where a deadline may run in
working time, `3 working days` or `48 working hours`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
_WITHOUT_UNIT = re.compile(r"\d+")
_THOUSANDS = re.compile(r"\d{1,3}(\.000)+")
_BOUNDS: tuple[tuple[str, str, Callable[[float, float], bool]], ...] = (
    ("gt", "more than", lambda value, bound: value > bound),
    ("ge", "at least", lambda value, bound: value >= bound),
    ("lt", "less than", lambda value, bound: value < bound),
    ("le", "at most", lambda value, bound: value <= bound),
)


_FEW = 20


def near(word: str, known: Iterable[str]) -> str:
    """What was probably meant, and if nothing is near, all that there is."""
    choices = sorted(known)
    if close := get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"did you mean `{close[0]}`?"
    return f"there is {', '.join(choices)}" if choices else "there is none"


def few_near(word: str, known: Collection[str]) -> str:
    """Of a short list all is said, since the near word may be the wrong one. `monday` is near `mon`."""
    if len(known) > _FEW:
        return near(word, known)
    there = f"there is {', '.join(sorted(known))}"
    close = [one for one in known if word.lower().startswith(one)]
    close += get_close_matches(word.lower(), known, n=1, cutoff=0.75)
    return f"did you mean `{close[0]}`? {there}" if close else there


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
    raise Unfit(f"`{text}`: {_no_time(text.strip())}: 90s, 60m, 1h30m, 2d, or ISO 8601 like PT60M")


def _no_time(text: str) -> str:
    if text.startswith("-"):
        return "a length of time is never negative"
    if _IN_WORKING_TIME.search(text):
        return "this time runs by the clock"
    if _WITHOUT_UNIT.fullmatch(text):
        return "a time needs its unit"
    return "a time is whole numbers, each with its unit (w, d, h, m, s) and no space"


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
        raise Unfit(f"`{text}` is not known; {few_near(text, known)}")
    return text


def _no_number(text: str, kind: inspect.Type) -> str:
    if text.strip().endswith("%"):
        right = "; a share of 20 % is written 0.2" if isinstance(kind, inspect.DecimalType) else ""
        return f"`{text}` is no number{right}"
    if isinstance(kind, inspect.DecimalType):
        return f"`{text}` is no number; right is for example 1000.50, without a currency"
    return f"`{text}` is no number"


def _number(text: str, kind: inspect.IntType | inspect.FloatType | inspect.DecimalType) -> object:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise Unfit(_no_number(text, kind))
    if isinstance(kind, inspect.DecimalType) and _THOUSANDS.fullmatch(text.strip()):
        whole = text.strip().split(".")[0]
        raise Unfit(f"`{text}` is {whole} here, since a point begins the decimals: write {whole}, or {whole}000")
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

"""A YAML document, read by the types that it shall have: every mistake with its path and its line, not only the first.

YAML guesses types from the look of a word: `NO` is false, `0049...` an octal number, `12.10` a float. Here the wanted
type decides how a scalar is read, so that an SKU stays an SKU, an amount is exact, and a time is written as people
write it (`90s`, `60m`, `4h`, `2d`, `1h30m`, or ISO 8601). Keys that stand twice, and keys that nobody knows, are
mistakes. The result is plain values for `msgspec.convert`, which has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, NamedTuple

import msgspec
import yaml
from msgspec import inspect
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


class Mistake(NamedTuple):
    """`path` as in `teams[0].people[1].email`; `line` counts from 1, None where the text is not at hand."""

    path: str
    says: str
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f" (line {self.line})"
        return f"{self.path}{where}: {self.says}" if self.path else f"{self.says}{where}"


class Unfit(ValueError):
    """A scalar that is not of its type; `str()` says what would be right."""


_DEEPEST: Final = 30
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?(\d[\d_]*)(\.\d+)?")
_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
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
    raise Unfit(f"`{text}`: a time needs its unit: 90s, 60m, 4h, 2d, or ISO 8601 like PT60M")


class Document:
    """Reads one text. `mistakes` fill up while it reads; `whole` says whether all that was needed could be read."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.whole = True

    def read(self, text: str, wanted: type) -> object:
        """Plain values in the shape of `wanted`, as far as they could be read."""
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._wrong("", f"no YAML: {error.problem or error.context}", None if mark is None else mark.line + 1)
            return None
        except yaml.YAMLError as error:
            self._wrong("", f"no YAML: {' '.join(str(error).split())}")
            return None
        if node is None:
            self._wrong("", "the file is empty")
            return None
        return self._value(node, inspect.type_info(wanted), "")

    def _wrong(self, path: str, says: str, line: int | None = None) -> None:
        self.mistakes.append(Mistake(path, says, line))
        self.whole = False

    def _value(self, node: Node, wanted: inspect.Type, path: str) -> object:
        kind, described = _plain(wanted)
        if isinstance(kind, inspect.UnionType):
            if isinstance(node, ScalarNode) and node.style is None and node.value in _NULL:
                return None
            kind, described = _plain(next(t for t in kind.types if not isinstance(t, inspect.NoneType)))
        line = node.start_mark.line + 1
        if path.count(".") > _DEEPEST:
            self._wrong(f"{path[:60]}...", "nested too deep", line)
            return None
        match kind:
            case inspect.StructType():
                return self._struct(node, kind, path)
            case inspect.VarTupleType():
                return self._list(node, kind.item_type, path)
            case inspect.DictType():
                return self._mapping(node, kind, path)
            case _ if isinstance(node, ScalarNode):
                return self._scalar(node.value, kind, described, path, line)
        self._wrong(path, f"one value is wanted here, not a {_shape(node)}", line)
        return None

    def _struct(self, node: Node, kind: inspect.StructType, path: str) -> dict[str, object]:
        fields: Mapping[str, inspect.Field] = {field.encode_name: field for field in kind.fields}
        values: dict[str, object] = {}
        if not isinstance(node, MappingNode):
            self._wrong(path, f"keys and values are wanted here: {', '.join(fields)}", node.start_mark.line + 1)
            return values
        for name, inner in self._entries(node, path):
            if (field := fields.get(name)) is not None:
                values[name] = self._value(inner, field.type, _join(path, name))
            else:
                says = f"unknown key; {near(name, fields)}"
                self.mistakes.append(Mistake(_join(path, name), says, inner.start_mark.line + 1))
        for name, field in fields.items():
            if field.required and name not in values:
                self._wrong(_join(path, name), "is missing", node.start_mark.line + 1)
        return values

    def _entries(self, node: MappingNode, path: str) -> Iterator[tuple[str, Node]]:
        seen: set[str] = set()
        for key, inner in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self._wrong(path, "a key must be one word", line)
            elif key.value in seen:
                self._wrong(_join(path, key.value), "stands here twice", line)
            else:
                seen.add(key.value)
                yield key.value, inner

    def _list(self, node: Node, item: inspect.Type, path: str) -> list[object]:
        if not isinstance(node, SequenceNode):
            says = "a list is wanted here"
            if isinstance(node, ScalarNode) and node.value not in _NULL:
                says += f": [{node.value}]"
            self._wrong(path, says, node.start_mark.line + 1)
            return []
        return [self._value(inner, item, f"{path}[{number}]") for number, inner in enumerate(node.value)]

    def _mapping(self, node: Node, kind: inspect.DictType, path: str) -> dict[object, object]:
        if not isinstance(node, MappingNode):
            self._wrong(path, "keys and values are wanted here", node.start_mark.line + 1)
            return {}
        key_type, described = _plain(kind.key_type)
        return {
            self._scalar(name, key_type, described, _join(path, name), inner.start_mark.line + 1): self._value(
                inner, kind.value_type, _join(path, name)
            )
            for name, inner in self._entries(node, path)
        }

    def _scalar(self, text: str, kind: inspect.Type, described: str | None, path: str, line: int) -> object:
        try:
            return _scalar(text, kind, described)
        except Unfit as unfit:
            self._wrong(path, str(unfit), line)
            return None


def _plain(kind: inspect.Type) -> tuple[inspect.Type, str | None]:
    """The type without its description, and the description."""
    if isinstance(kind, inspect.Metadata):
        schema = kind.extra_json_schema or {}
        return kind.type, schema.get("description")
    return kind, None


def _scalar(text: str, kind: inspect.Type, described: str | None) -> object:
    match kind:
        case inspect.StrType():
            return _text(text, kind, described)
        case inspect.BoolType():
            return _truth(text)
        case inspect.IntType() | inspect.FloatType() | inspect.DecimalType():
            return _number(text, kind)
        case inspect.TimeDeltaType():
            return duration(text)
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


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shape(node: Node) -> str:
    return "list" if isinstance(node, SequenceNode) else "mapping"

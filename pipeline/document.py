"""A YAML document, read by the types that it shall have: every mistake with its path and its line, not only the first.

YAML guesses types from the look of a word: `NO` is false, `0049...` an octal number, `12.10` a float. Here the wanted
type decides how a scalar is read, so that an SKU stays an SKU, an amount is exact, and a time is written as people
write it (`90s`, `60m`, `4h`, `2d`, `1h30m`, or ISO 8601). Keys that stand twice, and keys that nobody knows, are
mistakes; so are anchors, aliases and depths that no configuration has, before anything is built of them. The result
is plain values for `msgspec.convert`, which has the last word. What could not be read is left out where the type can do
without it, so that the rest can still be looked at; texts that may be secrets in the wrong place are never repeated.
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
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
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
_UNREADABLE: Final = object()
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
    """Reads one text. `mistakes` fill up while it reads."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._lines: dict[str, int] = {}

    def read(self, text: str, wanted: type) -> object | None:
        """Plain values in the shape of `wanted`, as far as they could be read; None where too little could."""
        try:
            if not self._is_plain(text):
                return None
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
        found = self._value(node, inspect.type_info(wanted), "")
        return None if found is _UNREADABLE else found

    def line_of(self, path: str) -> int | None:
        """Where that stands, or the nearest that it would stand in."""
        while path and path not in self._lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._lines.get(path)

    def _is_plain(self, text: str) -> bool:
        """False for what makes a small file a large one, or a deep one."""
        depth, before = 0, len(self.mistakes)
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = None if event.start_mark is None else event.start_mark.line + 1
            if isinstance(event, AliasEvent):
                self._wrong("", f"`*{event.anchor}` refers to another place: write out what is meant", line)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > _DEEPEST:
                self._wrong("", f"nested too deep; nothing here is deeper than {_DEEPEST}", line)
                return False
        return len(self.mistakes) == before

    def _wrong(self, path: str, says: str, line: int | None = None) -> object:
        self.mistakes.append(Mistake(path, says, line))
        return _UNREADABLE

    def _value(self, node: Node, wanted: inspect.Type, path: str) -> object:
        kind, described = _plain(wanted)
        if isinstance(kind, inspect.UnionType):
            if isinstance(node, ScalarNode) and node.style is None and node.value in _NULL:
                return None
            kind, described = _plain(next(t for t in kind.types if not isinstance(t, inspect.NoneType)))
        line = node.start_mark.line + 1
        if node.tag.startswith("!"):
            return self._wrong(path, f"`{node.tag}` means something to YAML here: put the whole value in quotes", line)
        match kind:
            case inspect.StructType():
                return self._struct(node, kind, path)
            case inspect.VarTupleType():
                return self._list(node, kind.item_type, path)
            case inspect.DictType():
                return self._mapping(node, kind, path)
            case _ if isinstance(node, ScalarNode):
                return self._scalar(node.value, kind, described, path, line)
        return self._wrong(path, f"one value is wanted here, not a {_shape(node)}", line)

    def _struct(self, node: Node, kind: inspect.StructType, path: str) -> object:
        fields: Mapping[str, inspect.Field] = {field.encode_name: field for field in kind.fields}
        line = node.start_mark.line + 1
        if not isinstance(node, MappingNode):
            return self._wrong(path, f"keys and values are wanted here: {', '.join(fields)}", line)
        values: dict[str, object] = {}
        seen: set[str] = set()
        for name, inner in self._entries(node, path):
            if (field := fields.get(name)) is None:
                self._wrong(_join(path, name), f"unknown key; {near(name, fields)}", self.line_of(_join(path, name)))
                continue
            seen.add(name)
            if (value := self._value(inner, field.type, _join(path, name))) is not _UNREADABLE:
                values[name] = value
        needed = [name for name, field in fields.items() if field.required]
        for name in needed:
            if name not in seen:
                self._wrong(_join(path, name), f"is missing: {_wanted(fields[name].type)}", line)
        return values if values.keys() >= set(needed) else _UNREADABLE

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
                self._lines[_join(path, key.value)] = line
                yield key.value, inner

    def _list(self, node: Node, item: inspect.Type, path: str) -> object:
        if not isinstance(node, SequenceNode):
            says = f"a list is wanted here, of {_wanted(item)}"
            if isinstance(node, ScalarNode) and node.value not in _NULL and not _is_struct(item):
                says = f"a list is wanted here: [{node.value}]"
            return self._wrong(path, says, node.start_mark.line + 1)
        items: list[object] = []
        for number, inner in enumerate(node.value):
            self._lines[f"{path}[{number}]"] = inner.start_mark.line + 1
            items.append(self._value(inner, item, f"{path}[{number}]"))
        return _UNREADABLE if _UNREADABLE in items else items

    def _mapping(self, node: Node, kind: inspect.DictType, path: str) -> object:
        if not isinstance(node, MappingNode):
            return self._wrong(path, "keys and values are wanted here", node.start_mark.line + 1)
        key_type, described = _plain(kind.key_type)
        found: dict[object, object] = {}
        for name, inner in self._entries(node, path):
            place = _join(path, name)
            key = self._scalar(name, key_type, described, place, self._lines[place])
            found[key] = self._value(inner, kind.value_type, place)
        return _UNREADABLE if _UNREADABLE in (*found, *found.values()) else found

    def _scalar(self, text: str, kind: inspect.Type, described: str | None, path: str, line: int) -> object:
        try:
            return _scalar(text, kind, described)
        except Unfit as unfit:
            return self._wrong(path, str(unfit), line)


def _plain(kind: inspect.Type) -> tuple[inspect.Type, str | None]:
    """The type without its description, and the description."""
    if isinstance(kind, inspect.Metadata):
        schema = kind.extra_json_schema or {}
        return kind.type, schema.get("description")
    return kind, None


def _wanted(kind: inspect.Type) -> str:
    """In words, for a person."""
    plain, described = _plain(kind)
    match plain:
        case inspect.StructType():
            return f"keys and values ({', '.join(field.encode_name for field in plain.fields)})"
        case inspect.VarTupleType():
            return "a list"
        case inspect.EnumType():
            return "one of " + ", ".join(str(member.value) for member in plain.cls)
    return described or "a value"


def _is_struct(kind: inspect.Type) -> bool:
    return isinstance(_plain(kind)[0], inspect.StructType)


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

"""A YAML document, read by the types that it shall have: every mistake with its path and its line, not only the first.

YAML guesses types from the look of a word: `NO` is false, `0049...` an octal number, `12.10` a float. Here the wanted
type decides how a scalar is read (`pipeline.scalars`), so that an SKU stays an SKU, an amount is exact, and a time is
written as people write it. Keys that stand twice, and keys that nobody knows, are
mistakes; so are anchors, aliases and depths that no configuration has, before anything is built of them. The result
is plain values for `msgspec.convert`, which has the last word. What could not be read is left out where the type can do
without it, so that the rest can still be looked at; texts that may be secrets in the wrong place are never repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import yaml
from msgspec import inspect
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipeline.scalars import Unfit, near, scalar
from schemas.calendars import WorkingTime
from schemas.configuration import Secret


class Mistake(NamedTuple):
    """`path` as in `teams[0].people[1].email`; `line` counts from 1, None where the text is not at hand."""

    path: str
    says: str
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f" (line {self.line})"
        return f"{self.path}{where}: {self.says}" if self.path else f"{self.says}{where}"


_DEEPEST: Final = 30
_UNREADABLE: Final = object()
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


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
            says = error.problem or error.context or ""
            self._wrong("", f"no YAML: {says}{_hint(says)}", None if mark is None else mark.line + 1)
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
            kind, described = _plain(_of_union(kind))
        line = node.start_mark.line + 1
        if node.tag.startswith("!"):
            return self._wrong(path, f"`{node.tag}` means something to YAML here: put the whole value in quotes", line)
        match kind:
            case inspect.StructType(cls=cls) if cls is not WorkingTime:
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
            return self._wrong(path, _no_struct(kind), line)
        values: dict[str, object] = {}
        seen: set[str] = set()
        for name, inner in self._entries(node, path):
            if (field := fields.get(name)) is None:
                says = f"unknown key; {near(name, fields)}"
                if name.isdigit():
                    says = "a comma begins a new entry here: a number is written without, like 1000.50"
                self._wrong(_join(path, name), says, self.line_of(_join(path, name)))
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
            if isinstance(node, ScalarNode) and node.value not in _NULL and _fits(node.value, item):
                says = f"a list is wanted here: [{node.value}]"
            return self._wrong(path, says, node.start_mark.line + 1)
        items: list[object] = []
        for number, inner in enumerate(node.value):
            self._lines[f"{path}[{number}]"] = inner.start_mark.line + 1
            items.append(self._value(inner, item, f"{path}[{number}]"))
        return _UNREADABLE if _UNREADABLE in items else items

    def _mapping(self, node: Node, kind: inspect.DictType, path: str) -> object:
        if not isinstance(node, MappingNode):
            says = f"keys and values are wanted here: {_wanted(kind.key_type)}; each with {_wanted(kind.value_type)}"
            return self._wrong(path, says, node.start_mark.line + 1)
        key_type, described = _plain(kind.key_type)
        found: dict[object, object] = {}
        for name, inner in self._entries(node, path):
            place = _join(path, name)
            key = self._scalar(name, key_type, described, place, self._lines[place])
            found[key] = self._value(inner, kind.value_type, place)
        return _UNREADABLE if _UNREADABLE in (*found, *found.values()) else found

    def _scalar(self, text: str, kind: inspect.Type, described: str | None, path: str, line: int) -> object:
        try:
            return scalar(text, kind, described)
        except Unfit as unfit:
            return self._wrong(path, str(unfit), line)


def _plain(kind: inspect.Type) -> tuple[inspect.Type, str | None]:
    """The type without its description, and the description."""
    if isinstance(kind, inspect.Metadata):
        schema = kind.extra_json_schema or {}
        return kind.type, schema.get("description")
    return kind, None


def _of_union(kind: inspect.UnionType) -> inspect.Type:
    """What may be left out is read as what it is; a `Length` as working time, which a plain duration fits too."""
    types = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    return next((each for each in types if isinstance(each, inspect.StructType)), types[0])


def _wanted(kind: inspect.Type) -> str:
    """In words, for a person."""
    plain, described = _plain(kind)
    if isinstance(plain, inspect.UnionType):
        plain, described = _plain(_of_union(plain))
    match plain:
        case inspect.StructType(cls=cls) if cls is not WorkingTime:
            return f"keys and values ({', '.join(field.encode_name for field in plain.fields)})"
        case inspect.VarTupleType():
            return "a list"
        case inspect.EnumType():
            return "one of " + ", ".join(str(member.value) for member in plain.cls)
    return described or _PLAIN.get(type(plain), "a value")


_PLAIN = {
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.DecimalType: "a number",
    inspect.TimeDeltaType: "a time, like 60m",
    inspect.StructType: "a time, like 60m or 3 working days",
}


def _no_struct(kind: inspect.StructType) -> str:
    """What may be a secret is not repeated."""
    if kind.cls is Secret:
        return "a secret is named here, and never stands here itself: {env: NAME_OF_A_VARIABLE} or {file: /a/path}"
    names = [field.encode_name for field in kind.fields]
    first = next((field.encode_name for field in kind.fields if field.required), names[0])
    return f"keys and values are wanted here ({', '.join(names)}), like {{{first}: ...}}"


def _fits(text: str, item: inspect.Type) -> bool:
    kind, described = _plain(item)
    if isinstance(kind, inspect.StructType):
        return False
    try:
        scalar(text, kind, described)
    except Unfit:
        return False
    return True


#: What PyYAML says, and what a person has done.
_HINTS = {
    "'\\t'": "; YAML indents by spaces, and never by tabs",
    "found another document": "; a file is one document, so that `---` may stand at its beginning only",
    "<block end>": "; is this line indented like its neighbours, and a value with quotes in it quoted as a whole?",
    "expected ' '": "; a value that begins with `!` is put in quotes",
    "mapping values are not allowed": "; a value with a colon in it is put in quotes",
    "cannot start any token": "; a value that begins with this sign is put in quotes",
    "<stream end>": "; a bracket is open",
    "',' or": "; a bracket, or a comma, is missing",
}


def _hint(says: str) -> str:
    return next((hint for sign, hint in _HINTS.items() if sign in says), "")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shape(node: Node) -> str:
    return "list" if isinstance(node, SequenceNode) else "mapping"

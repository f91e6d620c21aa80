"""GraphQL documents, read as far as Admin queries need it: one operation, fields with arguments and aliases, inline
fragments, `@include` and `@skip`. Named fragments are not read, and types are not checked: that is the tests' work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

_TOKEN: Final = re.compile(
    r"""(?P<skip>[\s,\ufeff]+|\#[^\n]*)
      | (?P<name>[_A-Za-z]\w*)
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<punctuator>\.\.\.|[!$():=@\[\]{|}])""",
    re.VERBOSE,
)
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_DEEPEST: Final = 50

Value = object
"""A variable's value, a number, text, a boolean, null, a list or an object; an enum's value is text."""


class Unreadable(Exception):
    """`str()` says where."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """`conditions`: (directive, its `if`). An empty selection means a leaf."""

    name: str
    key: str
    arguments: Mapping[str, Value] = field(default_factory=dict)
    conditions: tuple[tuple[str, Value], ...] = ()
    selection: tuple[Selected, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """`on` None: whatever the type."""

    on: str | None
    conditions: tuple[tuple[str, Value], ...]
    selection: tuple[Selected, ...]


Selected = Field | Fragment


@dataclass(frozen=True, slots=True)
class Document:
    """`kind`: query or mutation. `defaults`: of its variables."""

    kind: str
    name: str | None
    defaults: Mapping[str, Value]
    selection: tuple[Selected, ...]


def document(text: str) -> Document:
    """Raises Unreadable."""
    return _Reading(text).document()


def filled(value: Value, variables: Mapping[str, Value]) -> Value:
    """The value with its variables in; one that was not given is null."""
    match value:
        case Variable(name):
            return variables.get(name)
        case list():
            return [filled(one, variables) for one in value]
        case dict():
            return {name: filled(one, variables) for name, one in value.items()}
        case _:
            return value


class _Reading:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def document(self) -> Document:
        kind = "query" if self._peek() == "{" else self._take()
        if kind not in ("query", "mutation"):
            self._refuse(kind, "query, mutation or {")
        name = self._take() if self._peek() not in ("(", "{", "@") else None
        defaults = self._variables() if self._peek() == "(" else {}
        read = Document(kind, name, defaults, self._selection())
        if self._at < len(self._tokens):
            self._refuse(self._peek(), "the end: one operation, without named fragments")
        return read

    def _variables(self) -> dict[str, Value]:
        defaults: dict[str, Value] = {}
        self._expect("(")
        while self._peek() != ")":
            self._expect("$")
            name = self._take()
            self._expect(":")
            while self._peek() not in ("$", ")", "="):
                self._take()
            if self._peek() == "=":
                self._take()
                defaults[name] = self._value()
        self._expect(")")
        return defaults

    def _selection(self) -> tuple[Selected, ...]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable("the document is too deep")
        self._expect("{")
        selected = []
        while self._peek() != "}":
            selected.append(self._fragment() if self._peek() == "..." else self._field())
        self._expect("}")
        self._depth -= 1
        return tuple(selected)

    def _fragment(self) -> Fragment:
        self._expect("...")
        on = None
        if self._peek() not in ("{", "@"):
            self._expect("on")
            on = self._take()
        return Fragment(on, self._conditions(), self._selection())

    def _field(self) -> Field:
        name = key = self._take()
        if self._peek() == ":":
            self._take()
            name = self._take()
        arguments = self._arguments() if self._peek() == "(" else {}
        conditions = self._conditions()
        return Field(name, key, arguments, conditions, self._selection() if self._peek() == "{" else ())

    def _conditions(self) -> tuple[tuple[str, Value], ...]:
        found = []
        while self._peek() == "@":
            self._take()
            name = self._take()
            if name not in ("include", "skip"):
                self._refuse(f"@{name}", "@include or @skip")
            found.append((name, self._arguments().get("if")))
        return tuple(found)

    def _arguments(self) -> dict[str, Value]:
        arguments = {}
        self._expect("(")
        while self._peek() != ")":
            name = self._take()
            self._expect(":")
            arguments[name] = self._value()
        self._expect(")")
        return arguments

    def _value(self) -> Value:
        token = self._take()
        if token == "$":
            return Variable(self._take())
        if token == "[":
            return self._list()
        if token == "{":
            return self._object()
        if token[0] == '"':
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token[0] in "-0123456789":
            return float(token) if any(mark in token for mark in ".eE") else int(token)
        return _CONSTANTS.get(token, token)

    def _list(self) -> list[Value]:
        found = []
        while self._peek() != "]":
            found.append(self._value())
        self._expect("]")
        return found

    def _object(self) -> dict[str, Value]:
        found = {}
        while self._peek() != "}":
            name = self._take()
            self._expect(":")
            found[name] = self._value()
        self._expect("}")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            self._refuse(token, "more")
        self._at += 1
        return token

    def _expect(self, wanted: str) -> None:
        found = self._peek()
        if found != wanted:
            self._refuse(found, wanted)
        self._at += 1

    def _refuse(self, found: str, wanted: str) -> NoReturn:
        raise Unreadable(f"syntax error: {found or 'the end'!r} where {wanted} was expected")


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"syntax error: {text[at]!r} at {at}")
        if match.lastgroup != "skip":
            found.append(match[0])
        at = match.end()
    return found

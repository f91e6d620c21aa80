"""Which names an expression mentions, with their places: the library tells variables only, and no fields.

Read from the text's tokens, not from its grammar: an expression that compiles is presupposed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"|(?P<comment>//[^\n]*)"
    r"|(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[uU]?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>[^\s])",
    re.DOTALL,
)
_BINDING = frozenset({"all", "exists", "exists_one", "filter", "map"})
_NO_NAMES = frozenset({"true", "false", "null", "in"})


class Token(NamedTuple):
    kind: str
    text: str
    at: int


class Mention(NamedTuple):
    """`path` as in `order.tags`, from the variable on, without a method that is called on it. `at` counts from 0."""

    path: tuple[str, ...]
    at: int


class Names(NamedTuple):
    """`bound`: what loops call an element, with the path that they go through. `texts`: the literals before `in` a
    path, with their places."""

    mentions: tuple[Mention, ...]
    bound: Mapping[str, tuple[str, ...]]
    texts: tuple[tuple[str, Mention], ...]


def names_in(expression: str) -> Names:
    tokens = [token for token in _tokens(expression) if token.kind != "comment"]
    mentions, bound, texts = [], dict[str, tuple[str, ...]](), []
    position = 0
    while position < len(tokens):
        if not _begins(tokens, position):
            position += 1
            continue
        path, after = _path(tokens, position)
        mention = Mention(path, tokens[position].at)
        mentions.append(mention)
        if (name := _loop(tokens, after)) is not None:
            bound.setdefault(name, path)
        if (literal := _sought(tokens, position)) is not None:
            texts.append((literal, mention))
        position = after
    return Names(tuple(mentions), bound, tuple(texts))


def _tokens(expression: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(expression):
        yield Token(str(found.lastgroup), found[0], found.start())


def _begins(tokens: Sequence[Token], position: int) -> bool:
    """A variable, and no field, key, function or literal."""
    token = tokens[position]
    if token.kind != "word" or token.text in _NO_NAMES:
        return False
    return _text(tokens, position - 1) != "." and _text(tokens, position + 1) != "("


def _path(tokens: Sequence[Token], position: int) -> tuple[tuple[str, ...], int]:
    """The path, and the position behind it."""
    path = [tokens[position].text]
    while _text(tokens, position + 1) == "." and _text(tokens, position + 3) != "(":
        path.append(_text(tokens, position + 2))
        position += 2
    return tuple(path), position + 1


def _loop(tokens: Sequence[Token], position: int) -> str | None:
    """What stands behind a path: `.exists(line, ...`."""
    if _text(tokens, position) != "." or _text(tokens, position + 1) not in _BINDING:
        return None
    return _text(tokens, position + 3) if _text(tokens, position + 2) == "(" else None


def _sought(tokens: Sequence[Token], position: int) -> str | None:
    if _text(tokens, position - 1) != "in" or position < 2 or tokens[position - 2].kind != "text":
        return None
    return tokens[position - 2].text.strip("\"'")


def _text(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].text if 0 <= position < len(tokens) else ""

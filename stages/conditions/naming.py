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
_COMPARING = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_WORKING = frozenset("+-*/%")
_NO_NAMES = frozenset({"true", "false", "null", "in"})


class Token(NamedTuple):
    kind: str
    text: str
    at: int


class Mention(NamedTuple):
    """`path` as in `order.tags`, from the variable on, without a method that is called on it. `at` counts from 0."""

    path: tuple[str, ...]
    at: int


class Compared(NamedTuple):
    """A fact beside a literal: `sign` is what stands between (`==`, `>`, ...), `in` where the fact is the list, `of`
    where it is sought among literals. `kind`: text, number or word (true, false)."""

    mention: Mention
    sign: str
    kind: str
    literal: str


class Names(NamedTuple):
    """`bound`: what loops call an element, with the path that they go through."""

    mentions: tuple[Mention, ...]
    bound: Mapping[str, tuple[str, ...]]
    compared: tuple[Compared, ...]


def names_in(expression: str) -> Names:
    tokens = [token for token in _tokens(expression) if token.kind != "comment"]
    mentions, bound, compared = [], dict[str, tuple[str, ...]](), list[Compared]()
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
        compared += _beside(tokens, position, after, mention)
        position = after
    return Names(tuple(mentions), bound, tuple(compared))


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


def _beside(tokens: Sequence[Token], position: int, after: int, mention: Mention) -> Iterator[Compared]:
    """What the path is compared with, before it and behind it; nothing where either is first reckoned with."""
    if _text(tokens, position - 1) in _WORKING or _text(tokens, after) in _WORKING:
        return
    sign, at = _sign(tokens, after)
    if sign == "in" and _text(tokens, at) == "[":
        for number in range(at + 1, len(tokens)):
            if _text(tokens, number) == "]":
                break
            yield from _literal(tokens, number, mention, "of")
    elif sign:
        yield from _literal(tokens, at, mention, sign)
    for number in (1, 2):
        sign, at = _sign(tokens, position - number)
        if sign and at == position:
            yield from _literal(tokens, position - number - 1, mention, sign)
            return


def _sign(tokens: Sequence[Token], position: int) -> tuple[str, int]:
    """A comparison that begins there, and where what follows it begins; empty where none does."""
    first = _text(tokens, position)
    two = first + _text(tokens, position + 1)
    if two in _COMPARING:
        return two, position + 2
    return (first, position + 1) if first in _COMPARING else ("", position)


def _literal(tokens: Sequence[Token], position: int, mention: Mention, sign: str) -> Iterator[Compared]:
    neighbours = {_text(tokens, position - 1), _text(tokens, position + 1)}
    if not 0 <= position < len(tokens) or neighbours & _WORKING:
        return
    token = tokens[position]
    if token.kind in ("text", "number") or token.text in ("true", "false"):
        yield Compared(mention, sign, token.kind, token.text.strip("\"'"))


def _text(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].text if 0 <= position < len(tokens) else ""

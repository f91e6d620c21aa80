"""What is wrong with an expression, as its author should read it: before anything is judged by it.

Syntax by the library's own pointer; names and functions by what the rule has; types by trying it on made-up facts. Not
promised: that every mistake of types is found: what stands behind `||` may be hidden by what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches

import cel

from stages.conditions.condition import Condition, Malformed, compiled, first_sentence
from stages.conditions.naming import Compared, Mention, Names, names_in
from stages.conditions.seen import LINE, Kind, Seen, Variables

#: Longer than anything that a person can read; deep nesting would end the process inside the library.
LONGEST = 1000
_FUNCTIONS = frozenset(
    {
        *("all", "exists", "exists_one", "filter", "map", "has", "size", "dyn", "type"),
        *("contains", "startsWith", "endsWith", "matches"),
        *("int", "uint", "double", "string", "bytes", "timestamp", "duration"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    }
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INSTEAD = {"and": "&&", "or": "||", "not": "!", "=": "=="}
_ODD = re.compile(r"mismatched input '(and|or|not)'|token recognition error at: '(=)")
_POINTER = re.compile(r"ERROR: <input>:\d+:\d+: (.+?)(?: expecting .*)?\n((?:\|[^\n]*\n?)*)")
_MADE_UP: Mapping[Kind, tuple[object, object]] = {
    Kind.TEXT: ("a", ""),
    Kind.NUMBER: (1.5, 0.0),
    Kind.SHARE: (0.5, 0.0),
    Kind.COUNT: (1, 0),
    Kind.TRUTH: (True, False),
    Kind.MOMENT: (datetime(2026, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)),
    Kind.TEXTS: (["a"], ["b"]),
}


def wrong_with(text: str, seen: Variables) -> Iterator[str]:
    """`seen`: the variables that it has. Nothing: it can be used."""
    if not text.strip():
        yield "an expression is wanted here, like `order.total >= 100`"
        return
    if len(text) > LONGEST:
        yield f"is longer than {LONGEST} characters: split it, or make a list with `in`"
        return
    try:
        condition = compiled(text)
    except Malformed as error:
        yield _syntax(str(error))
        return
    names = names_in(text)
    found = [*_unknown_functions(text), *_unknown_names(names, seen), *_never_true(names, seen)]
    yield from found or _types(condition, names, seen)


def _syntax(message: str) -> str:
    """The first of the library's messages, with its pointer, and what other languages' words are called here."""
    first = _POINTER.search(message + "\n")
    says, pointer = (first[1], first[2].rstrip("\n")) if first else (message, "")
    odd = _ODD.search(message)
    word = (odd[1] or odd[2]) if odd else None
    hint = f"; CEL writes `{_INSTEAD[word]}`, not `{word}`" if word else ""
    shown = "".join(f"\n    {line.removeprefix('| ')}" for line in pointer.split("\n") if line)
    return f"is no CEL expression: {says.removeprefix('Syntax error: ')}{hint}{shown}"


def _unknown_functions(text: str) -> Iterator[str]:
    for name in cel.compile(text).functions():
        if _NAME.fullmatch(name) and name not in _FUNCTIONS:
            yield f"no function `{name}`; {_near(name, _FUNCTIONS)}"


def _unknown_names(names: Names, seen: Variables) -> Iterator[str]:
    if not names.mentions:
        yield f"looks at no fact, so it is always the same; there is {', '.join(sorted(seen))}"
    for bound in names.bound:
        if bound in seen:
            yield f"`{bound}` is a variable already: call the element something else"
    for mention in names.mentions:
        if (says := _unknown_name(mention, names, seen)) is not None:
            yield says


def _unknown_name(mention: Mention, names: Names, seen: Variables) -> str | None:
    variable, *fields = mention.path
    if variable in names.bound:
        return _unknown_field(mention, names.bound[variable], seen)
    if variable not in seen:
        return f"no variable `{variable}` here; {_near(variable, seen)}"
    if not fields:
        return f"`{variable}` needs a name behind it: `{variable}.{min(seen[variable])}`"
    if fields[0] not in seen[variable]:
        return f"`{variable}` has no `{fields[0]}`; {_near(fields[0], seen[variable])}"
    if len(fields) > 1:
        return f"`{variable}.{fields[0]}` is {seen[variable][fields[0]].kind.value} and has no `{fields[1]}`"
    return None


def _unknown_field(mention: Mention, through: tuple[str, ...], seen: Variables) -> str | None:
    """Of an element of a list."""
    variable, *fields = mention.path
    fact = seen.get(through[0], {}).get(through[1]) if len(through) == 2 else None
    if fact is None or fact.kind not in (Kind.LINES, Kind.TEXTS):
        return None if fact is None else f"`{'.'.join(through)}` is {fact.kind.value}, and no list"
    if fact.kind is Kind.TEXTS:
        return f"`{variable}` is a text and has no `{fields[0]}`" if fields else None
    if fields and fields[0] not in LINE:
        return f"a line has no `{fields[0]}`; {_near(fields[0], LINE)}"
    return None


def _never_true(names: Names, seen: Variables) -> Iterator[str]:
    """What is compared with something that it never is: to CEL that is no mistake, only never true."""
    for compared in names.compared:
        path = compared.mention.path
        fact = seen.get(path[0], {}).get(path[1]) if len(path) == 2 else None
        if fact is not None and (says := _no_match(".".join(path), fact, compared)) is not None:
            yield says


_NUMBERS = frozenset({Kind.NUMBER, Kind.COUNT, Kind.SHARE})


def _no_match(name: str, fact: Seen, compared: Compared) -> str | None:
    literal, is_text = compared.literal, compared.kind == "text"
    if fact.kind is Kind.TEXTS and compared.sign in ("==", "!=", "of"):
        return f'`{name}` is a list of texts: write `"{literal}" in {name}`'
    if fact.kind is Kind.TEXT and not is_text and compared.sign in ("==", "!=", "of"):
        return f'`{name}` is a text: write "{literal}"'
    if fact.kind in _NUMBERS and is_text and compared.sign in ("==", "!=", "of"):
        return f"`{name}` is a number: write it without quotes"
    if fact.kind is Kind.TRUTH and compared.kind != "word" and compared.sign in ("==", "!="):
        return f"`{name}` is true or false: write `{name}`, or `!{name}`"
    if fact.kind is Kind.SHARE and compared.kind == "number" and float(literal) > 1:
        return f"`{name}` is {fact.kind.value}: 20 % is written 0.2"
    if is_text and fact.is_small and literal != literal.lower():
        return f'`{name}` {"are" if fact.kind is Kind.TEXTS else "is"} in small letters: write "{literal.lower()}"'
    if is_text and fact.is_capital and literal != literal.upper():
        return f'`{name}` is in capitals: write "{literal.upper()}"'
    return None


def _types(condition: Condition, names: Names, seen: Variables) -> Iterator[str]:
    """Tried on two sets of facts, so that neither side of an `||` is always hidden."""
    for number in (0, 1):
        facts: dict[str, dict[str, object]] = {variable: {} for variable in seen}
        for variable, *fields in (mention.path for mention in names.mentions):
            if variable in seen and fields:
                facts[variable][fields[0]] = _made_up(seen[variable][fields[0]].kind, number)
        try:
            result = condition.tried(facts)
        except (ArithmeticError, LookupError):
            continue
        except (RuntimeError, TypeError, ValueError) as error:
            yield _of_types(error, names, seen)
            return
        if not isinstance(result, bool):
            yield f"gives {_kind_of(result)}; it must be true or false"
            return


def _of_types(error: Exception, names: Names, seen: Variables) -> str:
    """The library does not say where: what the names are does."""
    paths = dict.fromkeys(mention.path[:2] for mention in names.mentions if mention.path[0] in seen)
    kinds = [f"{'.'.join(path)} is {seen[path[0]][path[1]].kind.value}" for path in paths]
    decimals = any(seen[path[0]][path[1]].kind in (Kind.NUMBER, Kind.SHARE) for path in paths)
    hint = "; beside + - * / a number is written with its point: 2.0" if decimals else ""
    return f"cannot be worked out: {first_sentence(error)}. {'; '.join(kinds)}{hint}"


def _made_up(kind: Kind, number: int) -> object:
    if kind is Kind.LINES:
        return [{name: _made_up(field, number) for name, field in LINE.items()}]
    return _MADE_UP[kind][number]


def _kind_of(value: object) -> str:
    names = {
        str: "a text",
        float: "a number",
        int: "a whole number",
        list: "a list",
        dict: "a map",
        datetime: "a moment",
    }
    return names.get(type(value), "something else")


def _near(word: str, known: Iterable[str]) -> str:
    choices = sorted(known)
    if close := get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"did you mean `{close[0]}`?"
    return f"there is {', '.join(choices)}"

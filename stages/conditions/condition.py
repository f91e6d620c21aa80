"""A condition of the configuration, compiled: true, false, or not to be told, and why not.

Compiled once for each text, however many events are judged by it: programs are immutable. Only the facts that it
mentions are looked for. Known facts that decide it do, whatever else is unknown (`a || b` with `a` true). What an
expression cannot do with the facts that come (a text compared with a number) is an answer too, and never an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cel

from schemas.alerts import Untold
from stages.conditions.naming import names_in
from stages.conditions.seen import Sight, Variables

_LONGEST_SENTENCE = 200
#: Whatever an expression does that it should not.
_FAULTS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class Malformed(ValueError):
    """No condition. `str()` is the library's message, with its pointer into the expression."""


@dataclass(frozen=True, slots=True)
class Told:
    """`holds` None: not to be told, for the reason `untold`, in the words of `because`."""

    holds: bool | None
    untold: Untold | None = None
    because: str = ""


class Condition:
    def __init__(self, text: str) -> None:
        """`mentions`: the variables and names that it looks at. Raises Malformed."""
        try:
            self._program = cel.compile(text)
        except ValueError as error:
            raise Malformed(str(error)) from error
        self.text = text
        found = names_in(text)
        own = (mention.path for mention in found.mentions if mention.path[0] not in found.bound)
        self.mentions = tuple(dict.fromkeys(path[:2] for path in own if len(path) > 1))

    def told(self, sight: Sight, seen: Variables) -> Told:
        """`seen`: the variables of the rule, on a subject of this kind."""
        facts, unknown = self._facts(sight, seen)
        try:
            result = self._program.execute(facts)
        except KeyError as error:
            missing = ", ".join(unknown) or str(error)
            return Told(None, Untold.UNKNOWN, f"not known: {missing}")
        except _FAULTS as error:
            return Told(None, Untold.FAILED, f"it failed: {first_sentence(error)}")
        if isinstance(result, bool):
            return Told(result)
        return Told(None, Untold.FAILED, f"it gives {type(result).__name__}, not true or false")

    def tried(self, facts: dict[str, Any]) -> object:
        """Whatever it gives for these facts. Raises whatever the library does."""
        return self._program.execute(facts)

    def _facts(self, sight: Sight, seen: Variables) -> tuple[dict[str, Any], Sequence[str]]:
        facts, unknown = dict[str, dict[str, object]](), []
        for variable, name in self.mentions:
            fact = seen.get(variable, {}).get(name)
            value = None if fact is None else fact.read(sight)
            values = facts.setdefault(variable, {})
            if value is None:
                unknown.append(f"{variable}.{name}")
            else:
                values[name] = value
        return facts, unknown


@lru_cache(maxsize=1024)
def compiled(text: str) -> Condition:
    """Raises Malformed."""
    return Condition(text)


def first_sentence(error: Exception) -> str:
    """The library may quote the text that it failed on, whatever its length."""
    return str(error).split("\n", 1)[0].split(". ", 1)[0].rstrip(".")[:_LONGEST_SENTENCE]

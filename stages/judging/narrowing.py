"""A rule's `when` of the configuration: it narrows what the rule says, and never widens it.

A rule with a `when` holds where both do. Where the `when` is false nothing opens, waits or is told once, and what is
open ends: the open alerts are those that rule and `when` together give for what is known, in whatever order it came.
Where it cannot be told (a fact is unknown, or the expression fails on it), nobody may miss an alert for that: it goes
out, and says so. When the missing fact comes, and the `when` is false after all, the alert ends. Questions that a rule
asks to know more are asked whatever the `when` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from schemas.configuration import Rules
from stages.conditions.condition import Condition, Told, compiled
from stages.conditions.seen import Sight
from stages.conditions.table import seen_by
from stages.rules.rule import Again, Case, Clear, Due, Fire, Rule, Said, Tell, Verdict
from stages.rules.words import bounded

#: Of an expression, in a message.
_SHOWN = 200


class Narrowing:
    """Of one configuration."""

    def __init__(self, rules: Rules) -> None:
        """Raises Malformed for what `pipeline.consistency` would not let pass."""
        self._conditions = {name: compiled(text) for name, text in rules.when.items()}

    def judged(self, rule: Rule, case: Case) -> Iterable[Verdict]:
        """What the rule says of the case, narrowed."""
        condition, judged = self._conditions.get(rule.name), rule.judge(case)
        return judged if condition is None else _narrowed([*judged], condition, rule, case)

    def told(self, rule: Rule, case: Case, key: str) -> tuple[str, Told] | None:
        """The text of its condition and what it says of what `key` names; None: it has none."""
        condition = self._conditions.get(rule.name)
        return None if condition is None else (condition.text, told_of(condition, rule, case, key))


def _narrowed(judged: list[Verdict], condition: Condition, rule: Rule, case: Case) -> Iterator[Verdict]:
    told = {key: told_of(condition, rule, case, key) for key in _keys(judged, case)}
    for verdict in judged:
        if isinstance(verdict, Clear | Again):
            yield verdict
        elif told[verdict.key].holds is not False:
            yield _marked(verdict, told[verdict.key], condition)
    for key, one in told.items():
        if one.holds is False:
            yield Clear(f"the rule's condition does not hold: {bounded(condition.text, _SHOWN)}", key)


def told_of(condition: Condition, rule: Rule, case: Case, key: str) -> Told:
    return condition.told(Sight(case, key), seen_by(rule, case.kind))


def _keys(judged: list[Verdict], case: Case) -> list[str]:
    """Of what would open or be told, and of what is open and not spoken of."""
    wanted = [verdict.key for verdict in judged if isinstance(verdict, Fire | Due | Tell)]
    ended = {verdict.key for verdict in judged if isinstance(verdict, Clear)}
    return list(dict.fromkeys([*wanted, *sorted(case.open - ended)]))


def _marked(verdict: Fire | Due | Tell, told: Told, condition: Condition) -> Fire | Due | Tell:
    if told.holds is not None:
        return verdict
    return replace(verdict, said=_doubted(verdict.said, told, condition))


def _doubted(said: Said, told: Told, condition: Condition) -> Said:
    doubt = f"whether it was to be told: {bounded(condition.text, _SHOWN)} ({told.because})"
    return replace(said, unknown=(*said.unknown, doubt), untold=told.untold)

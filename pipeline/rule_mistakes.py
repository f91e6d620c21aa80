"""What is wrong with a configuration's conditions and thresholds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pipeline.document import Mistake
from pipeline.scalars import near
from schemas.configuration import Configuration, InventoryRules, Threshold
from stages.conditions.checking import wrong_with
from stages.conditions.table import seen_anywhere
from stages.rules.rule import Rule
from stages.rules.table import RULES

_APPROVALS = "approval-required"
_RULES: Mapping[str, Rule] = {rule.name: rule for rule in RULES}


def in_conditions(whole: Configuration, rules: Collection[str]) -> Iterator[Mistake]:
    """`rules` as for `mistakes_in`. Of a rule that this build does not have nothing is known but its syntax."""
    for name, text in whole.rules.when.items():
        path = f"rules.when.{name}"
        if rules and name not in rules:
            yield Mistake(path, f"no rule `{name}`; {near(name, rules)}")
        elif name in _RULES:
            yield from _in_expression(text, path, _RULES[name])
    for number, policy in enumerate(whole.approvals):
        if policy.when is not None:
            yield from _in_expression(policy.when, f"approvals[{number}].when", _RULES[_APPROVALS])


def misplaced(mistake: Mistake, rules: Collection[str]) -> Mistake:
    """A rule's name where a group of settings is wanted: what is said of single rules stands elsewhere."""
    name = mistake.path.removeprefix("rules.").replace("_", "-").lower()
    if name not in rules or not mistake.says.startswith("unknown key"):
        return mistake
    says = f"unknown key; a rule is switched off by `off: [{name}]`, and narrowed by `when: {{{name}: ...}}`"
    return mistake._replace(says=says)


def _in_expression(text: str, path: str, rule: Rule) -> Iterator[Mistake]:
    yield from (Mistake(path, says) for says in wrong_with(text, seen_anywhere(rule)))


def in_thresholds(whole: Configuration) -> Iterator[Mistake]:
    rules = whole.rules.inventory
    yield from _in_groups(rules)
    known = [group.name for group in rules.location_groups]
    first: dict[tuple[object, ...], int] = {}
    for number, threshold in enumerate(rules.thresholds):
        path = f"rules.inventory.thresholds[{number}]"
        fits = _fits(threshold)
        if not any(fits):
            yield Mistake(path, "fits every item: set `rules.inventory.below` instead, or one of sku, tag, vendor here")
        elif fits in first:
            yield Mistake(path, f"fits the same as thresholds[{first[fits]}], which stands before it")
        first.setdefault(fits, number)
        if threshold.location is not None and threshold.location_group is not None:
            yield Mistake(path, "names a `location` and a `location_group`: one of them is counted")
        if (group := threshold.location_group) is not None and group not in known:
            yield Mistake(f"{path}.location_group", f"no group `{group}` in location_groups; {near(group, known)}")


def _fits(threshold: Threshold) -> tuple[object, ...]:
    """Which letter case a tag, a vendor and a location are written in makes no difference."""
    tag, vendor, location = (name and name.lower() for name in (threshold.tag, threshold.vendor, threshold.location))
    return (threshold.sku, tag, vendor, location, threshold.location_group)


def _in_groups(rules: InventoryRules) -> Iterator[Mistake]:
    path = "rules.inventory.location_groups"
    yield from _twice((group.name for group in rules.location_groups), path + "[{}].name")
    for number, group in enumerate(rules.location_groups):
        if not group.locations:
            yield Mistake(f"{path}[{number}].locations", "no location is in this group")
        yield from _twice((name.lower() for name in group.locations), f"{path}[{number}].locations[{{}}]")


def _twice(names: Iterable[str], path: str) -> Iterator[Mistake]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield Mistake(path.format(number), f"`{name}` stands twice")
        seen.add(name)

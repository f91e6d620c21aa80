"""The README's table of the rules says what there is: every rule, every key, every default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pipeline.settings import parse
from schemas.calendars import WorkingTime
from schemas.configuration import Job, Rules
from stages.rules.table import NAMES
from tests.pipeline.test_settings import LEAST

README = (Path(__file__).parents[2] / "README.md").read_text()
_SECTION = README.partition("## The rules, and what can be changed of them\n")[2].partition("\n## ")[0]
#: `orders.high_risk: true`; of what is unset the key alone.
KEYS = {
    found[1]: found[2] or ""
    for found in re.finditer(r"`((?:[a-z_]+\.)+[a-z_]+)(?:: ([^`]+))?`", _SECTION)
    if found[1].partition(".")[0] in Rules.__struct_fields__
}


def fields(of: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, object]]:
    """Every key with its default."""
    for field in msgspec.structs.fields(of):
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if isinstance(default, msgspec.Struct) and not isinstance(default, WorkingTime):
            yield from fields(type(default), f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", default


def test_every_rule_is_named() -> None:
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", _SECTION)) >= NAMES


def test_every_key_is_named_and_no_other() -> None:
    assert set(KEYS) | {"off", "when"} == {name for name, _ in fields(Rules)}
    (job,) = re.findall(r"A job is `\{(.*?)\}`", _SECTION, re.DOTALL)
    assert set(re.findall(r"(\w+):", job)) == set(Job.__struct_fields__)


@pytest.mark.parametrize(("name", "default"), [it for it in fields(Rules) if it[0] not in ("off", "when")])
def test_every_default_is_the_one_that_it_has(name: str, default: object) -> None:
    if not KEYS[name]:
        assert default is None
        return
    written = KEYS[name]
    for part in reversed(name.split(".")):
        written = f"{{{part}: {written}}}"
    found: object = parse(f"{LEAST}rules: {written}\n").rules
    for part in name.split("."):
        found = getattr(found, part)
    assert found == default

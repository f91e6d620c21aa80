"""The templates of this package, in a sandbox: escaped as HTML where the name says so, and strict about every name."""

from __future__ import annotations

from functools import cache

from jinja2 import PackageLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

from stages.channels.wording import Message


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=PackageLoader("stages", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill(template: str, message: Message) -> str:
    return _environment().get_template(template).render(message=message)

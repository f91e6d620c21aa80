"""What a person sees of the simulated OpenText: the newest messages, refreshed by itself. Everything is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from pipeline.simulators.opentext.jobs import Message


class Page:
    def __init__(self) -> None:
        source = files("pipeline.simulators.opentext").joinpath("page.html.j2").read_text("utf-8")
        self._template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)

    def render(self, newest_first: Sequence[Message], count: int, now: datetime) -> str:
        return self._template.render(
            messages=newest_first,
            count=count,
            now=now,
            repeats=sum(message.repeats for message in newest_first),
            states=Counter(state for message in newest_first for state in message.states),
        )

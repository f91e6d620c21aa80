"""The route tree: which teams an alert is for. A literal walk over the configuration, without memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.alerts import Audience, Severity
from schemas.configuration import Configuration, Route


class Goods(NamedTuple):
    """What a stock alert is about, as far as it is known. `locations`: where, each by its name and by its id."""

    vendor: str | None = None
    product_tags: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


#: Of an alert that is about no item.
NO_GOODS = Goods()


@dataclass(frozen=True, slots=True)
class Label:
    """What routes look at."""

    shop: str
    use_case: int
    rule: str
    severity: Severity
    audience: Audience
    goods: Goods = NO_GOODS


class Step(NamedTuple):
    """`path`: the node's place in the configuration, as in `routes.routes[2]`."""

    path: str
    teams: tuple[str, ...]


def teams_for(configuration: Configuration, labels: Sequence[Label]) -> tuple[str, ...]:
    """Each label is routed for itself; a team that is named by several is told once. Never empty."""
    found = (team for label in labels for team in _routed(configuration, label))
    return tuple(dict.fromkeys(found)) or default_teams(configuration)


def default_teams(configuration: Configuration) -> tuple[str, ...]:
    """Who is told what nobody else is told: the root's teams, else the first one of the file."""
    return tuple(dict.fromkeys(configuration.routes.teams)) or (configuration.teams[0].name,)


def way_of(configuration: Configuration, label: Label) -> Sequence[Step]:
    """Through which nodes of the tree each team is found. Empty: the root itself does not fit."""
    root = configuration.routes
    return [*_below(root, label, default_teams(configuration), "routes")] if fits(root, label) else []


def _routed(configuration: Configuration, label: Label) -> Iterator[str]:
    for step in way_of(configuration, label):
        yield from step.teams


def _below(route: Route, label: Label, inherited: tuple[str, ...], path: str) -> Iterator[Step]:
    """The first child that fits; after one with `proceed` the next ones too; without any the node's own teams."""
    own = route.teams or inherited
    fitted = False
    for number, child in enumerate(route.routes):
        if fits(child, label):
            fitted = True
            yield from _below(child, label, own, f"{path}.routes[{number}]")
            if not child.proceed:
                return
    if not fitted:
        yield Step(path, own)


def fits(route: Route, label: Label) -> bool:
    """All of its matchers; one that is not set fits everything."""
    return all(
        not wanted or found in wanted
        for wanted, found in (
            (route.shops, label.shop),
            (route.use_cases, label.use_case),
            (route.rules, label.rule),
            (route.severities, label.severity),
            (route.audiences, label.audience),
        )
    ) and _fits_goods(route, label.goods)


def _fits_goods(route: Route, goods: Goods) -> bool:
    """In any letter case. What is not known of an item, and what is no item, fits none that are named."""
    vendor = () if goods.vendor is None else (goods.vendor,)
    return all(
        not wanted or not {word.lower() for word in wanted}.isdisjoint(word.lower() for word in found)
        for wanted, found in (
            (route.vendors, vendor),
            (route.product_tags, goods.product_tags),
            (route.locations, goods.locations),
        )
    )

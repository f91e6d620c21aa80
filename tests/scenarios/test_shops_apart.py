"""Two shops in one configuration: the same numbers, names and deliveries, and each is told as if it were alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import structs

from schemas import codec
from schemas.configuration import Configuration
from stages.shopify.answers import Answer
from stages.shopify.operations import Nodes, Operation
from tests.scenarios.chain import Chain
from tests.scenarios.company import default
from tests.scenarios.day import day, differences, played
from tests.scenarios.shops import Shops
from tests.scenarios.steps import Change, Signalled, Step, Webhook

TWIN = "twin-"


class Twins(Shops):
    """Both answer the same of their own: the world is put once."""

    async def query(
        self,
        shop: str,
        operation: Operation[Any],
        variables: Mapping[str, object],
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        return await super().query(shop.removeprefix(TWIN), operation, variables, since, enough)

    async def node(
        self,
        shop: str,
        operation: Operation[Nodes[Any]],
        gid: str,
        since: datetime | None = None,
        enough: Callable[[Any], bool] = lambda _: True,
    ) -> Answer[Any]:
        return await super().node(shop.removeprefix(TWIN), operation, gid, since, enough)


def test_the_same_day_in_two_shops_is_told_of_each_as_if_it_were_alone() -> None:
    it = day(3, default(), each=1)
    alone = played(it, Shops(), it.steps)
    both = Chain(with_twins(it.whole), Twins(), it.start)
    both.play([step for one in it.steps for step in (one, *twin_of(one))], it.end)

    assert differences(it, it.steps, alone) == {}
    assert (told(both, ""), told(both, TWIN)) == (told(alone, ""), told(alone, ""))
    assert both.dead == []


def told(chain: Chain, domains: str) -> Counter[tuple[datetime, str]]:
    return Counter(
        (at, codec.encode(alert).decode().replace(TWIN, ""))
        for at, alert in chain.alerts
        if (TWIN if alert.shop.startswith(TWIN) else "") == domains
    )


def with_twins(whole: Configuration) -> Configuration:
    twins = tuple(structs.replace(shop, domain=TWIN + shop.domain) for shop in whole.shops)
    return structs.replace(whole, shops=(*whole.shops, *twins))


def twin_of(step: Step) -> list[Step]:
    match step.act:
        case Change():
            return []
        case Webhook() as sent:
            return [replace(step, act=replace(sent, shop=TWIN + sent.shop))]
        case Signalled(signal):
            its = structs.replace(signal, shop=TWIN + signal.shop, subject=TWIN + signal.subject)
            return [replace(step, act=Signalled(its))]

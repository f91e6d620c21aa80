"""The simulators as programs: each serves until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import SystemRandom

import aiohttp
from yarl import URL

from pipeline.simulators.opentext import OpenTextSettings, OpenTextSimulator
from pipeline.simulators.scenario import LENGTH, Change, Player, Tokens, day
from pipeline.simulators.serving import serve
from pipeline.simulators.shopify import Admin, AdminSettings, Sender, ShopifySimulator, Store

#: Takes a line for a person.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ShopifySettings:
    """`deliver_to`: the address of the webhooks; None: only Admin GraphQL is played. `lasts`: how long the day takes.

    `retries_within`: seconds over which a refused delivery is repeated. `tokens` None: no job reports.
    """

    secret: str = field(repr=False)
    deliver_to: str | None = None
    shop: str = "demo.myshopify.com"
    admin: AdminSettings = field(default_factory=AdminSettings)
    tokens: Tokens | None = None
    lasts: timedelta = timedelta(minutes=5)
    seed: int | None = None
    retries_within: float = 4 * 3600.0


async def run_opentext(host: str, port: int, settings: OpenTextSettings, say: Say, stop: asyncio.Event) -> None:
    async with serve(OpenTextSimulator(settings).application, host, port) as at:
        say(f"OpenText is played at {at}/mra/v1; what it is sent is shown at /")
        await stop.wait()


async def run_shopify(host: str, port: int, settings: ShopifySettings, say: Say, stop: asyncio.Event) -> None:
    """Plays one day, then goes on with Admin GraphQL and deliveries by hand until `stop`. Raises what broke the day."""
    store = Store(settings.shop)
    admin = Admin(store, settings.admin)
    async with aiohttp.ClientSession() as session:
        if settings.deliver_to is None:
            async with serve(ShopifySimulator(settings.shop, admin, None, _now).application, host, port) as at:
                say(f"Shopify is played at {at}; it sends no webhooks, for it was given no receiver.")
                await stop.wait()
            return
        pause = _telling(say, settings.deliver_to)
        sender = Sender(session, settings.deliver_to, settings.secret, settings.retries_within, pause)
        player = Player(store, sender, session, str(URL(settings.deliver_to).origin()), settings.tokens)
        async with serve(ShopifySimulator(settings.shop, admin, sender, _now).application, host, port) as at:
            say(f"Shopify is played at {at}; a day's webhooks go to {settings.deliver_to}")
            await _until(stop, _played(player, settings, say))


def _telling(say: Say, receiver: str) -> Callable[[float], Coroutine[None, None, None]]:
    async def pause(seconds: float) -> None:
        say(f"{receiver} did not take a webhook; it comes again in {seconds:.0f} s")
        await asyncio.sleep(seconds)

    return pause


async def _until(stop: asyncio.Event, playing: Coroutine[None, None, None]) -> None:
    """What breaks the day is raised at once, not when somebody stops it."""
    async with asyncio.TaskGroup() as both:
        day_ = both.create_task(playing)
        await stop.wait()
        day_.cancel()


async def _played(player: Player, settings: ShopifySettings, say: Say) -> None:
    """Each step at its time of the day, shortened so that the day ends when it has been played."""
    began = _now()
    end = began + settings.lasts
    seed = SystemRandom().randrange(2**32) if settings.seed is None else settings.seed
    async with asyncio.TaskGroup() as under_way:
        for step in day(end, seed, settings.shop):
            due = end - (end - step.at) * (settings.lasts / LENGTH)
            await asyncio.sleep(max(0.0, (due - _now()).total_seconds()))
            if isinstance(step.act, Change):
                await player.play(step)
            else:
                under_way.create_task(player.play(step))
    say("The day is over: every webhook was taken or given up.")


def _now() -> datetime:
    return datetime.now(UTC)

"""The receiver as a whole: its addresses, its heartbeat, and one way to serve it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from pipeline.receiver.awaited import AwaitedJobs
from pipeline.receiver.beat import Beat
from pipeline.receiver.callbacks import Callbacks
from pipeline.receiver.intake import Intake
from pipeline.receiver.reports import Reports
from pipeline.receiver.signatures import Credentials
from pipeline.receiver.webhooks import Webhooks

#: Longer than the usual proxies keep a connection that nobody uses; headers that take longer are cut off too.
_KEEPALIVE_SECONDS = 75.0
#: How long the rest of a refused body is read away, so that its sender hears the answer and not a broken connection.
_LINGERING_SECONDS = 2.0
_SHUTDOWN_SECONDS = 2.0
#: Shopify waits one second for a connection: a burst must not wait in the kernel's queue to be sent again.
_BACKLOG = 1024


class Receiver:
    """`prefix` is the installation's: its heartbeat is about `<prefix>/pipeline`."""

    def __init__(self, intake: Intake, credentials: Credentials, prefix: str) -> None:
        self.webhooks = Webhooks(intake, credentials)
        self.reports = Reports(intake, credentials)
        self.callbacks = Callbacks(intake, credentials)
        self._intake = intake
        self._beat = Beat(intake, prefix, AwaitedJobs(intake, credentials))

    async def beat(self) -> None:
        """Says each minute that the receiver is there, and since when. Runs until cancelled."""
        await self._beat.run()

    def wake(self) -> None:
        """Business time has stepped."""
        self._beat.wake()

    async def drain(self) -> None:
        """Bounded. New requests are told to come again; what is in hand is written and answered."""
        await self._intake.drain()


def application(receiver: Receiver) -> web.Application:
    app = web.Application()
    app.add_routes(
        [
            web.post("/webhooks/shopify", receiver.webhooks.take),
            web.post("/jobs/{shop}/{job}/{phase}", receiver.reports.job),
            web.post("/signals/{shop}/payment-failed", receiver.reports.payment_failed),
            web.post("/callbacks/opentext/{secret}/status", receiver.callbacks.status),
        ]
    )
    return app


def runner(receiver: Receiver) -> web.AppRunner:
    """To be served with these settings only: a body that aiohttp unpacks is not the one that was signed."""
    return web.AppRunner(
        application(receiver),
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        lingering_time=_LINGERING_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )


@asynccontextmanager
async def serving(receiver: Receiver, address: tuple[str, int]) -> AsyncIterator[int]:
    """Yields the port that was bound (for port 0 the system chooses). At the end it drains, then closes."""
    serve = runner(receiver)
    await serve.setup()
    try:
        await web.TCPSite(serve, *address, backlog=_BACKLOG).start()
        yield int(serve.addresses[0][1])
    finally:
        await receiver.drain()
        await serve.cleanup()

"""The operators' way in, on the metrics port: `/metrics`, `/live`, `/ready`. It changes nothing and needs no secret.

`/live` is answered by the event loop itself: no answer is the bad news. `/ready` says what is missing; a process that
is not ready keeps working on what it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from aiohttp import web
from prometheus_client.exposition import choose_encoder

from pipeline.metrics import Metrics

#: Ready or not, and what is missing, by part (a stage, a task, the broker).
Readiness = Callable[[], tuple[bool, Mapping[str, object]]]


class Health:
    """`measure` sets the gauges shortly before they are shown."""

    def __init__(self, metrics: Metrics, readiness: Readiness, measure: Callable[[], None] = lambda: None) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._measure = measure

    async def metrics(self, request: web.Request) -> web.Response:
        self._measure()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._metrics.registry), headers={"Content-Type": content_type})

    async def live(self, _: web.Request) -> web.Response:
        return _json(200, {"live": True})

    async def ready(self, _: web.Request) -> web.Response:
        ready, missing = self._readiness()
        return _json(200 if ready else 503, {"ready": ready, "missing": missing})


def application(health: Health) -> web.Application:
    app = web.Application()
    app.add_routes(
        [web.get("/metrics", health.metrics), web.get("/live", health.live), web.get("/ready", health.ready)]
    )
    return app


def _json(status: int, body: Mapping[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")

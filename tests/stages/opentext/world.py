"""One simulated OpenText on loopback, our client of it, and what the breaker told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from msgspec.structs import replace

from pipeline.simulators.faults import Fault
from pipeline.simulators.opentext import Delays, OpenTextFault, OpenTextSettings, OpenTextSimulator
from pipeline.simulators.serving import serve
from schemas.configuration import Basic, OAuth2, OpenText, Secret
from stages.channels.submission import Submission
from stages.opentext.client import OpenText as Client
from stages.opentext.client import opentext_client

SIMULATED = OpenTextSettings(users={"desk": "secret"}, clients={"client": "secret"}, delays=Delays(0, 0, 0, 0))
PASSWORDS = {"PASSWORD": "secret", "WRONG": "wrong"}
BASIC = Basic(user="desk", password=Secret(env="PASSWORD"))


def settings(url: str, **changes: Any) -> OpenText:
    """Patient where a test must not run out of time, quick where it has to wait."""
    quick = OpenText(
        base_url=f"{url}/mra/v1",
        basic=BASIC,
        timeout=timedelta(seconds=5),
        rate_per_second=1000.0,
        retry_first=timedelta(milliseconds=20),
        retry_longest=timedelta(milliseconds=100),
        breaker_failures=3,
    )
    return replace(quick, **changes)


def oauth2(url: str) -> dict[str, Any]:
    token_url = f"{url}/tenants/t1/oauth2/token"
    return {
        "basic": None,
        "oauth2": OAuth2(token_url=token_url, client_id="client", client_secret=Secret(env="PASSWORD")),
    }


def sms(message_id: str = "m1", number: str = "+15005550100", ref: str = "desk/m1/ada") -> Submission:
    body = {
        "destinations": [{"sms": number, "ref": ref}],
        "sms_text": "Stock is low",
        "options": {"message_id": message_id},
    }
    return Submission("sms", msgspec.json.encode(body))


@dataclass
class World:
    url: str
    simulator: OpenTextSimulator
    session: aiohttp.ClientSession
    told: list[bool]
    clients: list[Client]

    def client(self, **changes: Any) -> Client:
        def secret(named: Secret) -> str:
            return PASSWORDS[named.env or ""]

        made = opentext_client(
            settings(self.url, **changes), secret, self.session, lambda: datetime.now(UTC), self.told.append
        )
        self.clients.append(made)
        return made

    def order(self, kind: OpenTextFault, requests: int | None = None, path: str = "", retry_after: float = 1.0) -> None:
        self.simulator.faults.order(Fault(kind=kind, requests=requests, path=path, retry_after=retry_after))


@asynccontextmanager
async def simulated(simulator_settings: OpenTextSettings = SIMULATED) -> AsyncIterator[World]:
    simulator = OpenTextSimulator(simulator_settings)
    async with serve(simulator.application) as url, aiohttp.ClientSession() as session:
        world = World(url, simulator, session, [], [])
        try:
            yield world
        finally:
            simulator.faults.end()
            for client in world.clients:
                await client.close()

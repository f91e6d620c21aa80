"""A step, done: the shop changes, or a request goes to the receiver."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp

from pipeline.simulators.scenario.steps import Change, JobReport, PaymentReport, Step
from pipeline.simulators.shopify.deliveries import Delivery, EventDelivery
from pipeline.simulators.shopify.sending import Outcome, Sender
from pipeline.simulators.shopify.store import Store


@dataclass(frozen=True, slots=True)
class Tokens:
    """Bearer tokens of `/jobs` and `/signals`."""

    job: str = field(repr=False)
    signal: str = field(repr=False)


class Player:
    """`receiver` is its address, `http://HOST:PORT`; webhooks go by way of `sender`."""

    def __init__(
        self, store: Store, sender: Sender, session: aiohttp.ClientSession, receiver: str, tokens: Tokens | None
    ) -> None:
        self._store = store
        self._sender = sender
        self._session = session
        self._receiver = receiver
        self._tokens = tokens

    async def play(self, step: Step) -> Outcome | None:
        """None: nobody was to be told (a change, or a report without a token to report with)."""
        match step.act:
            case Change(things):
                self._store.put(*things)
                return None
            case Delivery() | EventDelivery():
                return await self._sender.deliver(step.act)
            case JobReport(shop, job, phase, message):
                said = {} if message is None else {"message": message}
                return await self._report(
                    f"/jobs/{shop}/{job}/{phase}", said, self._tokens.job if self._tokens else None
                )
            case PaymentReport(shop, token, error, reporter):
                told = {"checkout_token": token, "error": error, "reporter": reporter}
                return await self._report(
                    f"/signals/{shop}/payment-failed", told, self._tokens.signal if self._tokens else None
                )

    async def _report(self, path: str, said: dict[str, str], token: str | None) -> Outcome | None:
        if token is None:
            return None
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with self._session.post(self._receiver + path, json=said, headers=headers) as answer:
                return Outcome((answer.status,))
        except (aiohttp.ClientError, TimeoutError):
            return Outcome((None,))

"""Clients of two configurations side by side: what is measured of them is of both."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from msgspec.structs import replace

from pipeline.clients import opentext_opened
from pipeline.demo.company import Keys, company
from pipeline.metrics import Metrics
from pipeline.settings import Secrets
from stages.opentext.client import OpenText

NOWHERE = "http://127.0.0.1:1"


@dataclass
class Account:
    metrics: Metrics = field(default_factory=Metrics)

    def opened(self) -> AbstractAsyncContextManager[OpenText]:
        whole = company(NOWHERE, NOWHERE, "test")
        whole = replace(whole, opentext=replace(whole.opentext, breaker_failures=1))
        return opentext_opened(whole, Secrets(Keys().environ), self.metrics)

    def is_held_back(self) -> bool:
        return self.metrics.registry.get_sample_value("pipeline_breaker_open", {"target": "opentext"}) != 0


async def fails(client: OpenText) -> None:
    await client.status("emails", "job")


async def test_a_client_that_is_only_tried_out_says_nothing_of_the_one_that_works() -> None:
    account = Account()
    async with account.opened() as working:
        assert not account.is_held_back()
        await fails(working)
        assert account.is_held_back()
        async with account.opened():
            assert account.is_held_back()
        assert account.is_held_back()
    assert not account.is_held_back()


async def test_a_client_that_is_left_open_takes_its_breaker_with_it() -> None:
    account = Account()
    async with account.opened() as newer:
        async with account.opened() as older:
            await fails(older)
            assert account.is_held_back()
        assert not account.is_held_back()
        await fails(newer)
        assert account.is_held_back()

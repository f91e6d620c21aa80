"""An OpenText that is not well: it refuses some submits, hangs up on some, and is gone for a while. What it took, it
keeps to: a message id that it knows gets its first job again, whatever became of the first answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import orjson
from aiohttp import web

from tests.chaos.evidence import Submit
from tests.chaos.leaving import Leaving

BASE = "/mra/v1"


@dataclass(frozen=True)
class Illness:
    """Shares of the submits. `deaf`: it takes the job and hangs up before it has said so."""

    refused: float = 0.05
    hung_up: float = 0.02
    deaf: float = 0.03


class OpenText(Leaving):
    """`submits` in the order in which they were taken; `refusals` counts those that were not."""

    def __init__(self, seed: int, illness: Illness = Illness()) -> None:
        super().__init__()
        self.submits: list[Submit] = []
        self._illness = illness
        self._chance = Random(seed)
        self._jobs: dict[str, Submit] = {}
        self._by_job: dict[str, Submit] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(BASE + "/outbound/{medium}", self._submit),
            web.get(BASE + "/outbound/{medium}/status", self._status),
        ]

    def recover(self) -> None:
        """From now on it is well."""
        self._illness = Illness(0, 0, 0)

    async def _submit(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        fate = self._chance.random()
        refused, hung_up = self._illness.refused, self._illness.refused + self._illness.hung_up
        if self._is_gone or refused <= fate < hung_up:
            return self._cut(request)
        if fate < refused:
            self.refusals += 1
            return web.json_response({"message": "not now"}, status=503, headers={"Retry-After": "1"})
        is_heard = fate >= hung_up + self._illness.deaf
        submit = self._take(request.path.removeprefix(BASE), body, is_heard)
        return web.json_response({"job_id": submit.job}) if is_heard else self._cut(request)

    def _take(self, path: str, body: dict[str, Any], is_heard: bool) -> Submit:
        message_id = str(body["options"]["message_id"])
        first = self._jobs.get(message_id)
        job = f"job-{len(self._jobs) + 1}" if first is None else first.job
        submit = Submit(message_id, job, path, body, datetime.now(UTC), first is not None, is_heard)
        self.submits.append(submit)
        if first is None:
            self._jobs[message_id] = self._by_job[job] = submit
        return submit

    async def _status(self, request: web.Request) -> web.Response:
        """Everything arrives at once."""
        if self._is_gone:
            return self._cut(request)
        submit = self._by_job.get(request.query.get("job_id", ""))
        if submit is None:
            return web.json_response({"message": "no such job"}, status=404)
        destinations = cast("list[Mapping[str, str]]", submit.body["destinations"])
        answer = {
            "job_id": submit.job,
            "job_state": ["Complete", "Posted"],
            "deliveries": [_delivered(destination) for destination in destinations],
        }
        return web.json_response(answer)


def _delivered(destination: Mapping[str, str]) -> dict[str, Any]:
    kind = "sms" if "sms" in destination else "email"
    events: dict[str, Any] = (
        {"sms_delivery_events": [{"status": "Confirmed"}]}
        if kind == "sms"
        else {"email_delivery_events": {"dsn": [{"class": 2}]}}
    )
    return {
        "ref_base64": base64.b64encode(destination["ref"].encode()).decode(),
        kind: destination[kind],
        "delivery_attempts": [{"state": "Sent", "gamma_code": 0}],
        "events": events,
    }

"""OpenText's Postman collections, as requests: what Postman would send, with the environment's variables filled."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "data" / "opentext"
COLLECTIONS = ("messaging_service_v1", "notifications_all", "whatsapp_2way")


@dataclass(frozen=True)
class Sent:
    """`path` is all behind the host. `body` is filled like the rest."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


def items(collection: str) -> list[dict[str, Any]]:
    found = json.loads((FOLDER / f"{collection}.postman_collection.json").read_text())
    return list(_leaves(found["item"], found.get("auth")))


def _leaves(entries: list[dict[str, Any]], auth: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if "item" in entry:
            yield from _leaves(entry["item"], auth)
        else:
            yield {**entry, "request": {"auth": auth, **entry["request"]}}


def request_of(item: dict[str, Any], variables: dict[str, str]) -> Sent:
    request = item["request"]
    url = request["url"] if isinstance(request["url"], str) else request["url"]["raw"]
    path = re.sub(r"^https://[^/]+", "", filled(filled(url, variables), variables))
    headers = {each["key"]: each["value"] for each in request["header"]}
    headers["Authorization"] = _authorization(request["auth"], variables)
    return Sent(item["name"], request["method"], path, headers, _body(request.get("body"), variables))


def filled(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], text)


def _authorization(auth: dict[str, Any], variables: dict[str, str]) -> str:
    given = {each["key"]: filled(each["value"], variables) for each in auth[auth["type"]]}
    if auth["type"] == "bearer":
        return f"Bearer {given['token']}"
    return "Basic " + b64encode(f"{given['username']}:{given['password']}".encode()).decode()


def _body(body: dict[str, Any] | None, variables: dict[str, str]) -> bytes | None:
    if body is None:
        return None
    if body["mode"] == "urlencoded":
        return "&".join(f"{each['key']}={each['value']}" for each in body["urlencoded"]).encode()
    return filled(body["raw"], variables).encode()

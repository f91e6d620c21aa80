"""The installation of a chaos run: one configuration file for all of its processes, and the secrets that it names.

Ports are left to the system, so that every process has the very same configuration.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.plan import SESSION
from tests.chaos.stories import SHOPS

ROOT = Path(__file__).parents[2]
_APPLIED_WITHIN = 90.0
_AUDIENCES = {
    "operations": "operations, warehouse, it-support, e-commerce, application-owners, privacy",
    "service": "customer-service, returns, retention",
    "procurement": "procurement, merchandising",
    "finance": "finance, approvers, fraud-review",
}


def _made_up() -> dict[str, str]:
    names = ("SHOPIFY_CLIENT_SECRET", "SHOPIFY_ADMIN_TOKEN", "OPENTEXT_PASSWORD")
    return {name: secrets.token_hex(8) for name in names}


@dataclass(frozen=True)
class Installation:
    """`shopify` and `opentext` are addresses; `folder` is where everything of the run is written."""

    folder: Path
    bootstrap: str
    partitions: int
    shopify: str
    opentext: str
    prefix: str = field(default_factory=lambda: f"chaos-{secrets.token_hex(3)}")
    secrets: Mapping[str, str] = field(default_factory=_made_up, repr=False)

    @property
    def configuration(self) -> Path:
        return self.folder / "pipeline.yaml"

    @property
    def environment(self) -> dict[str, str]:
        # the run's processes get our environment but for what would lead them to another Kafka
        own = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}  # noqa: TID251
        return own | dict(self.secrets)

    def command(self, program: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", program, *arguments, "--config", str(self.configuration)]

    async def prepare(self) -> None:
        """Writes the file and makes the topics."""
        self.configuration.write_text(self._text())
        process = await asyncio.create_subprocess_exec(
            *self.command("pipeline", "topics", "apply"),
            env=self.environment,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(_APPLIED_WITHIN):
            output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"the topics could not be made: {output.decode(errors='replace')[-1000:]}")

    def _text(self) -> str:
        shops = "\n".join(_shop(domain, self.shopify) for domain in SHOPS)
        teams = "\n".join(_team(domain, name) for domain in SHOPS for name in _AUDIENCES)
        routes = "\n".join(_routes(domain) for domain in SHOPS)
        return f"""\
shops:
{shops}
teams:
{teams}
routes:
  teams: [{_name(SHOPS[0], "operations")}]
  routes:
{routes}
approvals:
  - {{name: large-orders, teams: [{_name(SHOPS[0], "finance")}], total_from: 5000}}
opentext:
  base_url: {self.opentext}
  basic: {{user: chaos, password: {{env: OPENTEXT_PASSWORD}}}}
  prefix: {self.prefix}
  rate_per_second: 200
  timeout: 3s
  retry_first: 1s
  retry_longest: 2s
  poll_first: 1s
shopify: {{timeout: 3s}}
kafka: {{bootstrap: "{self.bootstrap}", prefix: {self.prefix}, partitions: {self.partitions},
  session: {SESSION:g}s}}
listen: {{host: 127.0.0.1, port: 0, metrics_port: 0}}
"""


def _shop(domain: str, shopify: str) -> str:
    admin = f"{{url: {shopify}, token: {{env: SHOPIFY_ADMIN_TOKEN}}}}"
    return f"  - {{domain: {domain}, secrets: [{{env: SHOPIFY_CLIENT_SECRET}}], admin: {admin}}}"


def _team(domain: str, name: str) -> str:
    """Criticals by SMS too. The numbers are of those that are reserved for fiction."""
    full = _name(domain, name)
    person = f'{{name: desk, email: {full}@example.com, phone: "+12025550{100 + _digits(full):03d}"}}'
    return f"  - {{name: {full}, people: [{person}], channels: {{info: [email], critical: [email, sms]}}}}"


def _routes(domain: str) -> str:
    lines = [f"    - shops: [{domain}]", f"      teams: [{_name(domain, 'operations')}]", "      routes:"]
    lines += [
        f"        - {{audiences: [{audiences}], teams: [{_name(domain, name)}]}}"
        for name, audiences in _AUDIENCES.items()
    ]
    return "\n".join(lines)


def _name(domain: str, name: str) -> str:
    return f"{name}-{domain.partition('.')[0]}"


def _digits(name: str) -> int:
    return sum(name.encode()) % 100

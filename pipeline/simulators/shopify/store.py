"""What a simulated shop knows of itself, at one moment: things by their gid. What was before the last change of each is
kept too, for answers that lag as Shopify's replicas do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.simulators.shopify.graph import Joined, Link, Thing, gid
from pipeline.simulators.shopify.shops import AccessScope, AppInstallation, Domain, Shop, WebhookSubscription

Things = Mapping[str, Thing]

SCOPES = (
    "read_orders",
    "read_customers",
    "read_inventory",
    "read_products",
    "read_returns",
    "read_merchant_managed_fulfillment_orders",
    "read_draft_orders",
)


class Store:
    def __init__(self, domain: str) -> None:
        self._now: dict[str, Thing] = {}
        self._before: dict[str, Thing | None] = {}
        name = domain.partition(".")[0]
        own = Domain(id=gid("Domain", 1), host=f"{name}.example.com")
        self.put(
            Shop(id=gid("Shop", 1), name=name.title(), myshopify_domain=domain, primary_domain=own),
            WebhookSubscription(
                id=gid("WebhookSubscription", 1), topic="ORDERS_CREATE", uri=f"https://{name}.example.com/webhooks"
            ),
            AppInstallation(id=gid("AppInstallation", 1), access_scopes=tuple(AccessScope(handle=it) for it in SCOPES)),
        )

    def put(self, *things: Thing) -> None:
        """From now on these are so."""
        for thing in things:
            self._before[thing.id] = self._now.get(thing.id)
            self._now[thing.id] = thing

    def now(self) -> Things:
        return self._now

    def lagging(self) -> Things:
        """Each thing as it was before its last change; the newest ones are not there yet."""
        return {name: thing for name, thing in self._before.items() if thing is not None}


def joined(things: Things, joint: Joined, to: str) -> Iterator[Thing]:
    """In the order in which they were first put."""
    for thing in things.values():
        if type(thing).__name__ == joint.kind and getattr(thing, joint.by) == Link(to):
            yield thing

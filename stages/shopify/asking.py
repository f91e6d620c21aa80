"""Everything that Shopify is asked for an event: what fills its facts, and what is told beside it."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.configuration import Configuration
from schemas.events import Event
from schemas.facts.orders import OrderFacts
from stages.buyers import orders_wanted
from stages.shopify.beside import beside
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Place, What
from stages.shopify.needs import Needs, late_needs_of, late_place, needs_of
from stages.shopify.wanted import Wanted

_OF_CUSTOMERS = frozenset({What.CUSTOMER, What.CUSTOMER_OF})


class Asking:
    """Of one configuration."""

    def __init__(self, configuration: Configuration, shopify: Shopify) -> None:
        self._shopify = shopify
        self._wanted = Wanted(configuration)
        self._premium = configuration.rules.premium

    def of(self, event: Event, place: Place | None, *, known: bool, late: bool) -> tuple[Needs, Needs]:
        """`known`: its order has told of itself. `late`: it is more than a day old; its state is looked up again."""
        needs = {**needs_of(event, place), **self._wanted.of(event)}
        if late and isinstance(event.facts, OrderFacts):
            needs["order"] = Lookup(event.shop, What.ORDER, str(event.facts.id), event.received, event.updated)
        if not self._shopify.has_access(event.shop):
            return self.named(needs), {}
        return self.named(needs), {
            **beside(event, place, known=known, late=late),
            **orders_wanted(event, self._premium),
        }

    def again(self, event: Event) -> tuple[Needs, Needs]:
        """The same for what did not come."""
        aside = {
            **beside(event, late_place(event), known=False, late=True),
            **orders_wanted(event, self._premium),
        }
        return (
            self.named({**late_needs_of(event), **_missing(self._wanted.of(event), event)}),
            _missing(aside, event),
        )

    def named(self, needs: Needs) -> Needs:
        """With the segments that make a customer premium: whether it is in them is part of the question."""
        segments = self._premium.segments
        return {
            name: replace(lookup, segments=segments) if lookup.what in _OF_CUSTOMERS else lookup
            for name, lookup in needs.items()
        }


def _missing(needs: Needs, event: Event) -> Needs:
    return {name: lookup for name, lookup in needs.items() if name in event.incomplete}

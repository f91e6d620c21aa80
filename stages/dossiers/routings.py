"""Which fulfillment orders of an order are still to be shipped: by the last look at them, and what was told since."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.facts.orders import ToShip
from schemas.facts.shipments import FulfillmentOrderFacts, Routed, RoutingFacts
from stages.dossiers.registers import Known, Stamp

CLOSED = frozenset({"closed", "cancelled"})

Open = ToShip | Routed | FulfillmentOrderFacts


def still_open(
    to_ship: Known[tuple[ToShip, ...]] | None,
    routings: Sequence[Known[RoutingFacts]],
    told: Sequence[Known[FulfillmentOrderFacts]],
) -> list[Open]:
    """`routings` and `told`: the newest last."""
    looks: list[tuple[Stamp, Sequence[ToShip | Routed]]] = []
    if to_ship is not None:
        looks.append((to_ship.stamp, to_ship.value))
    if routings:
        looks.append((routings[-1].stamp, routings[-1].value.orders))
    at, seen = max(looks, key=lambda look: look[0], default=(None, ()))
    newer = {known.value.fulfillment_order: known.value for known in told if at is None or known.stamp > at}
    gone = {name for name, facts in newer.items() if facts.status in CLOSED}
    found = [each for each in seen if each.fulfillment_order not in gone and not _is_done(each)]
    return [each for each in (*found, *newer.values()) if each.status not in CLOSED]


def _is_done(each: Open) -> bool:
    """Nothing of it remains, whatever it is called."""
    return isinstance(each, Routed) and bool(each.lines) and not any(line.remaining for line in each.lines)

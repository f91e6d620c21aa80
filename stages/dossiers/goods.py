"""What was bought and for which company, beyond what a message shows: whole, whatever the number of lines is."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from schemas.events import Event
from schemas.facts.orders import Line, OrderFacts
from schemas.facts.payments import DraftFacts
from stages.dossiers.dossier import Dossier, Goods
from stages.dossiers.registers import LONG, MANY, Known, Stamp, bounded, newest

#: Of SKUs and of tags; more than any order that a person made has.
MOST = 2_000
_SHOWN = 5


def with_goods(
    dossier: Dossier, event: Event, facts: OrderFacts | DraftFacts, stamp: Stamp, looked_up: Stamp
) -> Dossier:
    """`facts` as they came, with all their lines."""
    if "lines" not in facts.absent:
        goods = _goods(facts.lines) if len(facts.lines) >= MANY else None
        dossier = replace(dossier, goods=newest(dossier.goods, Known(stamp, event.kind, goods)))
    if "company_id" not in facts.absent:
        company = Known(looked_up, event.kind, facts.company_id)
        dossier = replace(dossier, company=newest(dossier.company, company))
    if facts.product_tags is not None:
        tags = Known(looked_up, event.kind, _cut(tag.lower() for tag in facts.product_tags))
        dossier = replace(dossier, product_tags=newest(dossier.product_tags, tags))
    return dossier


def _goods(lines: Iterable[Line]) -> Goods:
    standing = [line for line in lines if line.current_quantity != 0]
    units = sum(map(units_in, standing))
    dearest = tuple(bounded(line) for line in sorted(standing, key=worth_of, reverse=True)[:_SHOWN])
    return Goods(_cut(line.sku for line in standing if line.sku), units, len(standing), dearest)


def units_in(line: Line) -> int:
    return line.quantity if line.current_quantity is None else line.current_quantity


def worth_of(line: Line) -> Decimal:
    return (line.price or Decimal()) * units_in(line)


def _cut(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word[:LONG] for word in words))[:MOST]

"""What somebody may have to approve: an order or a draft order, in the words that policies and approvers have for both.

An order's own body says most of it; where only a look at it is known so far, what the body would say is still to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from schemas import subjects
from schemas.facts.orders import Address, Line, OrderFacts, Terms
from schemas.facts.payments import DraftFacts
from schemas.facts.shipments import FulfillmentOrderFacts
from schemas.money import Money
from stages.dossiers.dossier import Goods
from stages.dossiers.goods import MOST
from stages.dossiers.registers import LATE, MANY, Known
from stages.rules.order_wording import cancelled
from stages.rules.rule import Case, admin_link
from stages.rules.words import moment

_CAPTURED = frozenset({"paid", "partially_paid", "partially_refunded", "refunded"})


class Out(IntEnum):
    """How much of it has gone its way, whoever was asked."""

    NOTHING = 0
    IN_PART = 1
    WHOLLY = 2


@dataclass(frozen=True, slots=True)
class Matter:
    """`over`: why nobody has to decide any more. `happened`: what came before any decision; the first of it is why it
    is `out`. `quiet`: since when nobody has changed it, where that has to be waited for. `is_told`: it has told of
    itself, so that what is absent here will not follow. `goods`: of all lines, where not all are kept.
    """

    called: str
    link: str
    since: datetime
    total: Money | None
    presented: Money | None
    discounts: Money | None
    lines: tuple[Line, ...]
    tags: tuple[str, ...]
    address: Address | None
    terms: Terms | None
    absent: tuple[str, ...]
    customer_id: int | None
    company_id: int | None = None
    goods: Goods | None = None
    product_tags: tuple[str, ...] | None = None
    payment: str | None = None
    over: str | None = None
    out: Out = Out.NOTHING
    happened: tuple[str, ...] = ()
    quiet: datetime | None = None
    is_told: bool = True
    is_draft: bool = False

    @property
    def standing(self) -> list[Line]:
        """The lines that an edit has not removed."""
        return [line for line in self.lines if line.current_quantity != 0]

    @property
    def is_whole(self) -> bool:
        """Of a very long one only the first lines are kept."""
        return "lines" not in self.absent and len(self.lines) < MANY

    @property
    def skus(self) -> frozenset[str]:
        """Of the lines that are known."""
        return frozenset(self.goods.skus if self.goods else (line.sku for line in self.standing if line.sku))

    @property
    def has_all_skus(self) -> bool:
        return self.is_whole or (self.goods is not None and len(self.goods.skus) < MOST)

    @property
    def country(self) -> str | None:
        """In capitals; empty where it goes nowhere, None where nobody knows."""
        if self.address is None:
            return None if "address" in self.absent else ""
        return None if self.address.country is None else self.address.country.upper()

    @property
    def percent(self) -> int | None:
        """The discount's share of what it would have come to. None: not known."""
        total, off = self.total, self.discounts
        if total is None or off is None or total.currency != off.currency:
            return None
        before = total.amount + off.amount
        return round(off.amount * 100 / before) if before > 0 and off.amount > 0 else 0


def matter_of(case: Case) -> Matter | None:
    """None: nothing is known that anybody could approve."""
    if case.kind == "draft":
        draft = case.dossier.draft
        return None if draft is None else _draft(case, draft)
    order = case.dossier.order
    return None if order is None else _order(case, order)


def _order(case: Case, order: OrderFacts) -> Matter:
    out = {"partial": Out.IN_PART, "fulfilled": Out.WHOLLY}.get(order.fulfillment or "", Out.NOTHING)
    return Matter(
        called=f"Order {order.name or order.id}",
        link=admin_link(case.shop, f"orders/{order.id}"),
        since=order.created or order.updated or case.now,
        total=order.total,
        presented=_presented(case, order),
        discounts=order.discounts,
        lines=order.lines,
        tags=order.tags,
        address=order.address,
        terms=order.terms,
        absent=order.absent,
        customer_id=order.customer_id,
        company_id=order.company_id,
        goods=_goods(case),
        product_tags=_product_tags(case),
        payment=order.financial,
        over=cancelled(case.dossier) or _archived(order),
        out=out,
        happened=tuple(_happened(case, order, out)),
        is_told=any(map(_has_told_of_itself, case.dossier.every(OrderFacts))),
    )


def _has_told_of_itself(known: Known[OrderFacts]) -> bool:
    """Not what was asked about something else, nor an Event whose order could not be looked up."""
    return not known.kind.startswith("answer.") and (known.value.created or known.value.total) is not None


def _archived(order: OrderFacts) -> str | None:
    """Many shops archive what is shipped at once; what has happened since then is no business of approvers."""
    if order.closed is None or order.updated is None or order.updated - order.closed <= LATE:
        return None
    return f"the order was archived on {moment(order.closed)}, and nobody had approved it"


def _presented(case: Case, order: OrderFacts) -> Money | None:
    """Only a body tells it: of a total that was looked up since then it is not known."""
    known = case.dossier.facts.get("order")
    is_of_total = known is not None and isinstance(known.value, OrderFacts) and known.value.total == order.total
    return order.presented if is_of_total else None


def _happened(case: Case, order: OrderFacts, out: Out) -> list[str]:
    found = {Out.NOTHING: [], Out.IN_PART: ["shipped in part"], Out.WHOLLY: ["shipped"]}[out]
    statuses = {
        known.value.fulfillment_order: known.value.status for known in case.dossier.every(FulfillmentOrderFacts)
    }
    if out is Out.NOTHING and "in_progress" in statuses.values():
        found.append("fulfillment is in progress")
    if order.financial in _CAPTURED:
        found.append("captured" if order.financial == "paid" else f"captured ({order.financial.replace('_', ' ')})")
    return found


def _goods(case: Case) -> Goods | None:
    return case.dossier.goods.value if case.dossier.goods else None


def _product_tags(case: Case) -> tuple[str, ...] | None:
    return case.dossier.product_tags.value if case.dossier.product_tags else None


def _draft(case: Case, draft: DraftFacts) -> Matter:
    out, happened = _went_out(draft)
    return Matter(
        called=f"Draft order {draft.name or draft.id}",
        link=admin_link(case.shop, f"draft_orders/{subjects.identity_of(case.subject)}"),
        since=draft.created or draft.updated or case.now,
        total=draft.total,
        presented=None,
        discounts=draft.discounts,
        lines=draft.lines,
        tags=draft.tags,
        address=draft.address,
        terms=draft.terms,
        absent=draft.absent,
        customer_id=draft.customer_id,
        company_id=draft.company_id,
        goods=_goods(case),
        product_tags=_product_tags(case),
        over="the draft was deleted" if draft.deleted else None,
        out=out,
        happened=happened,
        quiet=draft.updated or draft.created or case.now,
        is_draft=True,
    )


def _went_out(draft: DraftFacts) -> tuple[Out, tuple[str, ...]]:
    if draft.completed is not None or draft.order_id is not None or draft.status == "completed":
        return Out.WHOLLY, ("completed",)
    if draft.invoice_sent is not None or draft.status == "invoice_sent":
        return Out.IN_PART, ("its invoice was sent",)
    return Out.NOTHING, ()

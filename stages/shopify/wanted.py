"""What only some configurations read of orders and drafts: for nobody else Shopify is asked for it."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.configuration import Configuration
from schemas.events import Event, Source
from schemas.facts.orders import Line, OrderFacts
from schemas.facts.payments import DraftFacts
from stages.shopify.lookup import Lookup, What
from stages.shopify.needs import Needs


class Wanted:
    """Of one configuration: the product tags that a policy or a condition names, and for approvers the company, and the
    lines that no body tells; the company also where companies have priority."""

    def __init__(self, configuration: Configuration) -> None:
        policies = configuration.approvals
        conditions = [*configuration.rules.when.values(), *(policy.when or "" for policy in policies)]
        self._tags = any(policy.product_tags for policy in policies) or _is_named("product_tags", conditions)
        self._lines = bool(policies) or any(_is_named(name, conditions) for name in ("lines", "skus", "units"))
        is_premium = bool(configuration.rules.premium.companies)
        self._company = is_premium or bool(policies) or _is_named("company", conditions)

    def of(self, event: Event) -> Needs:
        facts = event.facts
        if not isinstance(facts, OrderFacts | DraftFacts) or _is_over(facts):
            return {}
        needs: dict[str, Lookup] = {}
        if self._company and _may_be_a_companys(event, facts):
            what = What.DRAFT_COMPANY if isinstance(facts, DraftFacts) else What.ORDER_COMPANY
            needs["company"] = Lookup(event.shop, what, str(facts.id), event.received)
        if self._lines and isinstance(facts, OrderFacts) and "lines" in facts.absent:
            needs["lines"] = Lookup(event.shop, What.ORDER_LINES, str(facts.id), event.received)
        if self._tags and (tags := _of_products(event, facts)) is not None:
            needs["product_tags"] = tags
        return needs


def _of_products(event: Event, facts: OrderFacts | DraftFacts) -> Lookup | None:
    """Lines that were looked up, as those of a next-generation Event always are, name no product: the order does."""
    if products := _products(facts.lines):
        return Lookup(event.shop, What.PRODUCT_TAGS, products)
    if isinstance(facts, OrderFacts):
        return Lookup(event.shop, What.ORDER_PRODUCTS, str(facts.id), event.received)
    return None if "lines" in facts.absent else Lookup(event.shop, What.PRODUCT_TAGS, "")


def _is_named(name: str, conditions: Iterable[str]) -> bool:
    return any(name in text for text in conditions)


def _is_over(facts: OrderFacts | DraftFacts) -> bool:
    return facts.deleted if isinstance(facts, DraftFacts) else facts.cancelled is not None


def _may_be_a_companys(event: Event, facts: OrderFacts | DraftFacts) -> bool:
    """Nobody orders for a company without an account; of a next-generation Event the order itself is looked up."""
    is_guest = facts.customer_id is None and "customer_id" not in facts.absent
    return "company_id" in facts.absent and not is_guest and event.source is not Source.EVENT


def _products(lines: Iterable[Line]) -> str:
    """Of the lines that an edit has not removed."""
    found = {line.product_id for line in lines if line.product_id is not None and line.current_quantity != 0}
    return ",".join(map(str, sorted(found)))

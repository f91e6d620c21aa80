"""What only some configurations read of orders and drafts: for nobody else Shopify is asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.configuration import Configuration
from schemas.events import Event, Source
from schemas.facts import DraftFacts, Line, OrderFacts
from stages.shopify.lookup import Lookup, What
from stages.shopify.needs import Needs


class Wanted:
    """Of one configuration: the product tags that a policy or a condition names, and for approvers the company, and the
    lines that no body tells; the company also where companies have priority."""

    def __init__(self, configuration: Configuration) -> None:
        policies = configuration.approvals
        conditions = [*configuration.rules.when.values(), *(policy.when or "" for policy in policies)]
        self._tags = any(policy.product_tags for policy in policies) or _is_named("product_tags", conditions)
        self._lines = bool(policies)
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
        if self._tags and "lines" not in facts.absent:
            needs["product_tags"] = Lookup(event.shop, What.PRODUCT_TAGS, _products(facts.lines))
        return {**needs, **dict(self._unlisted(event, facts))}

    def _unlisted(self, event: Event, facts: OrderFacts | DraftFacts) -> Iterator[tuple[str, Lookup]]:
        """Of an order whose lines are not in its body, as those of a next-generation Event never are."""
        if isinstance(facts, OrderFacts) and "lines" in facts.absent:
            if self._lines:
                yield "lines", Lookup(event.shop, What.ORDER_LINES, str(facts.id), event.received)
            if self._tags:
                yield "product_tags", Lookup(event.shop, What.ORDER_PRODUCTS, str(facts.id), event.received)


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

"""What is known of one subject: everything that its events and signals have told, merged (see `registers`).

Rules judge a dossier, never an event: which of two deliveries came first is then no question that a rule could answer
wrongly. What was looked up is kept apart from what the webhooks said, since each is newer at other times. `None` means
that nothing is known. Not promised: history; of what there may be many, only the newest fifty of a kind are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, reduce, wraps
from typing import TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from schemas import subjects
from schemas.facts.fact import Facts
from schemas.facts.orders import Assessment, Customer, Hold, HoldFacts, Line, OrderFacts, RiskFacts, ToShip
from schemas.facts.payments import CheckoutFacts, DraftFacts
from schemas.facts.returns import DISPUTE_STATUSES, Disposition, DisputeFacts, Origin, RefundFacts, ReturnFacts
from schemas.facts.shipments import FulfillmentOrderFacts, RoutingFacts
from schemas.facts.stock import InventoryFacts, InventoryItemFacts, Item, ProductFacts
from schemas.facts.table import AnyFacts
from schemas.signals import AnySignal, Signal
from stages.dossiers.registers import Known, Span, since
from stages.dossiers.returns import Return, merged_facts, states_of
from stages.dossiers.routings import Open, still_open
from stages.dossiers.sales import Sale
from stages.dossiers.shelves import LOOK, PARTS

F = TypeVar("F", bound=Facts)
S = TypeVar("S", bound=Signal)
T = TypeVar("T")
P = TypeVar("P", OrderFacts, DraftFacts)

#: Of an order, what a later look at it tells authoritatively. The rest only its webhooks carry.
_CURRENT = ("updated", "financial", "fulfillment", "cancelled", "closed", "total", "outstanding", "tags", "gateways")
#: The same of a draft, and those of which nothing is a word too.
_EMPTY = ("invoice_sent", "completed", "order_id", "address")
_CURRENT_DRAFT = ("updated", "status", "total", "discounts", "tags", *_EMPTY)
_IMPORTED = timedelta(days=7)


def once(found: Callable[[Dossier], T]) -> Callable[[Dossier], T]:
    """Found once for each dossier, however many rules ask. What is returned must not change either."""
    name = f"{found.__module__}.{found.__qualname__}"

    @wraps(found)
    def remembered(dossier: Dossier) -> T:
        kept = dossier.__dict__
        if name not in kept:
            kept[name] = found(dossier)
        return cast("T", kept[name])

    return remembered


class Payment(Struct, frozen=True, omit_defaults=True):
    """Looked up: can money still be captured, until when is it authorized, and is the gateway a manual one?"""

    capturable: bool | None = None
    authorization_expires: datetime | None = None
    authorized_by: str | None = None
    manual_gateway: bool | None = None


class Goods(Struct, frozen=True, omit_defaults=True):
    """Of an order or a draft with more lines than are kept, all that stand: their SKUs, how many there are, and the few
    that are worth most."""

    skus: tuple[str, ...] = ()
    units: int = 0
    lines: int = 0
    dearest: tuple[Line, ...] = ()


class Dossier(Struct, frozen=True, omit_defaults=True, dict=True):
    """`facts` by kind of facts and identity (`order`, `refund/7`, `return/7/returns/approve`), `signals` by type.

    `spans`: per thing that has a state (`financial`, `fulfillment`, `address`, `return/7`), when each word was seen
    (of a return also `looked/7` when Shopify was asked, `shown/7` by next-generation Events);
    of `address-parts` the words are what it lacks (`city,zip`), or `whole`, of `address-edition` its editions.
    `to_ship`: the fulfillment orders that were open at the last look. `readings`: an item's available units over all
    online locations, by the time of the reading, None where it was not watched then (a draft); `stock`: by location's
    id, where it is not only one that sells online. `rhythm`: in which five minutes of an hour a topic was heard, as
    bits, by the hour's number; of two weeks.
    `sold`: of an item, the newest orders by their number; `sold_hourly`: the units of older ones by the hour's number.
    `disposed`: what came back, by its own id, as looked up.
    `incomplete`: what was to be looked up and is not known, and
    since when. `risk` holds each provider's newest level that says something, `unsettled` its newest that does not
    (pending, a word of tomorrow); the span `risk` has Shopify's advice, `risk/<provider>` that one's levels.
    `goods`: None in it where all lines are kept; `product_tags` in small letters; `company`: None in it where it is a
    person's. `protect`: what Shopify Protect says. `heard`: when the newest happened that the shop itself has told;
    answers and looks do not count. Beside its fields it remembers what rules have asked of it, which never changes.
    """

    facts: dict[str, Known[AnyFacts]] = {}
    signals: dict[str, Known[AnySignal]] = {}
    spans: dict[str, dict[str, Span]] = {}
    customer: Known[Customer] | None = None
    goods: Known[Goods | None] | None = None
    product_tags: Known[tuple[str, ...]] | None = None
    company: Known[int | None] | None = None
    address_verdict: Known[str | None] | None = None
    holds: Known[tuple[Hold, ...]] | None = None
    to_ship: Known[tuple[ToShip, ...]] | None = None
    risk: dict[str, Known[Assessment]] = {}
    unsettled: dict[str, Known[Assessment]] = {}
    protect: Known[str] | None = None
    recommendation: Known[str | None] | None = None
    payment: Known[Payment] | None = None
    item: Known[Item] | None = None
    readings: dict[str, Known[int | None]] = {}
    stock: dict[str, Known[tuple[tuple[int, int], ...]]] = {}
    incomplete: dict[str, Known[bool]] = {}
    heard: datetime | None = None
    rhythm: dict[int, int] = {}
    sold: dict[int, Sale] = {}
    sold_hourly: dict[int, int] = {}
    disposed: dict[str, Known[Disposition]] = {}

    # --- what rules ask ---------------------------------------------------------------------------------------------

    def every(self, of: type[F]) -> Sequence[Known[F]]:
        """All facts of that kind, or all that there are (of `Facts`), the newest last."""
        return cast("Sequence[Known[F]]", self._by_kind.get(of, ()))

    @cached_property
    def _by_kind(self) -> Mapping[type, Sequence[Known[AnyFacts]]]:
        every = sorted(self.facts.values(), key=lambda known: known.stamp)
        found: dict[type, list[Known[AnyFacts]]] = {Facts: every}
        for known in every:
            found.setdefault(type(known.value), []).append(known)
        return found

    def newest(self, of: type[F]) -> F | None:
        found = self.every(of)
        return found[-1].value if found else None

    def reports(self, of: type[S]) -> Sequence[Known[S]]:
        """All signals of that type, the newest last; of a job's reports the newest of each phase."""
        found = [cast("Known[S]", known) for known in self.signals.values() if isinstance(known.value, of)]
        return sorted(found, key=lambda known: known.stamp)

    def since(self, thing: str, *words: str) -> datetime | None:
        """Since when its state is one of `words`; None where it never was."""
        return since(self.spans.get(thing, {}), words)

    def is_unknown(self, name: str) -> bool:
        """It was to be looked up, and Shopify has not told. What was never asked for is not unknown in this sense."""
        known = self.incomplete.get(name)
        return known is not None and known.value

    @cached_property
    def order(self) -> OrderFacts | None:
        """The newest state: a webhook's, overlaid with a later look's. What it does not carry any look may tell."""
        told, looked = self.facts.get("order"), self.facts.get(LOOK)
        if told is None or looked is None:
            one = told or looked
            return None if one is None else self._with_parts(cast("OrderFacts", one.value))
        order, now = cast("OrderFacts", told.value), cast("OrderFacts", looked.value)
        wanted = [name for name in _CURRENT if told.stamp <= looked.stamp or name in order.absent]
        return self._with_parts(_overlaid(order, {name: getattr(now, name) for name in wanted if _says(now, name)}))

    def _with_parts(self, order: OrderFacts) -> OrderFacts:
        order = self._of_company(order)
        missing = (name for name in PARTS if name in order.absent)
        found = {name: self.facts[f"order/{name}"] for name in missing if f"order/{name}" in self.facts}
        return _overlaid(order, {name: getattr(known.value, name) for name, known in found.items()})

    @cached_property
    def stocked(self) -> Item | None:
        """The item as it was looked up last, with what it and its product have told of themselves since."""
        if self.item is None:
            return None
        told: list[ProductFacts | InventoryItemFacts] = [known.value for known in self._since_lookup(ProductFacts)]
        told += [known.value for known in self._since_lookup(InventoryItemFacts)]
        item = reduce(_told_of_item, told, self.item.value)
        level = next(iter(self.every(InventoryFacts)[-1:]), None)
        # one that was looked up for has nothing to say beside that
        is_newer = level is not None and level.stamp.occurred > self.item.stamp.occurred
        return replace(item, tracked=False) if level is not None and is_newer and level.value.untracked else item

    @property
    def is_deleted(self) -> bool:
        """The item, or its product, and it was not there any more when it was looked up last."""
        product, item = self._since_lookup(ProductFacts), self._since_lookup(InventoryItemFacts)
        return any(known.value.deleted for known in product[-1:]) or any(known.value.deleted for known in item[-1:])

    def _since_lookup(self, of: type[F]) -> Sequence[Known[F]]:
        looked_up = None if self.item is None else self.item.stamp.occurred
        return [known for known in self.every(of) if looked_up is not None and known.stamp.occurred >= looked_up]

    @cached_property
    def draft(self) -> DraftFacts | None:
        """The same of a draft order."""
        told, answered = self.facts.get("draft"), self.facts.get("draft/answer")
        if told is None or answered is None:
            one = told or answered
            return None if one is None else self._of_company(cast("DraftFacts", one.value))
        draft, now = self._of_company(cast("DraftFacts", told.value)), cast("DraftFacts", answered.value)
        if told.stamp > answered.stamp:
            return draft
        said = {name: getattr(now, name) for name in _CURRENT_DRAFT if name not in now.absent}
        return replace(draft, **{name: value for name, value in said.items() if value is not None or name in _EMPTY})

    def _of_company(self, facts: P) -> P:
        """What its own body does not tell may have been looked up."""
        if "company_id" not in facts.absent or self.company is None:
            return facts
        absent = tuple(name for name in facts.absent if name != "company_id")
        return replace(facts, company_id=self.company.value, absent=absent)

    @property
    def checkout(self) -> CheckoutFacts | None:
        """The checkout's own newest body."""
        known = self.facts.get("checkout")
        return None if known is None else cast("CheckoutFacts", known.value)

    @property
    def order_of_checkout(self) -> CheckoutFacts | None:
        """The order that came of this checkout, as its webhook or an answer told; None: none is known."""
        for name in ("checkout/order", "checkout/answer"):
            known = self.facts.get(name)
            if known is not None and cast("CheckoutFacts", known.value).order_placed:
                return cast("CheckoutFacts", known.value)
        return None

    @property
    def checkout_answer(self) -> CheckoutFacts | None:
        """What Shopify said when it was asked whether the checkout is abandoned."""
        known = self.facts.get("checkout/answer")
        return None if known is None else cast("CheckoutFacts", known.value)

    @cached_property
    def open_holds(self) -> tuple[Hold, ...] | None:
        """All of the order's holds, ours included: those of the last look, and what was told since. None: unknown.

        Of its own hold the webhook that made us look knows better than the look: Shopify's replicas lag. A look that
        came later than its webhook (`answer.facts`) knows better than that.
        """
        told = self.every(HoldFacts)
        if self.holds is None and not told:
            return None
        found = {hold.id: hold for hold in self.holds.value} if self.holds else {}
        for known in told:
            if self.holds is not None and (known.stamp < self.holds.stamp or known.kind == "answer.facts"):
                continue
            _hold_told(found, known.value)
        return tuple(found.values())

    @cached_property
    def fulfill_by(self) -> datetime | None:
        """The nearest time by which any of it is to be fulfilled."""
        return min((each.fulfill_by for each in self._still_open if each.fulfill_by is not None), default=None)

    @cached_property
    def deliver_by(self) -> datetime | None:
        """The nearest time by which any of it was promised to arrive."""
        return min((each.deliver_by for each in self._still_open if each.deliver_by is not None), default=None)

    @cached_property
    def _still_open(self) -> list[Open]:
        return still_open(self.to_ship, self.every(RoutingFacts), self.every(FulfillmentOrderFacts))

    @once
    def returns(self) -> Sequence[Return]:
        """Each return of the order, with everything that was told of it."""
        told: dict[int, list[Known[ReturnFacts]]] = {}
        for known in self.every(ReturnFacts):
            told.setdefault(known.value.id, []).append(known)
        return [self._return(number, tuple(known)) for number, known in told.items()]

    @once
    def disputes(self) -> Sequence[Known[DisputeFacts]]:
        """Each dispute once. A status that nobody knows yet hides none that is known; the stamp is that one's."""
        told: dict[int, list[Known[DisputeFacts]]] = {}
        for known in self.every(DisputeFacts):
            told.setdefault(known.value.id, []).append(known)
        return [_disputed(known) for known in told.values()]

    @once
    def origins(self) -> Sequence[Origin]:
        """What was looked up of its order for whatever belongs to it."""
        found = (getattr(known.value, "origin", None) for known in self.facts.values())
        return [origin for origin in found if isinstance(origin, Origin)]

    @once
    def refunds(self) -> Sequence[Known[RefundFacts]]:
        """Each refund of the order once, with everything that was told of it; the stamp is that of the first word."""
        told: dict[int, list[Known[RefundFacts]]] = {}
        for known in self.every(RefundFacts):
            told.setdefault(known.value.id, []).append(known)
        return [replace(known[0], value=merged_facts([each.value for each in known])) for known in told.values()]

    def _return(self, number: int, told: tuple[Known[ReturnFacts], ...]) -> Return:
        topics, looks, events = (self.spans.get(f"{thing}/{number}", {}) for thing in ("return", "looked", "shown"))
        return Return(number, told, states_of(topics, looks), events)


def _overlaid(order: OrderFacts, parts: Mapping[str, object]) -> OrderFacts:
    if not parts:
        return order
    return replace(order, **parts, absent=tuple(name for name in order.absent if name not in parts))


def _says(facts: OrderFacts, name: str) -> bool:
    """An answer that was cut short leaves what it does not carry as it was."""
    if name in facts.absent:
        return False
    return name in ("fulfillment", "cancelled", "closed") or getattr(facts, name) is not None


def _told_of_item(item: Item, facts: ProductFacts | InventoryItemFacts) -> Item:
    """What is not said stays."""
    told: dict[str, object] = {}
    if isinstance(facts, InventoryItemFacts):
        told |= {"sku": facts.sku, "tracked": facts.tracked}
    else:
        told |= {"product": facts.title, "vendor": facts.vendor, "product_status": facts.status, "tags": facts.tags}
        for variant in facts.variants or ():
            told |= {"sku": variant.sku, "policy": variant.policy}
    return replace(item, **{name: value for name, value in told.items() if value is not None})


def _hold_told(holds: dict[str, Hold], facts: HoldFacts) -> None:
    if not facts.released and facts.hold is not None:
        holds[facts.hold.id] = facts.hold
    elif facts.hold is not None:
        holds.pop(facts.hold.id, None)
    else:
        for name in [name for name, hold in holds.items() if hold.fulfillment_order == facts.fulfillment_order]:
            del holds[name]


def _disputed(told: Sequence[Known[DisputeFacts]]) -> Known[DisputeFacts]:
    merged = merged_facts([known.value for known in told])
    understood = [known for known in told if known.value.status in DISPUTE_STATUSES]
    newest = (understood or told)[-1]
    return replace(newest, value=replace(merged, status=newest.value.status))


def is_at_one_place(item: Item) -> bool:
    """The sum over the locations that sell online says it all."""
    levels = [level for level in item.levels if level.active]
    return len(levels) == 1 and levels[0].online


def is_import(order: OrderFacts | RiskFacts | HoldFacts | Origin) -> bool:
    """An order of another time and shop, brought over: nobody has to act on it (USE_CASES, "Never")."""
    return order.processed is not None and order.created is not None and order.created - order.processed > _IMPORTED


def name_of(subject: str) -> str:
    """How a subject is called where nothing better is known: `order 42`."""
    return f"{subjects.kind_of(subject)} {subjects.identity_of(subject)}".strip()

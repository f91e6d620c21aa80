"""`enrich`: what an event is about, and what is known of it.

One raw record becomes its event, and copies for the other subjects that it concerns. Identity is never guessed: while
Shopify does not tell whose a resource is, the record is parked, for a day at most. Facts are waited for a short while;
then the event goes on and names what is unknown, and what comes later follows as `answer.facts`. A shop without Admin
access keeps such resources as their own subjects. That a shop must be erased is the runner's work: what comes here of
that is a test, or not about the shop that it says, and nobody's news. Not promised: that every fact comes; the answer
to a question about an order does not carry its customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from schemas import codec, topics
from schemas.configuration import Configuration
from schemas.events import Event, Source
from schemas.facts.operations import PrivacyFacts
from schemas.facts.orders import HoldFacts, OrderFacts, RiskFacts
from schemas.facts.stock import ProductFacts
from schemas.questions import Question
from schemas.reasons import DropReason, RejectReason, RetryReason
from schemas.records import REDRIVEN_AT, Record
from schemas.resources import SHOP_REDACT
from stages.bodies.arrivals import Draft, copies, read, routing_of
from stages.bodies.fields import instant
from stages.bodies.skew import in_time
from stages.buyers import told_to_orders
from stages.dossiers.merging import without_looks
from stages.dossiers.registers import LATE as OLD
from stages.given_up import GIVEN_UP, gave_up
from stages.hearing import HEARD, heard
from stages.selling import SOLD, items_wanted, sales, unanswered
from stages.shopify.answers import Denied, Found, Missing
from stages.shopify.asking import Asking
from stages.shopify.beside import told_beside
from stages.shopify.client import Shopify
from stages.shopify.lookup import Lookup, Place, Reply
from stages.shopify.lookups import look_up
from stages.shopify.needs import PLACED_BY, Needs, filled, placed, question_needs
from stages.shopify.openness import REFUSALS, SHUT, shop_news
from stages.shopify.patience import LONGEST_RETRY, grown, wait_for, waited
from stages.stage import (
    CancelTimer,
    Context,
    Drop,
    Emit,
    Family,
    Outcome,
    Reject,
    Retry,
    SetTimer,
    Timer,
    TimerKind,
    Work,
)
from stages.variants import SHOWN, is_shown, told_to_items


class Late(Struct, frozen=True):
    """An event that went on incomplete; `since` (wall) is when it did."""

    event: Event
    since: datetime


PLACES: Family[Place] = Family("place", Place)
#: Of what is parked and what goes on incomplete while Shopify does not answer, this is the larger part: a whole event,
#: asked about for a day. A million deliveries a day over 12 partitions, two for each resource, are 42,000.
LATE: Family[Late] = Family("late", Late, most=50_000)

#: Under an order: it has told of itself, or was looked up.
ACQUAINTED: Family[bool] = Family("acquainted", bool, ttl=timedelta(days=90))

_FIRST_LATE = timedelta(seconds=5)
_NOTHING: Needs = {}
#: More are hardly asked about at once; those of records that were planned and never worked on go with them.
_PLANNED = 64


class Enrich:
    """`card_key` keys the hash that stands for a card; without it cards are not told apart."""

    families: Sequence[Family[Any]] = (PLACES, LATE, REFUSALS, SHUT, HEARD, GIVEN_UP, SOLD, SHOWN, ACQUAINTED)

    def __init__(self, configuration: Configuration, shopify: Shopify, card_key: bytes | None = None) -> None:
        self._configuration = configuration
        self._settings = configuration.shopify
        self._shopify = shopify
        self._card_key = card_key
        self._asking = Asking(configuration, shopify)
        self._planned: dict[int, tuple[Record, Draft]] = {}

    def lane(self, work: Work) -> str:
        return work.routing if isinstance(work, Timer) else routing_of(work)

    def plan(self, work: Work, context: Context) -> Sequence[Lookup]:
        asked = self._asked(work, context)
        return tuple(dict.fromkeys(lookup for lookup in asked if self._shopify.has_access(lookup.shop)))

    async def perform(self, request: Lookup) -> Reply:
        return await look_up(self._shopify, request)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return self._follow_up(work, context)
        if work.topic == topics.QUESTIONS:
            return self._answer(work, context)
        return self._arrive(work, context)

    def _asked(self, work: Work, context: Context) -> Iterator[Lookup]:
        if isinstance(work, Timer):
            late = context.state.get(LATE, work.routing, work.name)
            for asked in self._asking.again(late.event) if late else ():
                yield from asked.values()
            return
        if work.topic == topics.QUESTIONS:
            yield from self._question(work, context)[2].values()
            return
        draft = self._planned_by(work)
        place = context.state.get(PLACES, draft.event.resource)
        if place is None and (where := self._where(draft)) is not None:
            yield where
        for asked in self._needs(draft.event, place, context):
            yield from asked.values()
        yield from items_wanted(draft.event, self._configuration, context)

    # --- records ---------------------------------------------------------------------------------------------------

    def _arrive(self, record: Record, context: Context) -> Iterator[Outcome]:
        draft = self._draft(record)
        if draft.event.kind == SHOP_REDACT:
            yield Drop(DropReason.TEST if draft.event.test else DropReason.NOT_WATCHED)
            return
        place, where = context.state.get(PLACES, draft.event.resource), self._where(draft)
        needs, aside = self._needs(draft.event, place, context)
        if place is None and where is not None and not _is_gone(draft.event, context.answers.get(where)):
            place = self._placed_by(context.answers.get(where), _taken_up(record, draft.event), context)
            context.state.put(PLACES, draft.event.resource, place)
        event = draft.event
        if place is not None:
            event = placed(event, place)
        elif draft.about is not None and draft.about.kind in PLACED_BY:
            event = replace(event, subject=event.resource)
        event, unknown = self._completed(event, needs, context, aside)
        late = context.state.get(LATE, event.resource, _late_name(event))
        in_vain = late.event.incomplete if late else ()
        worth = [reply for name, reply in unknown.items() if name not in in_vain]
        wanted = items_wanted(draft.event, self._configuration, context)
        if late is None and self._shopify.has_access(event.shop):
            worth += unanswered(wanted, context)
        wait_for(worth, waited(context), self._settings.patience)
        yield from shop_news(event.shop, self._replies({**needs, **aside}, context).values(), context)
        looks = self._looks(event, aside, context)
        for told in (*looks, event, *copies(event), *sales(event, wanted, context), *told_to_items(event, context)):
            yield Emit(topics.ENRICHED, told.subject, told, told.kind)
        self._acquainted(event, aside, unknown, context)
        yield from heard(event, self._configuration.rules.operations.sync.topics, context)
        if late is None or not _is_no_news(event, late.event):
            yield from self._remember(event, unknown, context)

    def _planned_by(self, record: Record) -> Draft:
        """It is kept until the record itself is worked on: its body is read once."""
        draft = self._draft(record)
        self._planned[id(record)] = (record, draft)
        if len(self._planned) > _PLANNED:
            del self._planned[next(iter(self._planned))]
        return draft

    def _draft(self, record: Record) -> Draft:
        """Raises Reject for a body that does not decode and for a shop that is not ours, but for what the law asks."""
        planned = self._planned.pop(id(record), None)
        if planned is not None and planned[0] is record:
            return planned[1]
        draft = read(record, self._card_key)
        if self._configuration.shop(draft.event.shop) is None and not isinstance(draft.event.facts, PrivacyFacts):
            raise Reject(RejectReason.SHOP_UNKNOWN, draft.event.shop)
        return draft

    def _where(self, draft: Draft) -> Lookup | None:
        """The question whose a resource is; None where it is its own, or nobody can tell."""
        about = draft.about
        if about is None or about.kind not in PLACED_BY or not self._shopify.has_access(draft.event.shop):
            return None
        return Lookup(draft.event.shop, PLACED_BY[about.kind], str(about.identity))

    def _placed_by(self, reply: Reply | None, taken_up: datetime, context: Context) -> Place:
        """Raises Retry, and Reject after a day: also for what has spent that day in the queue behind another."""
        if isinstance(reply, Found) and isinstance(reply.value, Place):
            return reply.value
        parked, longest = waited(context), self._settings.subject_patience
        if parked >= longest or (parked >= self._settings.patience and context.wall - taken_up >= longest):
            raise Reject(RejectReason.SUBJECT_UNKNOWN, f"asked for {parked}; the last answer was {reply!r}")
        raise Retry(RetryReason.SUBJECT_UNKNOWN, grown(parked))

    def _needs(self, event: Event, place: Place | None, context: Context) -> tuple[Needs, Needs]:
        """What fills its facts, and what is told beside it."""
        if is_shown(event, context):
            return {}, {}
        is_known = context.state.get(ACQUAINTED, event.resource) or False
        return self._asking.of(event, place, known=is_known, late=context.now - event.occurred > OLD)

    def _looks(self, event: Event, aside: Needs, context: Context) -> Sequence[Event]:
        """What was looked up beside it, as events of their own."""
        replies = self._replies(aside, context)
        return [*told_beside(event, replies, context.now), *told_to_orders(event, replies, context.now)]

    def _acquainted(self, event: Event, aside: Needs, unknown: Mapping[str, Reply | None], context: Context) -> None:
        """Its order is known from here on; what it tells of itself later is asked of nobody."""
        is_told = isinstance(event.facts, OrderFacts) or ("order" in aside and "order" not in unknown)
        if is_told and self._shopify.has_access(event.shop) and not context.state.get(ACQUAINTED, event.resource):
            context.state.put(ACQUAINTED, event.resource, True)

    # --- facts -----------------------------------------------------------------------------------------------------

    def _replies(self, needs: Needs, context: Context) -> dict[str, Reply | None]:
        return {
            name: context.answers.get(lookup) if self._shopify.has_access(lookup.shop) else Denied("no Admin access")
            for name, lookup in needs.items()
        }

    def _completed(
        self, event: Event, needs: Needs, context: Context, aside: Needs = _NOTHING
    ) -> tuple[Event, Mapping[str, Reply | None]]:
        """The event with every fact that has come, and the replies for those that have not."""
        facts = event.facts
        unknown: dict[str, Reply | None] = {}
        for name, reply in self._replies(needs, context).items():
            if isinstance(reply, Found):
                facts = filled(facts, reply.value)
            else:
                unknown[name] = reply
        beside = self._replies(aside, context).items()
        unknown |= {name: reply for name, reply in beside if not isinstance(reply, Found)}
        test = event.test or (isinstance(facts, RiskFacts | HoldFacts) and facts.test)
        event = replace(event, facts=facts, incomplete=tuple(sorted(unknown)), test=test)
        if self._is_looked_up(event, context) and isinstance(facts, OrderFacts | ProductFacts):
            event = replace(event, updated=facts.updated)
        return in_time(event), unknown

    def _is_looked_up(self, event: Event, context: Context) -> bool:
        """Its state is as new as the look at it."""
        is_old = event.source is not Source.ANSWER and context.now - event.occurred > OLD
        return event.source is Source.EVENT or is_old

    # --- facts that come late --------------------------------------------------------------------------------------

    def _remember(self, event: Event, unknown: Mapping[str, Reply | None], context: Context) -> Iterator[Outcome]:
        """The newest event counts: facts that came with it need not be asked for an older one."""
        routing, name = event.resource, _late_name(event)
        if any(not isinstance(reply, Denied) for reply in unknown.values()):
            context.state.put(LATE, routing, Late(event, context.wall), name)
            yield SetTimer(routing, name, context.wall + _FIRST_LATE, TimerKind.RETRY)
        elif context.state.get(LATE, routing, name) is not None:
            context.state.delete(LATE, routing, name)
            yield CancelTimer(routing, name)

    def _follow_up(self, timer: Timer, context: Context) -> Iterator[Outcome]:
        late = context.state.get(LATE, timer.routing, timer.name)
        if late is None:
            return
        needs, aside = self._asking.again(late.event)
        # what was looked up before was told with its event: told again, it would be as of now
        blank = replace(late.event, facts=without_looks(late.event.facts))
        event, unknown = self._completed(blank, needs, context, aside)
        yield from shop_news(event.shop, self._replies({**needs, **aside}, context).values(), context)
        came = [name for name in late.event.incomplete if name not in unknown]
        if came and "order" not in unknown:
            event = replace(event, incomplete=tuple(name for name in late.event.incomplete if name in unknown))
            answer = replace(
                event,
                kind="answer.facts",
                source=Source.ANSWER,
                occurred=context.now,
                received=context.wall,
                delivery_id=f"{event.delivery_id}/facts/{'+'.join(came)}",
            )
            looks = self._looks(late.event, aside, context)
            for told in (*looks, answer, *told_to_items(answer, context)):
                yield Emit(topics.ENRICHED, told.subject, told, told.kind)
        else:
            event = late.event
        unsaid = tuple(name for name in event.incomplete if not isinstance(unknown.get(name), Missing))
        yield from self._ask_again(timer, Late(event, late.since), unsaid, context)

    def _ask_again(self, timer: Timer, late: Late, unsaid: tuple[str, ...], context: Context) -> Iterator[Outcome]:
        """`unsaid`: what Shopify has not answered; that there is no such thing is an answer."""
        asked_for = context.wall - late.since
        if late.event.incomplete and asked_for < self._settings.ask_again_for:
            context.state.put(LATE, timer.routing, late, timer.name)
            due = context.wall + max(_FIRST_LATE, min(asked_for, LONGEST_RETRY))
            yield SetTimer(timer.routing, timer.name, due, TimerKind.RETRY)
            return
        context.state.delete(LATE, timer.routing, timer.name)
        if unsaid:
            yield from gave_up(late.event.shop, unsaid, context)

    # --- questions -------------------------------------------------------------------------------------------------

    def _question(self, record: Record, context: Context) -> tuple[Question, Event, Needs]:
        try:
            question = codec.decode(record, Question)
        except codec.Undecodable as error:
            raise Reject(RejectReason.UNDECODABLE, str(error)) from error
        facts, needs = question_needs(question, context.parked_since or context.wall)
        event = Event(
            kind=f"answer.{question.kind}",
            shop=question.shop,
            subject=question.subject,
            resource=routing_of(record),
            occurred=context.now,
            received=context.wall,
            delivery_id=question.id,
            source=Source.ANSWER,
            facts=facts,
        )
        return question, event, self._asking.named(needs)

    def _answer(self, record: Record, context: Context) -> Iterator[Outcome]:
        """An answer comes in any case: after the patience, or without access, it says what is not known."""
        _, event, planned = self._question(record, context)
        needs = {name: _asked_as(lookup, context) for name, lookup in planned.items()}
        event, unknown = self._completed(event, needs, context)
        wait_for(unknown.values(), waited(context), self._settings.patience)
        yield from shop_news(event.shop, self._replies(needs, context).values(), context)
        yield Emit(topics.ENRICHED, event.subject, event, event.kind)


def _is_gone(event: Event, reply: Reply | None) -> bool:
    """Of what was deleted nobody can tell any more whose it was; it stays its own."""
    return event.kind.endswith("/delete") and isinstance(reply, Missing)


def _taken_up(record: Record, event: Event) -> datetime:
    """When its day begins: what an operator has given back from the dead letters has a new one."""
    return instant(record.header(REDRIVEN_AT)) or event.received


def _asked_as(lookup: Lookup, context: Context) -> Lookup:
    """The request that was made of this question: a record that waited in the queue was planned at another time."""
    same = (asked for asked in context.answers if replace(asked, since=lookup.since) == lookup)
    return next(same, lookup)


def _is_no_news(event: Event, other: Event) -> bool:
    """Older, or the same delivery once more: that is dropped behind us, and with it what was found for it."""
    if event.delivery_id == other.delivery_id:
        return True
    return event.updated is not None and other.updated is not None and event.updated < other.updated


def _late_name(event: Event) -> str:
    return f"late/{event.facts.__struct_config__.tag}"

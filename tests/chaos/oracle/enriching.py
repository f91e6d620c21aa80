"""`enrich`, done again: what the raw bytes say, and for each fact either Shopify's truth or that it is incomplete.

What was known when, nobody has recorded, and no order of attempts is the only right one. So each output is recomputed
with those facts left out that it says itself it does not know; how many is counted. Not seen here: that a fact which
could have been had in time is missing, an order's word to its items among them, and that an answer comes late or never.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from schemas import codec, topics
from schemas.configuration import Configuration
from schemas.events import Event, Source
from schemas.facts.orders import OrderFacts
from schemas.facts.stock import SoldFacts
from schemas.questions import Question
from schemas.reasons import RejectReason
from schemas.records import Record
from stages.bodies.arrivals import read
from stages.dossiers.registers import LATE as OLD
from stages.enrich import ACQUAINTED, LATE, PLACES, Enrich, Late
from stages.shopify.answers import Denied
from stages.shopify.asking import Asking
from stages.shopify.lookup import Lookup, Reply, What
from stages.shopify.needs import Needs, question_needs
from stages.stage import Context, Emit, Reject, Retry, Timer, TimerKind, Work
from tests.chaos.evidence import Truth
from tests.chaos.oracle.comparing import cut
from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.log import Log, Made, at, is_broadcast, rejected
from tests.chaos.oracle.marks import settled
from tests.chaos.oracle.remembered import Remembered
from tests.chaos.oracle.truth import TrueShopify

#: Longer than any patience: whatever does not come now is not waited for.
_WAITED = timedelta(hours=1)
_LEFT_OUT = Denied("the output says that it was not known")
_FACTS = "/facts/"
#: Whose items an order's variants are: of all of them or of none its copies say it, and nothing names it.
_ITEMS = "items of variants"
_AGAIN = "records, enriched again"


class Given(NamedTuple):
    """What a work is done with: the facts that are not known, its two times, and whether its order was known."""

    unknown: frozenset[str]
    now: datetime
    wall: datetime
    #: The order has told of itself before: an output that tells of it beside says that it has not.
    known: bool = True


class Enriching:
    """Single works of `enrich`, done again. Each lookup is asked once."""

    def __init__(self, configuration: Configuration, truth: Truth, card_key: bytes | None) -> None:
        shopify = TrueShopify(configuration, truth)
        self._enrich = Enrich(configuration, shopify, card_key)
        self._asking = Asking(configuration, shopify)
        self._card_key = card_key
        self._replies: dict[tuple[object, ...], Reply] = {}

    async def events(self, work: Work, given: Given, state: Remembered) -> list[Event]:
        """What the work must emit on `events.enriched`. Raises Reject and Retry."""
        state.work_at(given.wall)
        waited = given.wall - _WAITED
        context = Context(state, given.now, given.wall, {}, waited)
        self._acquaint(work, given, state)
        needs = self._needs(work, state, waited, given)
        left_out = {_asked(lookup) for name, lookup in needs.items() if name in given.unknown}
        planned = self._enrich.plan(work, context)
        if _ITEMS in given.unknown:
            left_out |= {_asked(lookup) for lookup in planned if lookup.what is What.VARIANT}
        answers = {lookup: _LEFT_OUT if _asked(lookup) in left_out else await self._reply(lookup) for lookup in planned}
        outcomes = list(self._enrich.process(work, Context(state, given.now, given.wall, answers, waited)))
        state.keep()
        emitted = [one for one in outcomes if isinstance(one, Emit) and one.topic == topics.ENRICHED]
        return [one.value for one in emitted if isinstance(one.value, Event)]

    def _acquaint(self, work: Work, given: Given, state: Remembered) -> None:
        """Of other topics' records nobody has recorded which came first."""
        if isinstance(work, Timer) or work.topic == topics.QUESTIONS:
            return
        event = read(work, self._card_key).event
        if given.known:
            state.put(ACQUAINTED, event.resource, True)
        else:
            state.delete(ACQUAINTED, event.resource)

    def _needs(self, work: Work, state: Remembered, since: datetime, given: Given) -> Needs:
        if isinstance(work, Timer):
            late = state.get(LATE, work.routing, work.name)
            return {} if late is None else _all(self._asking.again(late.event))
        if work.topic == topics.QUESTIONS:
            return question_needs(codec.decode(work, Question), since)[1]
        event = read(work, self._card_key).event
        is_late = given.now - event.occurred > OLD
        return _all(self._asking.of(event, state.get(PLACES, event.resource), known=given.known, late=is_late))

    async def _reply(self, lookup: Lookup) -> Reply:
        asked = _asked(lookup)
        if asked not in self._replies:
            self._replies[asked] = await self._enrich.perform(lookup)
        return self._replies[asked]


def _all(needs: tuple[Needs, Needs]) -> Needs:
    return {**needs[0], **needs[1]}


def _asked(lookup: Lookup) -> tuple[object, ...]:
    return lookup.shop, lookup.what, lookup.identity, lookup.newer


async def check(sheet: Sheet, log: Log, enriching: Enriching) -> None:
    sheet.looks_at(_AGAIN)
    for number in range(log.partitions):
        outputs = _outputs(log, number)
        letters = {rejected(letter): letter for letter in log.on(topics.dead_of("enrich"), number)}
        known = Remembered()
        for topic in (*topics.RAW, topics.QUESTIONS):
            for record in settled(log, "enrich", number, topic):
                if is_broadcast(record):
                    continue
                if told := outputs.get(f"{topic}/{record.offset}"):
                    await _check_record(sheet, enriching, known, record, told)
                elif (letter := letters.get((topic, record.offset))) is not None:
                    await _check_letter(sheet, enriching, record, letter)
        await _check_answers(sheet, enriching, outputs)


def _outputs(log: Log, number: int) -> Mapping[str, Sequence[tuple[Made, Record]]]:
    """By source, what the task told of events, in the order of its making."""
    found: dict[str, list[tuple[Made, Record]]] = defaultdict(list)
    for made, record in log.made.get(("enrich", number), ()):
        if record.topic == topics.ENRICHED:
            found[made.source].append((made, record))
    return {source: sorted(told, key=lambda one: one[0].turn) for source, told in found.items()}


async def _check_record(
    sheet: Sheet, enriching: Enriching, known: Remembered, record: Record, told: Sequence[tuple[Made, Record]]
) -> None:
    """With its place known from an earlier one, or asked for anew: which it was, nobody has recorded."""
    sheet.compared[_AGAIN] += 1
    said, looks = _main(told)
    sheet.seen["facts that were not known in time"] += len(said.incomplete)
    given = Given(frozenset(said.incomplete), said.occurred, said.received)
    if record.topic != topics.QUESTIONS:
        is_known = "order" not in said.incomplete and not any(look.kind == "answer.order" for look in looks)
        given = given._replace(now=looks[0].occurred if looks else said.received, known=is_known)
    if isinstance(said.facts, OrderFacts) and not any(_is_sale(output) for _, output in told):
        given = given._replace(unknown=given.unknown | {_ITEMS})
    try:
        wrong = _differences(await enriching.events(record, given, known), told)
        if wrong and not _differences(await enriching.events(record, given, Remembered()), told):
            wrong = []
    except (Reject, Retry) as error:
        sheet.find(Promise.RIGHT, at(told[0][1]), f"{at(record)} must not come to an event: {error}")
        return
    for where, says in wrong:
        sheet.find(Promise.RIGHT, where, f"of {at(record)}: {says}")
    for _, output in told:
        if output.header("traceparent") != record.header("traceparent"):
            sheet.find(Promise.RIGHT, at(output), f"it does not carry the trace of {at(record)}")


def _main(told: Sequence[tuple[Made, Record]]) -> tuple[Event, list[Event]]:
    """What a work tells, and what was looked up beside it and stands before it."""
    events = [codec.decode(record, Event) for _, record in told]
    said = next((one for one in events if one.source is not Source.ANSWER or _FACTS in one.delivery_id), events[0])
    return said, events[: events.index(said)]


def _is_sale(output: Record) -> bool:
    return isinstance(codec.decode(output, Event).facts, SoldFacts)


def _differences(must: Sequence[Event], told: Sequence[tuple[Made, Record]]) -> list[tuple[str, str]]:
    """(where, what is wrong) of the outputs of one work. A doubled one is found by its id."""
    stands = list({made.turn: record for made, record in reversed(told)}.values())[::-1]
    found: list[tuple[str, str]] = []
    if len(stands) != len(must):
        says = f"{len(stands)} events stand there, it must be {len(must)}: {', '.join(one.subject for one in must)}"
        found.append((at(stands[0]), says))
    for event, record in zip(must, stands, strict=False):
        if (value := codec.encode(event)) != record.value:
            found.append((at(record), f"it says {cut(record.value or b'', value)}"))
        if record.key != event.subject.encode() or record.header("ce_type") != event.kind:
            found.append((at(record), f"it must have the key {event.subject} and the type {event.kind}"))
    return found


async def _check_letter(sheet: Sheet, enriching: Enriching, record: Record, letter: Record) -> None:
    sheet.compared["dead letters of enrich, judged again"] += 1
    moment = datetime.fromtimestamp(letter.timestamp / 1000, UTC)
    reason = letter.header("dead-reason")
    try:
        await enriching.events(record, Given(frozenset(), moment, moment), Remembered())
        must = None
    except Reject as reject:
        must = reject.reason.value
    except Retry:
        must = RejectReason.SUBJECT_UNKNOWN.value
    if reason != must:
        says = f"{at(record)} was rejected as {reason}, it must {'be an event' if must is None else f'be {must}'}"
        sheet.find(Promise.RIGHT, at(letter), says)
    if letter.value != record.value or letter.key != record.key:
        sheet.find(Promise.RIGHT, at(letter), f"it does not carry the bytes of {at(record)}")


# --- facts that came late --------------------------------------------------------------------------------------------


async def _check_answers(
    sheet: Sheet, enriching: Enriching, outputs: Mapping[str, Sequence[tuple[Made, Record]]]
) -> None:
    """Each says what was not known in an event of its delivery, once for each such event."""
    late = _incomplete(outputs)
    unanswered = Counter((*key, name) for key, events in late.items() for event in events for name in event.incomplete)
    for source, told in outputs.items():
        if not source.startswith("timer/"):
            continue
        sheet.seen["answers with facts that came late"] += 1
        answer = _main(told)[0]
        delivery, _, names = answer.delivery_id.rpartition(_FACTS)
        await _check_answer(sheet, enriching, late[answer.resource, delivery], _timer(source), told)
        unanswered.subtract((answer.resource, delivery, name) for name in names.split("+"))
        for name in names.split("+"):
            if late[answer.resource, delivery] and unanswered[answer.resource, delivery, name] < 0:
                says = f"{name} of {delivery} was told to all who did not know it before"
                sheet.find(Promise.DUPLICATED, at(told[0][1]), says)


def _incomplete(outputs: Mapping[str, Sequence[tuple[Made, Record]]]) -> dict[tuple[str, str], list[Event]]:
    """By raw key and delivery id, the events that went on without something."""
    found: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for source, told in outputs.items():
        if not source.startswith(("timer/", f"{topics.QUESTIONS}/")):
            event = _main(told)[0]
            if event.incomplete:
                found[event.resource, event.delivery_id].append(event)
    return found


def _timer(source: str) -> Timer:
    """`timer/<routing>/late/<tag>/<milliseconds>`."""
    rest, _, moment = source.removeprefix("timer/").rpartition("/")
    routing, late, tag = rest.rpartition("/late/")
    due = datetime.fromtimestamp(int(moment) / 1000, UTC)
    return Timer(routing, f"{late.removeprefix('/')}{tag}", due, TimerKind.RETRY)


async def _check_answer(
    sheet: Sheet,
    enriching: Enriching,
    candidates: list[Event],
    timer: Timer,
    told: Sequence[tuple[Made, Record]],
) -> None:
    """After an answer less is unknown: the event as it is then is what the next one follows upon."""
    where = at(told[0][1])
    answer = _main(told)[0]
    came = answer.delivery_id.rpartition(_FACTS)[2].split("+")
    wrong: Iterable[tuple[str, str]] = [(where, "no event of its delivery went on without it")]
    for event in tuple(candidates):
        state = Remembered()
        state.work_at(answer.received)
        state.put(LATE, timer.routing, Late(event, answer.received), timer.name)
        state.keep()
        unknown = frozenset(event.incomplete) - frozenset(came)
        must = await enriching.events(timer, Given(unknown, answer.occurred, answer.received), state)
        wrong = _differences(must, told)
        if not wrong:
            sheet.compared["answers with facts, made again"] += 1
            if (left := state.get(LATE, timer.routing, timer.name)) is not None:
                candidates.append(left.event)
            return
    for place, says in wrong:
        sheet.find(Promise.RIGHT, place, f"an answer with late facts: {says}")

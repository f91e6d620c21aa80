"""`classify`: applies the business rules, with memory and timers, and says which teams are told.

An event or a signal is merged into its subject's dossier; then every rule that watches such a subject judges the whole
of it. What a verdict means (open, worse, over, wait, ask, tell once) is carried out in `stages.judging`. A condition
that has to last fires by its timer only, after everything that was on the log has been read: a decision in the log
beats its deadline. In a sweep the subjects are looked through about which something is open or waited for
(`stages.judging.sweeping`). Not promised: approvals hold nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from schemas import codec, subjects, topics
from schemas.configuration import Configuration
from schemas.events import Event, Source
from schemas.facts.orders import HoldFacts, OrderDeletedFacts, OrderFacts, RiskFacts
from schemas.facts.returns import Origin
from schemas.reasons import DropReason, RejectReason
from schemas.records import Record
from schemas.signals import AnySignal, ShopUninstalled
from stages.dossiers.dossier import Dossier, is_import
from stages.dossiers.merging import merged
from stages.dossiers.sales import ASIDE, MOST, set_aside
from stages.dossiers.signalled import with_signal
from stages.judging.episodes import EPISODE, TRACK, Track, split_name
from stages.judging.judgement import TOLD, Cause, Judgement
from stages.judging.narrowing import Narrowing
from stages.judging.sweeping import (
    GONE,
    Sieve,
    ended_with_app,
    forgotten,
    has_gone,
    is_of_gone_shop,
    of_standing,
    sieve_of,
    standing,
    switched_off,
    withdrawn,
)
from stages.judging.telling import told_at_once
from stages.judging.waits import ASKED
from stages.rules.calendars import Calendars
from stages.rules.rule import Case, Clear, Due, Fire, Rule
from stages.rules.table import WATCHING
from stages.stage import (
    CancelTimer,
    Context,
    Drop,
    Family,
    Outcome,
    Reject,
    StartSweep,
    SweepCause,
    Timer,
    Visit,
    Work,
)

DOSSIER: Family[Dossier] = Family("dossier", Dossier, ttl=timedelta(days=90))


class Classify:
    """`configuration_hash` stands in every alert, so that one can tell by which rules it was made.

    `watching`: the rules that look at a subject, by its kind.
    """

    families: Sequence[Family[Any]] = (DOSSIER, EPISODE, TRACK, TOLD, GONE, ASIDE)
    swept: Sequence[Family[Any]] = (EPISODE, TRACK)

    def __init__(
        self,
        configuration: Configuration,
        configuration_hash: str | None = None,
        watching: Mapping[str, tuple[Rule, ...]] = WATCHING,
    ) -> None:
        self._configuration = configuration
        self._hash = configuration_hash
        self._off = switched_off(configuration.rules)
        self._watching = {
            kind: tuple(rule for rule in rules if rule.name not in self._off) for kind, rules in watching.items()
        }
        self._narrowing = Narrowing(configuration.rules)
        self._calendars = Calendars(configuration)

    def process(self, work: Work, context: Context) -> Iterator[Outcome]:
        if isinstance(work, Timer):
            yield from self._time_passed(work, context)
        elif work.topic == topics.SIGNALS:
            yield from self._signalled(work, context)
        else:
            yield from self._happened(work, context)

    def visit(self, visit: Visit, context: Context) -> Iterator[Outcome]:
        """A subject that a shop has told of since it was gone keeps what it waits for."""
        subject = visit.routing
        dossier = self._dossier(subject, context)
        if visit.cause is SweepCause.CONFIGURATION:
            cause = Cause(f"configuration@{visit.about}@{context.now.isoformat()}", context.wall, None)
            yield from self._reconfigured(self._case(subject, dossier, context), cause, context)
        elif visit.cause is SweepCause.UNINSTALLED and is_of_gone_shop(subject, dossier, context):
            yield from forgotten(subject, context)
            yield from self._left(subject, dossier, visit, context)

    def _left(self, subject: str, dossier: Dossier, visit: Visit, context: Context) -> Iterator[Outcome]:
        """What was told of the app's own work in the shop is over with it."""
        cause = Cause(f"{visit.cause}@{visit.about}@{context.now.isoformat()}", context.wall, None)
        judgement = self._judgement(self._case(subject, dossier, context), cause, context)
        for rule, keys in ended_with_app(self._rules(subject), judgement):
            yield from judgement.carried_out(rule, [Clear("the app was uninstalled", key) for key in keys])

    def _happened(self, record: Record, context: Context) -> Iterator[Outcome]:
        event = _decoded(record, Event)
        if self._rules(event.subject) == ():
            yield Drop(DropReason.NOT_WATCHED)
            return
        dossier = merged(self._dossier(event.subject, context), event)
        if len(dossier.sold) > MOST:
            sold, hours = set_aside(dossier.sold, dossier.sold_hourly, event.subject, context.state)
            dossier = replace(dossier, sold=sold, sold_hourly=hours)
        context.state.put(DOSSIER, event.subject, dossier)
        if event.kind.startswith("answer."):
            yield from _answered(event, context)
        is_look = event.source is Source.ANSWER
        cause = Cause(event.delivery_id, event.received, event.occurred, event.incomplete, is_look)
        yield from self._judged(event.subject, dossier, cause, context)

    def _signalled(self, record: Record, context: Context) -> Iterator[Outcome]:
        signal = _decoded(record, AnySignal)
        if isinstance(signal, ShopUninstalled):
            known = not has_gone(signal, context)
            yield Drop(DropReason.ALREADY_KNOWN) if known else StartSweep(SweepCause.UNINSTALLED, signal.shop)
            return
        if self._rules(signal.subject) == ():
            yield Drop(DropReason.NOT_WATCHED)
            return
        kind = str(signal.__struct_config__.tag)
        dossier = with_signal(self._dossier(signal.subject, context), signal, kind)
        context.state.put(DOSSIER, signal.subject, dossier)
        cause = Cause(f"{kind}@{signal.occurred.isoformat()}", signal.received, signal.occurred)
        yield from self._judged(signal.subject, dossier, cause, context)

    def _time_passed(self, timer: Timer, context: Context) -> Iterator[Outcome]:
        subject, name = timer.routing, timer.name.removeprefix(ASKED)
        track = context.state.get(TRACK, subject, name) or Track()
        if timer.name.startswith(ASKED):
            track = replace(track, confirmed=False)
        else:
            reached = timer.due if track.reached is None else max(track.reached, timer.due)
            track = replace(track, due=None, reached=reached, behind=not context.chain_passed)
        context.state.put(TRACK, subject, track, name)
        cause = Cause(f"timer@{timer.due.isoformat()}", context.wall, None)
        yield from self._judged(subject, self._dossier(subject, context), cause, context)

    def _judged(self, subject: str, dossier: Dossier, cause: Cause, context: Context) -> Iterator[Outcome]:
        case = self._case(subject, dossier, context)
        judgement = self._judgement(case, cause, context)
        yield from told_at_once(self._looked_over(judgement, case, sieve_of(subject, dossier, context)))

    def _reconfigured(self, case: Case, cause: Cause, context: Context) -> Iterator[Outcome]:
        judgement, watched = self._judgement(case, cause, context), {rule.name for rule in self._rules(case.subject)}
        names = standing(judgement, case.subject, context)
        yield from withdrawn(judgement, names, watched, self._off)
        sieve = of_standing(names, sieve_of(case.subject, case.dossier, context))
        yield from told_at_once(self._looked_over(judgement, case, sieve))

    def _case(self, subject: str, dossier: Dossier, context: Context) -> Case:
        shop = subjects.shop_of(subject)
        return Case(shop, subject, dossier, context.now, self._configuration, calendars=self._calendars)

    def _judgement(self, case: Case, cause: Cause, context: Context) -> Judgement:
        judgement = Judgement(self._configuration, self._hash, context, cause, (case.shop, case.subject))
        judgement.look_at(case.dossier)
        return judgement

    def _looked_over(self, judgement: Judgement, case: Case, sieve: Sieve) -> Iterator[Outcome]:
        """Twice where one has opened: a second alert on one order makes the first one urgent too."""
        if because := nobodys(case.dossier):
            yield from self._called_off(judgement, case.subject, because)
            return
        removed = judgement.without_removed_teams()
        yield from self._asked_of_each(judgement, case, sieve)
        if judgement.has_opened:
            yield from self._asked_of_each(judgement, case, sieve)
        for name, teams in removed.items():
            yield from judgement.hand_over(name, teams, self._holding(judgement, case, name))

    def _asked_of_each(self, judgement: Judgement, case: Case, sieve: Sieve) -> Iterator[Outcome]:
        for rule in self._rules(case.subject):
            verdicts = self._narrowing.judged(rule, _for(rule, case, judgement))
            yield from judgement.carried_out(rule, sieve(rule, verdicts))

    def _holding(self, judgement: Judgement, case: Case, name: str) -> Iterator[Fire | Due]:
        """What its rule says of the condition."""
        of, key = split_name(name)
        for rule in self._rules(case.subject):
            if rule.name == of:
                for verdict in self._narrowing.judged(rule, _for(rule, case, judgement)):
                    if isinstance(verdict, Fire | Due) and verdict.key == key:
                        yield verdict

    def _called_off(self, judgement: Judgement, subject: str, because: str) -> Iterator[Outcome]:
        """What was told before anybody knew ends, whichever came first."""
        for rule in self._rules(subject):
            keys = judgement.open_of(rule.name)
            yield from judgement.carried_out(rule, [Clear(because, key) for key in keys])

    def _rules(self, subject: str) -> tuple[Rule, ...]:
        return self._watching.get(subjects.kind_of(subject), ())

    def _dossier(self, subject: str, context: Context) -> Dossier:
        return context.state.get(DOSSIER, subject) or Dossier()


def _for(rule: Rule, case: Case, judgement: Judgement) -> Case:
    own = judgement.open_of(rule.name)
    requests = {key: episode.request for key, episode in own.items() if episode.request is not None}
    return replace(
        case,
        open=frozenset(own),
        requests=requests,
        rule=rule.name,
        use_case=rule.use_case,
        ended=tuple(judgement.ended),
    )


def nobodys(dossier: Dossier) -> str | None:
    """Why nobody has to act on the order, and nobody is told (USE_CASES, "Never").

    Before the order itself is told, what was looked up for its risk, its holds or its returns says so.
    """
    if dossier.newest(OrderDeletedFacts) is not None:
        return "the order was deleted"
    order = dossier.order
    told: list[OrderFacts | RiskFacts | HoldFacts | Origin] = [order] if order is not None else []
    if order is None:
        told += [known.value for known in dossier.every(RiskFacts)]
        told += [known.value for known in dossier.every(HoldFacts)]
        told += dossier.origins()
    if any(facts.test for facts in told):
        return "it is a test order"
    return "it is an order of another time, brought over" if any(map(is_import, told)) else None


def _decoded(record: Record, into: Any) -> Any:
    try:
        return codec.decode(record, into)
    except codec.Undecodable as error:
        raise Reject(RejectReason.UNDECODABLE, str(error)) from error


def _answered(event: Event, context: Context) -> Iterator[Outcome]:
    """What was asked before something is told: the answer is in the dossier, and says whether it is one; late too."""
    for name, track in context.state.scan(TRACK, event.subject):
        if track.question == event.delivery_id and track.confirmed is not True:
            context.state.put(TRACK, event.subject, replace(track, confirmed=not event.incomplete), name)
            yield CancelTimer(event.subject, f"{ASKED}{name.decode()}")

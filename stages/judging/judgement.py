"""What becomes of the verdicts on one subject: alerts for its teams, timers, questions, and the episodes' memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Alert, AlertState, Detail, Severity
from schemas.configuration import Configuration
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import LATE
from stages.judging.doubts import AGAIN, STILL_SO, as_learned, doubts
from stages.judging.episodes import EPISODE, Episode, alert_id, name_of, split_name
from stages.judging.routing import Label, default_teams, teams_for
from stages.judging.telling import to_teams
from stages.judging.waits import Waits
from stages.rules import priority
from stages.rules.rule import Again, Clear, Due, Ended, Fire, Rule, Said, Tell, Verdict
from stages.rules.words import moment, spell
from stages.stage import Ask, Context, Family, Outcome

#: What was told once and has no end, or is over for good.
TOLD: Family[bool] = Family("told", bool, ttl=timedelta(days=90))


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """What made us judge. `id` names it in alert ids, `received` is the wall time at which we had it.

    `occurred` None: nothing happened but that time has passed. `unknown`: what was looked up for it and did not come.
    `is_look`: it is Shopify's answer, which may tell of what happened long ago.
    """

    id: str
    received: datetime
    occurred: datetime | None
    unknown: tuple[str, ...] = ()
    is_look: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _Telling:
    """One alert on its way to its teams. `severity` is that of `said`, or worse by priority."""

    rule: str
    use_case: int
    said: Said
    severity: Severity
    level: int


class Judgement:
    """Of one subject, in one transaction. `place` is its shop and its name."""

    def __init__(
        self, configuration: Configuration, digest: str | None, context: Context, cause: Cause, place: tuple[str, str]
    ) -> None:
        self._configuration = configuration
        self._hash = digest
        self._context = context
        self._cause = cause
        self._shop, self._subject = place
        self._waits = Waits(context, *place)
        self._urgent: tuple[str, ...] = ()
        self._unknown: tuple[str, ...] = ()
        self.has_opened = False
        self.ended: list[Ended] = []
        self.open: dict[str, Episode] = {
            name.decode(): episode for name, episode in context.state.scan(EPISODE, self._subject)
        }

    def look_at(self, dossier: Dossier) -> None:
        """What makes this subject's alerts urgent, or might, whichever rule raises them."""
        self._urgent = priority.reasons(dossier, self._configuration.rules, self._context.now)
        self._unknown = () if self._urgent else priority.unknown(dossier, self._configuration.rules)

    def open_of(self, rule: str) -> dict[str, Episode]:
        """The rule's open episodes by their keys."""
        prefix = name_of(rule, "")
        own = {name: episode for name, episode in self.open.items() if name.startswith(prefix)}
        return {split_name(name)[1]: episode for name, episode in own.items()}

    def carried_out(self, rule: Rule, verdicts: Iterable[Verdict]) -> Iterator[Outcome]:
        by_key: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            by_key.setdefault(verdict.key, []).append(verdict)
        for key, found in by_key.items():
            yield from self._carried_out(rule, key, found)

    def _carried_out(self, rule: Rule, key: str, found: Sequence[Verdict]) -> Iterator[Outcome]:
        others = [verdict for verdict in found if isinstance(verdict, Tell | Again)]
        clears = [verdict for verdict in found if isinstance(verdict, Clear)]
        holds = [verdict for verdict in found if isinstance(verdict, Fire | Due)]
        for other in others:
            yield from self._told_once(rule, other) if isinstance(other, Tell) else self._again(rule, other)
        is_holding = False
        if holds:
            is_holding = yield from self._holds(rule, key, holds)
        elif clears:
            yield from self._waits.forgotten(name_of(rule.name, key))
        if clears and not is_holding:
            yield from self._over(name_of(rule.name, key), clears[0], clears[0].state)

    # --- when the configuration has changed -------------------------------------------------------------------------

    def withdraw(self, name: str, because: str) -> Iterator[Outcome]:
        """Nobody watches the condition any more: whoever was told of it hears that, and nothing is waited for."""
        yield from self._waits.forgotten(name)
        yield from self._over(name, Clear(because), AlertState.WITHDRAWN)

    def without_removed_teams(self) -> dict[str, tuple[str, ...]]:
        """They are told nothing from now on. Returns who they were, by the names of their episodes."""
        removed: dict[str, tuple[str, ...]] = {}
        for name, episode in list(self.open.items()):
            stay = tuple(team for team in episode.teams if self._configuration.team(team) is not None)
            if stay != episode.teams:
                removed[name] = tuple(team for team in episode.teams if team not in stay)
                self._keep(name, replace(episode, teams=stay))
        return removed

    def hand_over(self, name: str, gone: Sequence[str], verdicts: Iterable[Fire | Due]) -> Iterator[Outcome]:
        """What is still open begins for the default route's teams, where it has not, and they are told what follows.

        In the words of the verdict that was told of it; where there is none any more, in those that are remembered.
        """
        episode = self.open.get(name)
        if episode is None:
            return
        added = tuple(team for team in default_teams(self._configuration) if team not in episode.teams)
        self._keep(name, replace(episode, teams=(*episode.teams, *added)))
        telling = self._of(name, episode)
        if told := [verdict for verdict in verdicts if verdict.level <= episode.level]:
            telling = dataclasses.replace(telling, said=max(told, key=lambda verdict: verdict.level).said)
        alert = self._alert(telling, episode.id, AlertState.FIRING)
        before = Detail("Told before to", f"{', '.join(gone)}, no longer configured")
        alert = replace(alert, since=episode.since, opened_by=episode.opened_by, details=(*alert.details, before))
        yield from to_teams(added, replace(alert, revision=episode.revision))

    # --- milestones -------------------------------------------------------------------------------------------------

    def _told_once(self, rule: Rule, tell: Tell) -> Iterator[Outcome]:
        name = name_of(rule.name, tell.key)
        if self._context.state.get(TOLD, self._subject, name):
            return
        unsure: tuple[str, ...] | None = ()
        if tell.at is not None:
            unsure = yield from self._waits.told(name, Due(tell.said, tell.at, ask=tell.ask, resource=tell.resource))
        if unsure is None:
            return
        yield from self._waits.forgotten(name)
        self._context.state.put(TOLD, self._subject, True, name)
        late = self._learned_late(tell, None)
        telling = self._telling(rule, self._as_learned(tell, unsure), 0, name, late)
        name = alert_id(rule.name, self._subject, tell.key, self._cause.id)
        alert = replace(self._alert(telling, name, AlertState.FIRING), milestone=True)
        if self._is_for_digest(tell):
            alert = replace(alert, digest=True)
        yield from to_teams(self._teams(telling), alert)

    def _as_learned(self, tell: Tell, unsure: tuple[str, ...]) -> Said:
        said = replace(tell.said, unknown=(*tell.said.unknown, *unsure))
        return replace(said, details=(*said.details, Detail("Since then", tell.over))) if tell.over else said

    def _is_for_digest(self, tell: Tell) -> bool:
        """Learned a day late, it is news only where it is known to be so still."""
        return self._learned_late(tell, None) is not None and bool(tell.over or self._unconfirmed)

    def _again(self, rule: Rule, again: Again) -> Iterator[Outcome]:
        name = name_of(rule.name, again.key)
        if not (yield from self._waits.has_come(name, again.at)) or again.ask is None:
            return
        track = self._waits.track(name)
        if track.question is None:
            question = self._waits.question(name, again.ask, again.at, again.resource)
            yield Ask(question)
            self._waits.remember(name, replace(track, question=question.id))

    # --- conditions -------------------------------------------------------------------------------------------------

    def _holds(self, rule: Rule, key: str, verdicts: Sequence[Fire | Due]) -> Generator[Outcome, None, bool]:
        """Returns whether any of them holds already; what is only due later leaves a `Clear` beside it its word."""
        name = name_of(rule.name, key)
        track = self._waits.track(name)
        ready = [v for v in verdicts if isinstance(v, Fire) or (track.reached and v.at <= track.reached)]
        waiting = [v for v in verdicts if isinstance(v, Due) and v not in ready]
        news = self._news(rule, name, ready)
        held = None if news is None else self._waits.held_until(track, news[0])
        track = yield from self._waits.wait(name, track, waiting, held)
        if held is not None:
            if at_once := self._news(rule, name, [verdict for verdict in ready if isinstance(verdict, Fire)]):
                yield from self._raise(name, key, at_once[1])
        elif news is None:
            track = yield from self._waits.unasked(name, track)
        else:
            track = yield from self._waits.confirm(name, track, news[0])
            if track.question is None or track.confirmed is not None:
                yield from self._raise(name, key, news[1], tuple(doubts(news[0], track, self._context)))
                track = yield from self._waits.unasked(name, track)
        self._waits.remember(name, track)
        return bool(ready)

    def _news(self, rule: Rule, name: str, ready: Sequence[Fire | Due]) -> tuple[Fire | Due, _Telling] | None:
        """The worst of what holds, where that has not been told: of one condition five reports are one alert."""
        if not ready:
            return None
        worst = max(ready, key=lambda verdict: (verdict.said.severity.rank, verdict.level))
        known = self.open.get(name)
        late = self._learned_late(worst, known)
        telling = self._telling(rule, as_learned(worst, self._context.now), worst.level, name, late)
        run = f"{name}/{worst.run}" if isinstance(worst, Fire) else ""
        if known is None and self._context.state.get(TOLD, self._subject, run):
            return None
        is_worse = known is None or telling.severity.rank > known.severity.rank or telling.level > known.level
        return (worst, telling) if is_worse else None

    def _raise(self, name: str, key: str, telling: _Telling, unsure: tuple[str, ...] = ()) -> Iterator[Outcome]:
        """Opens the episode, or makes it worse: those told before hear of it, and whom the routes now add."""
        known, teams = self.open.get(name), self._teams(telling)
        identity = alert_id(telling.rule, self._subject, key, self._cause.id) if known is None else known.id
        alert = self._alert(telling, identity, AlertState.FIRING)
        episode = Episode(
            id=identity,
            severity=telling.severity,
            level=telling.level,
            revision=1 if known is None else known.revision + 1,
            teams=tuple(dict.fromkeys((*(known.teams if known else ()), *teams))),
            opened_by=self._cause.id if known is None else known.opened_by,
            opened=self._context.now if known is None else known.opened,
            since=telling.said.since if known is None else min(known.since, telling.said.since),
            title=telling.said.end or telling.said.title,
            use_case=telling.use_case,
            link=telling.said.link,
            request=telling.said.request,
            line=alert.line,
        )
        self.has_opened = self.has_opened or known is None
        self._keep(name, episode)
        alert = replace(
            alert,
            revision=episode.revision,
            since=episode.since,
            opened_by=episode.opened_by,
            unknown=(*telling.said.unknown, *unsure),
        )
        before = known.teams if known else ()
        yield from to_teams(before, replace(alert, state=AlertState.UPDATED))
        yield from to_teams([team for team in teams if team not in before], alert)

    def _over(self, name: str, clear: Clear, state: AlertState) -> Iterator[Outcome]:
        episode = self.open.pop(name, None)
        if episode is None:
            return
        self._context.state.delete(EPISODE, self._subject, name)
        if clear.run:
            self._context.state.put(TOLD, self._subject, True, f"{name}/{clear.run}")
        key = split_name(name)[1]
        self.ended.append(Ended(episode.id, key, episode.severity, episode.since, episode.teams, clear))
        telling = self._of(name, episode, Detail("Ended", clear.because), title=clear.title)
        alert = self._alert(telling, episode.id, state)
        alert = replace(alert, revision=episode.revision + 1, opened_by=episode.opened_by, at=clear.at or alert.at)
        yield from to_teams((team for team in episode.teams if self._configuration.team(team) is not None), alert)

    def _of(self, name: str, episode: Episode, *details: Detail, title: str | None = None) -> _Telling:
        """In the words that are remembered of it."""
        said = Said(
            title=title or episode.title,
            since=episode.since,
            severity=episode.severity,
            audiences=(),
            details=details,
            link=episode.link,
            line=episode.line,
        )
        return _Telling(split_name(name)[0], episode.use_case, said, episode.severity, episode.level)

    def _keep(self, name: str, episode: Episode) -> None:
        self.open[name] = episode
        self._context.state.put(EPISODE, self._subject, episode, name)

    # --- what is said, and to whom ----------------------------------------------------------------------------------

    def _telling(self, rule: Rule, said: Said, level: int, name: str, late: datetime | None) -> _Telling:
        """With what only the classifier knows: how urgent this subject is, and that the news is old (`late`)."""
        urgent = [reason for reason in self._urgent if reason not in said.itself]
        urgent += self._second_warning(name, said.severity)
        severity = Severity.CRITICAL if urgent and said.severity is Severity.WARNING else said.severity
        added = [Detail("Priority", ", ".join(urgent))] if urgent else []
        if late is not None:
            ago = spell(self._context.now - late)
            added.append(Detail("Learned late", f"it happened on {moment(late)}, {ago} ago"))
        unknown = tuple(dict.fromkeys((*said.unknown, *self._unknown, *self._unconfirmed)))
        said = replace(said, details=(*said.details, *added), unknown=unknown)
        return _Telling(rule.name, rule.use_case, said, severity, level)

    def _learned_late(self, verdict: Fire | Due | Tell, known: Episode | None) -> datetime | None:
        """When it happened, where that is more than a day ago: what tells it, or what a look has shown for the first
        time. What was waited for has its own moment."""
        happened = self._cause.occurred
        if self._cause.is_look:
            is_new = known is None and (isinstance(verdict, Fire) or (isinstance(verdict, Tell) and verdict.at is None))
            happened = verdict.said.since if is_new else None
        return happened if happened is not None and self._context.now - happened > LATE else None

    @property
    def _is_late(self) -> bool:
        return self._cause.occurred is not None and self._context.now - self._cause.occurred > LATE

    @property
    def _unconfirmed(self) -> tuple[str, ...]:
        """What is learned late is looked up again."""
        return (STILL_SO,) if self._is_late and not AGAIN.isdisjoint(self._cause.unknown) else ()

    def _second_warning(self, name: str, severity: Severity) -> tuple[str, ...]:
        """By another rule: two parcels in trouble are one rule twice."""
        rule = split_name(name)[0]
        others = [known for other, known in self.open.items() if split_name(other)[0] != rule and known.severity.rank]
        is_order = subjects.kind_of(self._subject) == "order"
        return ("a second alert on the same order",) if is_order and others and severity.rank > 0 else ()

    def _alert(self, telling: _Telling, identity: str, state: AlertState) -> Alert:
        said, urgent = telling.said, any(detail.label == "Priority" for detail in telling.said.details)
        waits = telling.severity is Severity.INFO and not urgent and not self._ends_more(said.resolves)
        return Alert(
            id=identity,
            rule=telling.rule,
            use_case=telling.use_case,
            shop=self._shop,
            subject=self._subject,
            team="",
            state=state,
            severity=telling.severity,
            title=said.title,
            since=said.since,
            at=self._context.now,
            received=self._cause.received,
            revision=1,
            bundle=f"{telling.use_case}/{self._subject}",
            opened_by=self._cause.id,
            details=said.details,
            next_step=said.next_step,
            link=said.link,
            unknown=said.unknown,
            priority=urgent,
            digest=waits,
            configuration=self._hash,
            untold=said.untold,
            resolves=said.resolves,
            line=said.line and waits,
        )

    def _ends_more(self, resolved: Sequence[str]) -> bool:
        """One of them was no line of a digest, and neither is its end."""
        return any(one.severity.rank for one in self.ended if one.alert in resolved)

    def _teams(self, telling: _Telling) -> tuple[str, ...]:
        named = tuple(team for team in telling.said.teams if self._configuration.team(team) is not None)
        if named:
            return named
        what = (self._shop, telling.use_case, telling.rule, telling.severity)
        labels = [Label(*what, audience, telling.said.goods) for audience in telling.said.audiences]
        return teams_for(self._configuration, labels) if labels else default_teams(self._configuration)

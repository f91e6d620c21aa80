"""What is said of an event: by which rules it was looked at, what each of them says and why, and who is told.

The shapes of `--json`: names and meanings stay, new ones may come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from pipeline.explaining.facts import Looked
from pipeline.explaining.given import DeadLetter, Given, Unusable
from pipeline.explaining.rehearsal import Judged, Rehearsal, Subject
from schemas import subjects
from schemas.alerts import Alert
from schemas.configuration import Configuration, Team
from schemas.events import Source
from schemas.facts.operations import UnknownFacts
from schemas.resources import SHOP_REDACT
from stages.channels.table import ROWS, channels_of
from stages.classify import nobodys
from stages.judging.narrowing import Narrowing
from stages.judging.routing import Label, default_teams, way_of
from stages.judging.sweeping import switched_off
from stages.rules.rule import Again, Case, Clear, Due, Fire, Rule, Said, Tell, Verdict
from stages.rules.table import RULES, WATCHING


class When(Struct, frozen=True):
    """`holds` None: it could not be told, and `because` says why."""

    expression: str
    holds: bool | None
    because: str = ""


class RuleSays(Struct, frozen=True):
    """`says`: fires, open (it was before), due, due now (its time was before the event), told (once), told before,
    told later, not, ends, again, off, nothing.

    `severity`: the rule's own, before what makes it urgent. `key`: which of a subject's conditions of that rule.
    """

    rule: str
    use_case: int
    says: str
    key: str = ""
    title: str = ""
    severity: str = ""
    at: datetime | None = None
    because: str = ""
    asks: str = ""
    when: When | None = None


class TeamTold(Struct, frozen=True):
    """`by`: the way through the routes, or why else. `people`: who of the team each channel reaches."""

    team: str
    by: tuple[str, ...]
    channels: Mapping[str, tuple[str, ...]]


class AlertTold(Struct, frozen=True):
    """`how`: message, digest (a line of its team's next one), told elsewhere (another message says it)."""

    rule: str
    state: str
    severity: str
    title: str
    at: datetime
    teams: tuple[TeamTold, ...]
    unknown: tuple[str, ...] = ()
    how: str = "message"


class Account(Struct, frozen=True):
    """Of one subject that heard of an event. `looks_not`: the rules that do not look at such a subject.

    `meanwhile`: what time alone brought since the event before it. `note`: what becomes of it that no rule says.
    """

    topic: str
    shop: str
    subject: str
    occurred: datetime
    dropped: str | None
    unknown: tuple[str, ...]
    rules: tuple[RuleSays, ...]
    looks_not: tuple[str, ...]
    alerts: tuple[AlertTold, ...]
    meanwhile: tuple[AlertTold, ...] = ()
    note: str = ""


class Accounts(Struct, frozen=True):
    """`later`: what comes until then if nothing else happens."""

    events: tuple[Account, ...]
    later: tuple[AlertTold, ...]
    until: datetime


class Teller:
    def __init__(self, configuration: Configuration, digest: str, looked: Looked | None) -> None:
        self._configuration = configuration
        self._rehearsal = Rehearsal(configuration, digest, looked)
        self._narrowing = Narrowing(configuration.rules)
        self._off = switched_off(configuration.rules)

    def told(self, given: Sequence[Given], ahead: timedelta) -> Accounts:
        """Raises Unusable, and DeadLetter for what would be one.

        What was looked up beside an event is heard before it, the answers to what it made a rule ask after it.
        """
        events = list[Account]()
        for number, one in enumerate(given):
            between = self._rehearsal.passes(one.occurred) if events else ()
            meanwhile = tuple(alert for subject in between for alert in self._alerts(subject))
            looked, before = list[AlertTold](), len(events)
            for subject in self._heard(one, number, len(given)):
                if subject.event is None or subject.event.source is not Source.ANSWER:
                    account = self._account(one, subject, meanwhile)
                    events.append(replace(account, alerts=(*looked, *account.alerts)))
                    meanwhile, looked = (), []
                elif len(events) == before:
                    looked += self._alerts(subject)
                else:
                    alerts = (*events[-1].alerts, *self._alerts(subject))
                    events[-1] = replace(events[-1], alerts=alerts)
        until = self._rehearsal.now + ahead
        later = [alert for subject in self._rehearsal.passes(until) for alert in self._alerts(subject)]
        return Accounts(tuple(events), tuple(later), until)

    def _heard(self, given: Given, number: int, count: int) -> list[Subject]:
        """Of several events the one that cannot be used is named."""
        try:
            return self._rehearsal.tell(given, number)
        except (DeadLetter, Unusable) as error:
            raise type(error)(f"event {number + 1}: {error}" if count > 1 else str(error)) from error

    def _account(self, given: Given, subject: Subject, meanwhile: tuple[AlertTold, ...]) -> Account:
        note = _note(given, subject)
        watching = () if note else WATCHING.get(subjects.kind_of(subject.name), ())
        return Account(
            given.topic,
            given.shop,
            subject.name,
            subject.now,
            subject.dropped,
            () if subject.event is None else subject.event.incomplete,
            () if subject.dropped else tuple(self._rules(subject, watching)),
            tuple(rule.name for rule in RULES if rule not in watching),
            tuple(self._alerts(subject)),
            meanwhile,
            note,
        )

    # --- rules ------------------------------------------------------------------------------------------------------

    def _rules(self, subject: Subject, watching: Sequence[Rule]) -> Iterator[RuleSays]:
        because = nobodys(subject.dossier)
        for rule in watching:
            if rule.name in self._off:
                yield RuleSays(rule.name, rule.use_case, "off", because="the configuration switches it off")
            elif because:
                yield RuleSays(rule.name, rule.use_case, "not", because=because)
            else:
                judged = next((judged for judged in subject.judged if judged.rule is rule), None)
                yield from () if judged is None else self._verdicts(judged, subject)

    def _verdicts(self, judged: Judged, subject: Subject) -> Iterator[RuleSays]:
        rule, case, verdicts = judged
        for verdict in verdicts:
            if not (isinstance(verdict, Clear) and _holds_besides(verdict, verdicts)):
                says = self._says(rule, case, verdict)
                yield replace(says, says="told before") if _is_told_before(says, subject) else says
        if not verdicts:
            missing = [name for name, known in subject.dossier.incomplete.items() if known.value]
            unknown = f"; not known: {', '.join(missing)}" if missing else ""
            because = f"nothing that is known concerns it{unknown}"
            yield RuleSays(rule.name, rule.use_case, "nothing", because=because)

    def _says(self, rule: Rule, case: Case, verdict: Verdict) -> RuleSays:
        is_open = verdict.key in case.open
        if isinstance(verdict, Clear):
            return RuleSays(
                rule.name, rule.use_case, "ends" if is_open else "not", verdict.key, because=verdict.because
            )
        if isinstance(verdict, Again):
            asks = "" if verdict.ask is None else verdict.ask.value
            return RuleSays(rule.name, rule.use_case, "again", verdict.key, at=verdict.at, asks=asks)
        when = self._when(rule, case, verdict.key)
        says, at, asks = _moment(verdict, is_open, case.now)
        if when is not None and when.holds is False:
            says, at = "ends" if is_open else "not", None
        because = "its `when` does not hold" if when is not None and when.holds is False else ""
        said = verdict.said
        return RuleSays(
            rule.name,
            rule.use_case,
            says,
            verdict.key,
            said.title,
            said.severity.value,
            at,
            because,
            asks,
            when,
        )

    def _when(self, rule: Rule, case: Case, key: str) -> When | None:
        found = self._narrowing.told(rule, case, key)
        if found is None:
            return None
        text, told = found
        return When(text, told.holds, told.because)

    # --- alerts -----------------------------------------------------------------------------------------------------

    def _alerts(self, subject: Subject) -> Iterator[AlertTold]:
        grouped: dict[tuple[str, str], list[Alert]] = {}
        for alert in subject.alerts:
            grouped.setdefault((alert.id, alert.title), []).append(alert)
        for alerts in grouped.values():
            first = alerts[0]
            said = _said(first, subject)
            teams = tuple(self._team(alert, said) for alert in alerts)
            state = "told once" if first.milestone else first.state.value
            what = (first.rule, state, first.severity.value, first.title, first.at, teams, first.unknown)
            yield AlertTold(*what, _how(first))

    def _team(self, alert: Alert, said: Said | None) -> TeamTold:
        team = self._configuration.team(alert.team)
        channels = {} if team is None else _channels(team, alert)
        return TeamTold(alert.team, tuple(self._way(alert, said)), channels)

    def _way(self, alert: Alert, said: Said | None) -> Iterator[str]:
        if alert.told_by is not None:
            yield "reads it with what has come right"
        elif alert.state.is_end or alert.resolves:
            yield "was told of the beginning"
        elif said is not None and said.teams:
            yield "named by the policy"
        else:
            yield from self._routed(alert, said)

    def _routed(self, alert: Alert, said: Said | None) -> Iterator[str]:
        found = False
        what = (alert.shop, alert.use_case, alert.rule, alert.severity)
        for label in () if said is None else [Label(*what, audience, said.goods) for audience in said.audiences]:
            for step in way_of(self._configuration, label):
                if alert.team in step.teams:
                    found = True
                    yield f"{label.audience.value} -> {step.path}"
        if not found:
            told = alert.team in default_teams(self._configuration)
            yield "the default, since no route fits" if told else "was told of the beginning"


def _how(alert: Alert) -> str:
    return "told elsewhere" if alert.told_by is not None else "digest" if alert.line else "message"


def _note(given: Given, subject: Subject) -> str:
    if given.topic == SHOP_REDACT:
        return "all that is kept of the shop is erased, by every task; there is no rule about it"
    if subject.event is not None and isinstance(subject.event.facts, UnknownFacts):
        return "no part of the pipeline reads this topic: it is verified and counted, and no rule hears of it"
    return ""


def _said(alert: Alert, subject: Subject) -> Said | None:
    """The rule's own words, which say for whom it is."""
    for judged in subject.judged:
        for verdict in judged.verdicts if judged.rule.name == alert.rule else ():
            if isinstance(verdict, Fire | Due | Tell) and verdict.said.title == alert.title:
                return verdict.said
    return None


def _is_told_before(says: RuleSays, subject: Subject) -> bool:
    return says.says == "told" and all(alert.title != says.title for alert in subject.alerts)


def _holds_besides(clear: Clear, verdicts: Sequence[Verdict]) -> bool:
    """Another verdict on the same key says more."""
    return any(isinstance(verdict, Fire | Due | Tell) and verdict.key == clear.key for verdict in verdicts)


def _moment(verdict: Fire | Due | Tell, is_open: bool, now: datetime) -> tuple[str, datetime | None, str]:
    if isinstance(verdict, Fire):
        return "open" if is_open else "fires", None, ""
    asks = "" if verdict.ask is None else verdict.ask.value
    if isinstance(verdict, Due):
        return "due" if verdict.at > now else "due now", verdict.at, asks
    return ("told", None, "") if verdict.at is None else ("told later", verdict.at, asks)


def _channels(team: Team, alert: Alert) -> Mapping[str, tuple[str, ...]]:
    if alert.told_by is not None or (alert.state.is_end and not team.send_resolved):
        return {}
    found = channels_of(team, alert.severity)
    return {channel.value: tuple(ROWS[channel].addresses(team)) for channel in found if channel in ROWS}

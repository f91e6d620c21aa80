"""What a rule is: a name, the subjects that it watches, and its judgement of what is known of one of them.

A rule judges a case again whenever anything becomes known, and whenever a moment comes that it has named. It says what
holds (`Fire`), what will hold at a moment unless something ends it before (`Due`), what does not hold (`Clear`), what
happened and is told once (`Tell`), and when to look again (`Again`). Where it says nothing, everything stays as it is:
an unknown fact neither fires nor ends an alert. It remembers nothing, never waits and never counts: episodes, timers,
questions, priority and routes are the classifier's (`stages.classify`), so that the same facts give the same alerts in
whatever order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from schemas import subjects
from schemas.alerts import AlertState, Audience, Detail, Severity, Untold
from schemas.approvals import Request
from schemas.calendars import Length
from schemas.configuration import Configuration
from schemas.questions import QuestionKind
from stages.dossiers.dossier import Dossier
from stages.judging.routing import NO_GOODS, Goods, Label
from stages.rules.calendars import Calendars
from stages.stage import TimerKind


class Said(Struct, frozen=True, kw_only=True):
    """What a message says. `title` is one line that stands alone: what happened, to what.

    `since`: since when it holds, or when it happened. `details`: how bad, why, and what its readers need. `next_step`:
    one sentence, an imperative. `link`: into the Shopify admin. `unknown`: what could not be found out. `teams`: named
    teams of the configuration, instead of the routes; without any the `audiences` are routed, each for itself.
    `itself`: reasons of priority (`stages.rules.priority`) that are this alert's own news, and do not make it worse.
    `end`: what its end is called, where the title would not be true any more ("..., and still unpaid"). `untold`: the
    configuration's `when` of the rule could not be told, and why (`stages.judging.narrowing`; of the rules only the one
    about approvals sets it, for a policy's `when`). `request`: what its teams are asked, remembered with the episode.
    `resolves`: the ids of alerts that end with it, and of which it tells the same teams in their place. `goods`: the
    item that a stock alert is about, for the routes. `line`: as an `info` that nothing makes urgent it is a line of the
    digest, and no message of its own.
    """

    title: str
    since: datetime
    severity: Severity
    audiences: tuple[Audience, ...]
    details: tuple[Detail, ...] = ()
    next_step: str = ""
    link: str | None = None
    unknown: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    itself: tuple[str, ...] = ()
    end: str = ""
    untold: Untold | None = None
    request: Request | None = None
    resolves: tuple[str, ...] = ()
    goods: Goods = NO_GOODS
    line: bool = False


class Fire(Struct, frozen=True):
    """The condition `key` holds now. One that is told already is told again only if its severity or `level` rises.

    `run`: of which happenings, where these are over by themselves; after the `Clear` of the same run it is no news.
    """

    said: Said
    key: str = ""
    level: int = 0
    run: str = ""


class Due(Struct, frozen=True):
    """The condition `key` will have held long enough at `at`, a moment that may be past already.

    It fires by a timer and never before: whatever in the log ends it in time beats it. `ask`: Shopify is asked first,
    and its answer, merged into the dossier, is judged again. `resource`: what is asked about, the subject's own
    identity where it is empty. `timer` is OUTSIDE for a deadline that others set (dispute, refund): it waits neither
    for a pipeline that is behind nor for what the receiver has missed, and says so. It is the same for all of one key.
    `lost`: what is said where the receiver was away after `said.since`, and nobody sends again what it missed: that is
    not waited for.
    Beside a `Fire` of the same key it makes that worse at its time.
    """

    said: Said
    at: datetime
    key: str = ""
    level: int = 0
    ask: QuestionKind | None = None
    resource: str = ""
    timer: TimerKind = TimerKind.ABSENCE
    lost: str = ""


class Clear(Struct, frozen=True):
    """The condition `key` is known not to hold now. `because` says why it is over; `title` replaces the usual one.

    `state`: WITHDRAWN where nothing has come right, but nobody has to act on it any more.
    Beside a `Due` of the same key it ends what is open, and the next time is waited for. With a `run`, whatever that
    has told is over for good: neither a `Fire` of the run nor a `Tell` of the key `<key>/<run>` is news after it.
    """

    because: str
    key: str = ""
    title: str | None = None
    at: datetime | None = None
    state: AlertState = AlertState.RESOLVED
    run: str = ""


class Recovered(Clear, frozen=True):
    """What had gone wrong has come right after all: `payment-recovered` tells that, and how long it took."""


class Tell(Struct, frozen=True):
    """Something that happened, told once for each `key`: a milestone. It has no end.

    With `at` it is told then, by a timer as with a `Due`, unless a `Clear` of its key withdraws it. `over`: what has
    come of it since, where it is not so any more: learned within a day it is news all the same, later for the digest.
    """

    said: Said
    key: str
    at: datetime | None = None
    ask: QuestionKind | None = None
    resource: str = ""
    over: str = ""


class Again(Struct, frozen=True):
    """At `at` everything is judged again; with `ask`, Shopify is asked then, and its answer is judged when it comes.

    Nothing is told by it, answered or not. No other verdict shares its `key`; a `Clear` withdraws it.
    """

    at: datetime
    key: str
    ask: QuestionKind | None = None
    resource: str = ""


Verdict = Fire | Due | Clear | Tell | Again


class Ended(Struct, frozen=True):
    """An alert that another rule's `Clear` ended just now. `alert` is its id, `teams` who was told of it."""

    alert: str
    key: str
    severity: Severity
    since: datetime
    teams: tuple[str, ...]
    clear: Clear


class Case(Struct, frozen=True):
    """One subject to be judged. `now` is the transaction's time. `open`: the keys of this rule's open episodes.

    `requests`: by their keys what is being asked (`Said.request`); it tells what is new in an update, not what is open.
    `rule` and `use_case` are those of the rule that judges; `calendars` those of the configuration. `ended`: the alerts
    of the rules that stand before it in the table which have ended just now.
    """

    shop: str
    subject: str
    dossier: Dossier
    now: datetime
    configuration: Configuration
    open: frozenset[str] = frozenset()
    rule: str = ""
    use_case: int = 0
    calendars: Calendars | None = None
    requests: Mapping[str, Request] = {}
    ended: tuple[Ended, ...] = ()

    @property
    def kind(self) -> str:
        return subjects.kind_of(self.subject)

    def unknown(self, **words: str) -> tuple[str, ...]:
        """The words for those facts that were to be looked up and are not known."""
        return tuple(says for name, says in words.items() if self.dossier.is_unknown(name))

    def after(
        self, since: datetime, length: Length, reader: Audience, severity: Severity = Severity.WARNING
    ) -> datetime:
        """When that much time has passed for whoever an alert of that severity for `reader` goes to.

        Working time runs by the calendar of the first of them (`stages.rules.calendars`), any other by the clock.
        """
        if isinstance(length, timedelta):
            return since + length
        label = Label(self.shop, self.use_case, self.rule, severity, reader)
        return self._calendars.of(label).add(since, length)

    def after_for(self, team: str, since: datetime, length: Length) -> datetime:
        """The same for a team that is known by its name."""
        if isinstance(length, timedelta):
            return since + length
        return self._calendars.of_team(team, self.shop).add(since, length)

    @property
    def _calendars(self) -> Calendars:
        return self.calendars or Calendars(self.configuration)


class Rule(Protocol):
    """`watches`: kinds of subjects (`order`, `inventory`, `shop`, ...)."""

    @property
    def name(self) -> str: ...

    @property
    def use_case(self) -> int: ...

    @property
    def watches(self) -> frozenset[str]: ...

    def judge(self, case: Case) -> Iterable[Verdict]: ...


def details(**lines: object) -> tuple[Detail, ...]:
    """`label="text"` lines; what is None or empty is left out. An underscore in a label is a space."""
    return tuple(
        Detail(label.replace("_", " ").capitalize(), str(text))
        for label, text in lines.items()
        if text not in (None, "", ())
    )


def admin_link(shop: str, path: str) -> str:
    """`path` as in `orders/42`. The store's handle is its permanent domain's first part."""
    return f"https://admin.shopify.com/store/{shop.removesuffix('.myshopify.com')}/{path}"

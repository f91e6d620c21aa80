"""Works done again by a toy: what sweeps, and what a stage raises, leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from schemas import topics
from schemas.journal import Fired, Visited
from schemas.reasons import RejectReason
from schemas.records import Record
from schemas.signals import TokenRefused
from stages.stage import Context, Emit, Family, Outcome, Reject, SetTimer, SweepCause, Timer, TimerKind, Visit, Work
from tests.chaos.oracle.log import Log
from tests.chaos.oracle.remembered import key_of
from tests.chaos.oracle.works import TIMER, Bench, Times

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TIMES = Times(NOW, NOW)
KEPT: Family[int] = Family("kept", int)


class Toy:
    """Remembers each key and sets a timer; `bad` bodies are refused, `worse` ones break it, and so does its timer."""

    families = (KEPT,)
    swept = (KEPT,)

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            raise ZeroDivisionError("a bug")
        routing = (work.key or b"").decode()
        context.state.put(KEPT, routing, 1)
        if work.value == b"bad":
            raise Reject(RejectReason.UNDECODABLE, "it is bad")
        if work.value == b"worse":
            raise ZeroDivisionError("a bug")
        yield SetTimer(routing, "t", NOW, TimerKind.DEADLINE)

    def visit(self, visit: Visit, context: Context) -> Iterable[Outcome]:
        context.state.put(KEPT, visit.routing, 2)
        if visit.routing == "worse":
            raise ZeroDivisionError("a bug")
        told = TokenRefused(visit.about, visit.routing, NOW, NOW, refused=True)
        return [Emit(topics.SIGNALS, visit.routing, told, "told")]


def bench(name: str = "classify", *values: tuple[str, bytes]) -> Bench:
    made = Bench(name, 0, Log(4, {}, {}))
    for offset, (key, value) in enumerate(values):
        made.take(Toy(), Record(topics.UNIQUE, 0, offset, 0, key.encode(), value), TIMES)
    return made


def kept(made: Bench) -> dict[str, int | None]:
    return {key.routing: made.state.get(KEPT, key.routing) for key, _ in made.state.items() if key.family == "kept"}


def test_what_is_refused_or_breaks_is_a_dead_letter_and_leaves_nothing_else() -> None:
    made = bench("classify", ("a", b"good"), ("b", b"bad"), ("c", b"worse"))
    assert kept(made) == {"a": 1}
    assert [(one.topic, one.headers["dead-reason"]) for one in made.written] == [
        (topics.dead_of("classify"), b"undecodable"),
        (topics.dead_of("classify"), b"defect"),
    ]


def test_a_timer_whose_work_breaks_fires_again_later() -> None:
    made = bench("classify", ("a", b"good"))
    made.fire(Toy(), Fired("a", "t", NOW), TIMES)
    (again,) = made.timers()
    assert (again.due - NOW).total_seconds() == 60


def test_a_visit_is_a_work_of_its_own() -> None:
    made = bench("classify", ("a", b"good"), ("worse", b"good"))
    made.visit(Toy(), Visited(SweepCause.CONFIGURATION, "hash", ("a", "worse"), True), TIMES)
    assert kept(made) == {"a": 2, "worse": 1}, "where it breaks the key stays as it is"
    assert [one.name for one in made.written] == ["classify/0/visit/a/configuration/hash/0"]


def test_the_erasure_of_a_shop_takes_its_subjects_and_visits_teams() -> None:
    erased = Visited(SweepCause.REDACTED, "shop", ("a",), True)
    subjects = bench("classify", ("a", b"good"), ("b", b"good"))
    subjects.visit(Toy(), erased, TIMES)
    assert (kept(subjects), subjects.written) == ({"b": 1}, [])
    assert [timer.routing for timer in subjects.timers()] == ["b"]
    assert key_of("a", TIMER, "t") not in dict(subjects.state.items())
    teams = bench("group", ("a", b"good"))
    teams.visit(Toy(), erased, TIMES)
    assert kept(teams) == {"a": 2}

"""Everything that a task remembers is looked through: once, in parts, whatever comes between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

import msgspec

from pipeline.editions import Edition, Editions
from pipeline.memory import Call, Script
from pipeline.state import split_key
from pipeline.surroundings import StageSpec
from pipeline.worker import Worker
from schemas import topics
from schemas.journal import Journal
from schemas.records import Outgoing
from schemas.resources import SHOP_REDACT
from stages.stage import Context, Emit, Family, Outcome, SetTimer, StartSweep, SweepCause, Timer, TimerKind, Visit, Work
from tests.pipeline.chained import Told, killed, put, running, told, whats
from tests.pipeline.world import Asking, World, at_work, memory_world, until

GONE, OTHER = "gone.example.com", "other.example.com"
NOTE: Family[str] = Family("note", str)
#: Not visited: it is not among what is swept.
ASIDE: Family[str] = Family("aside", str)


class Remembering:
    """Notes what is said of a subject; `sweep CAUSE ABOUT` looks all of it through. It says what it visits."""

    families: Sequence[Family[Any]] = (NOTE, ASIDE)
    swept: Sequence[Family[Any]] = (NOTE,)

    def __init__(self, name: str = "visited") -> None:
        self._name = name

    def process(self, work: Work, context: Context) -> Iterable[Outcome]:
        if isinstance(work, Timer):
            return []
        key, said = (work.key or b"").decode(), (work.value or b"").decode()
        first, *more = said.split()
        if first == "sweep":
            return [StartSweep(SweepCause(more[0]), more[1])]
        context.state.put(ASIDE if first == "aside" else NOTE, key, said)
        later = SetTimer(key, "later", context.now + timedelta(hours=1), TimerKind.DEADLINE)
        return [later, Emit(topics.ALERTS, key, Told(said), "told")]

    def visit(self, visit: Visit, context: Context) -> Iterable[Outcome]:
        if (note := context.state.get(NOTE, visit.routing)) == "bug":
            raise ZeroDivisionError("a bug")
        context.state.put(NOTE, visit.routing, f"{note}, {self._name}")
        return [Emit(topics.ALERTS, visit.routing, Told(f"{self._name} {visit.routing} {visit.about}"), "told")]


class Interrupted(Remembering):
    """From a visit on, nothing that it says is written any more."""

    def __init__(self, script: Script, after: int) -> None:
        super().__init__()
        self._script = script
        self._after = after
        self.visits = 0

    def visit(self, visit: Visit, context: Context) -> Iterable[Outcome]:
        self.visits += 1
        if self.visits == self._after:
            self._script.hold(Call.SEND)
        return super().visit(visit, context)


def remembering(given: Editions | None = None, **more: Any) -> StageSpec:
    inputs = (topics.UNIQUE, topics.SIGNALS)
    stage = Remembering() if given is None else given.newest.stage
    spec = StageSpec("classify", inputs, stage, passes_to=topics.ALERTS, journaled=True, given=given)
    return replace(spec, **more)


def order(number: int, shop: str = GONE) -> str:
    return f"{shop}/order/{number:02}"


async def notes(world: World, *keys: str, said: bytes = b"note") -> None:
    for key in keys:
        await put(world, topics.UNIQUE, 0, key, said)


async def sweep(world: World, cause: SweepCause = SweepCause.UNINSTALLED, about: str = GONE) -> None:
    await put(world, topics.UNIQUE, 0, "anybody", f"sweep {cause} {about}".encode())


async def redact(world: World, shop: str = GONE, topic: str = topics.UNIQUE, times: int = 1) -> None:
    headers = (("ce_type", SHOP_REDACT.encode()), ("ce_source", f"//{shop}".encode()), ("ce_id", b"delivery"))
    body = msgspec.json.encode({"shop_domain": shop})
    appender = await world.broker.appender()
    for _ in range(times):
        await appender.append(Outgoing(topic, 0, f"{shop}/shop".encode(), body, headers))
    await appender.close()


async def visited(world: World) -> Counter[str]:
    return Counter(what for what in await whats(world) if what.startswith("visited"))


async def is_swept(world: World, worker: Worker) -> bool:
    return worker.is_still and any(entry.visited and entry.visited[-1].ends for entry in await journal(world))


async def journal(world: World) -> list[Journal]:
    records = await world.records(topics.journal_of("classify"))
    return [msgspec.json.decode(record.value or b"", type=Journal) for record in records]


async def remembered(world: World, stage: str = "classify") -> dict[bytes, bytes]:
    """The changelog, as a new owner would read it."""
    found: dict[bytes, bytes] = {}
    for record in await world.records(topics.state_of(stage)):
        assert record.key is not None
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record.value
    return found


async def shops_remembered(world: World, stage: str = "classify") -> dict[str, set[str]]:
    """The families that stand under the keys of each shop."""
    found: dict[str, set[str]] = {}
    for key in await remembered(world, stage):
        routing, family, _ = split_key(key)
        found.setdefault(routing.partition("/")[0], set()).add(family)
    return found


def slow(world: World, visits: int = 3) -> World:
    world.limits = replace(world.limits, visits=visits, batch_records=1, lanes=1)
    return world


# --- each key once ---------------------------------------------------------------------------------------------------


async def test_each_key_of_the_shop_is_visited_once_in_parts() -> None:
    world = slow(await memory_world(1))
    await notes(world, *map(order, range(10)), order(50, OTHER))
    await notes(world, order(60), said=b"aside")
    await sweep(world)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    assert await visited(world) == Counter(f"visited {order(n)} {GONE}" for n in range(10))
    parts = [part for entry in await journal(world) for part in entry.visited]
    assert [len(part.routings) for part in parts] == [3, 3, 3, 1]
    assert [part.ends for part in parts] == [False, False, False, True]


async def test_each_key_is_visited_once_though_the_task_is_killed_in_the_middle() -> None:
    script = Script()
    world = slow(await memory_world(1, script))
    await notes(world, *map(order, range(40)))
    await sweep(world)
    for expected in (6, 12, 18):
        script.release(Call.SEND)
        stage = Interrupted(script, after=7)
        async with killed(world, remembering(stage=stage)):
            await until(lambda stage=stage: stage.visits >= 7)  # type: ignore[misc]
        assert (await visited(world)).total() == expected
    script.release(Call.SEND)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    assert await visited(world) == Counter(f"visited {order(n)} {GONE}" for n in range(40))


async def has_visited(world: World, least: int) -> bool:
    return (await visited(world)).total() >= least


async def test_what_comes_meanwhile_is_settled_between_the_parts_and_not_visited() -> None:
    world = slow(await memory_world(1), visits=1)
    await notes(world, *map(order, range(20)))
    await sweep(world)
    await notes(world, *(order(n) for n in range(70, 75)), said=b"between")
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    said = await whats(world)
    last = max(n for n, what in enumerate(said) if what == "between")
    assert said.count("between") == 5
    assert any(what.startswith("visited") for what in said[last:])
    found = await visited(world)
    assert not {f"visited {order(n)} {GONE}" for n in range(71, 75)} & set(found)
    assert all(found[f"visited {order(n)} {GONE}"] == 1 for n in range(20))


async def test_what_is_settled_in_the_same_transaction_before_it_is_visited_too() -> None:
    world = await memory_world(1)
    await notes(world, order(1))
    await sweep(world)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    assert await visited(world) == Counter({f"visited {order(1)} {GONE}": 1})


async def test_a_second_sweep_begins_while_one_runs_and_both_visit_everything() -> None:
    world = slow(await memory_world(1))
    await notes(world, *map(order, range(10)))
    await sweep(world)
    await sweep(world, SweepCause.CONFIGURATION, "hash")
    async with killed(world, remembering()):
        await until(partial(has_visited, world, 9))
    async with running(world, remembering()) as worker:
        await until(partial(has_visited, world, 20))
        await until(lambda: worker.is_still)
    assert await visited(world) == Counter(f"visited {order(n)} {about}" for n in range(10) for about in (GONE, "hash"))


async def test_the_same_sweep_asked_for_again_while_it_runs_visits_what_has_come_since() -> None:
    world = slow(await memory_world(1), visits=1)
    await notes(world, *(order(n) for n in range(30, 40)))
    await sweep(world)
    await notes(world, *(order(n, OTHER) for n in range(4)), order(1), order(4, OTHER))
    await sweep(world)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    found = await visited(world)
    assert set(found) == {f"visited {order(n)} {GONE}" for n in (1, *range(30, 40))}


async def test_a_visit_that_fails_leaves_its_key_and_the_others_are_visited() -> None:
    world = await memory_world(1)
    await notes(world, order(1), order(3))
    await notes(world, order(2), said=b"bug")
    await sweep(world)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
        assert worker.problems() == []
    assert set(await visited(world)) == {f"visited {order(n)} {GONE}" for n in (1, 3)}


# --- a shop is erased ------------------------------------------------------------------------------------------------


async def test_a_redacted_shop_is_erased_with_its_timers_and_nothing_else_is() -> None:
    world = slow(await memory_world(1))
    keys = [*map(order, range(10)), *(order(n, OTHER) for n in range(3)), order(1, f"not-{GONE}")]
    await notes(world, *keys)
    await notes(world, order(20), said=b"aside")
    await redact(world)
    async with killed(world, remembering()):
        await until(partial(has_passed_on, world))
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
        assert worker.next_business_timer() is not None
    found = await shops_remembered(world)
    assert GONE not in found
    assert found[OTHER] == found[f"not-{GONE}"] == {"note", "timer"}
    assert not await visited(world)


async def has_passed_on(world: World) -> bool:
    return any(record.header("ce_type") == SHOP_REDACT for record in await world.records(topics.ALERTS))


async def test_what_a_redacted_shop_said_in_the_same_transaction_is_erased_too() -> None:
    world = await memory_world(1)
    await notes(world, order(1), order(1, OTHER))
    await redact(world)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    assert set(await shops_remembered(world)) == {"", OTHER}


async def test_a_second_word_that_a_shop_is_redacted_erases_what_has_come_since_the_first() -> None:
    world = slow(await memory_world(1), visits=1)
    await notes(world, *(order(n) for n in range(10, 20)))
    await redact(world)
    await notes(world, *(order(n, OTHER) for n in range(4)), order(1), order(4, OTHER))
    await redact(world)
    async with running(world, remembering()) as worker:
        await until(lambda: is_swept(world, worker))
    assert set(await shops_remembered(world)) == {"", OTHER}


async def test_each_word_is_passed_on_once_behind_what_came_before_it() -> None:
    world = slow(await memory_world(1))
    await notes(world, order(1))
    await redact(world)
    await notes(world, order(1, OTHER))
    for _ in range(3):
        async with killed(world, remembering()):
            await until(partial(has_passed_on, world))
    async with running(world, remembering()) as worker:
        await until(lambda: worker.is_still and is_swept(world, worker))
    kinds = [record.header("ce_type") for record in await world.records(topics.ALERTS)]
    assert kinds == ["told", SHOP_REDACT, "told"]
    passed = (await world.records(topics.ALERTS))[1]
    assert (passed.header("ce_source"), passed.partition) == (f"//{GONE}", 0)
    assert passed.header("ce_id") != "delivery"


async def test_parked_records_of_a_redacted_shop_are_forgotten_and_come_to_nothing() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: None if request == "unknown" else request)
    spec = StageSpec("enrich", topics.RAW[:2], stage, passes_to=topics.ENRICHED)
    for shop in (GONE, OTHER):
        for number in range(3):
            await put(world, topics.RAW[0], 0, order(number, shop), b"unknown")
            await put(world, topics.RAW[0], 0, order(number, shop), b"behind")
    async with running(world, spec) as worker:
        await until(lambda: worker._tasks[0].parked == 12)
        await redact(world, topic=topics.RAW[0])
        await until(lambda: worker._tasks[0].parked == 6)
        stage.world = str
        world.advance(seconds=10)
        worker.wake()
        await until(lambda: worker.is_still)
    assert {(r.key or b"").decode() for r in await world.records(topics.UNIQUE)} == {order(n, OTHER) for n in range(3)}
    assert GONE not in await shops_remembered(world, "enrich")


async def test_a_parked_record_that_is_being_looked_after_while_its_shop_is_erased_comes_to_nothing() -> None:
    world = await memory_world(1)
    stage = Asking(lambda request: None)
    spec = StageSpec("enrich", topics.RAW[:2], stage, passes_to=topics.ENRICHED)
    await put(world, topics.RAW[0], 0, order(1), b"unknown")
    async with running(world, spec) as worker:
        await until(lambda: worker._tasks[0].parked == 1)
        stage.gate.clear()
        stage.world = str
        world.advance(seconds=10)
        asked = len(stage.asked)
        worker.wake()
        await until(lambda: len(stage.asked) > asked)
        await redact(world, topic=topics.RAW[0])
        await until(lambda: worker._tasks[0].parked == 0)
        stage.gate.set()
        await until(lambda: worker.is_still)
    assert await world.records(topics.UNIQUE) == []
    assert GONE not in await shops_remembered(world, "enrich")


# --- another configuration -------------------------------------------------------------------------------------------


def edition(number: int, name: str) -> Edition:
    return Edition(number, name, Remembering(name))


async def test_a_new_configuration_visits_everything_by_its_own_stage() -> None:
    world = slow(await memory_world(1))
    editions = Editions(edition(0, "first"))
    async with running(world, remembering(editions)) as worker:
        await notes(world, *map(order, range(10)), order(1, OTHER))
        await until(lambda: worker.is_still and len(worker._tasks[0]._tenure.settling.memory) > 20)  # type: ignore[union-attr]
        editions.publish(edition(1, "second"))
        await put(world, topics.UNIQUE, 0, order(99), b"after")
        await until(partial(is_said, world, f"second {order(9)} second"))
        await until(lambda: worker.is_still)
    swept = Counter(what for what in await whats(world) if what.startswith("second"))
    expected = {f"second {key} second" for key in (*map(order, range(10)), order(1, OTHER))}
    assert expected <= set(swept)
    assert set(swept.values()) == {1}
    assert not any(what.startswith("first") for what in await whats(world))


async def is_said(world: World, what: str) -> bool:
    return what in await whats(world)


async def test_the_journal_changes_its_configuration_once_and_with_the_adoption() -> None:
    world = await memory_world(1)
    editions = Editions(edition(0, "first"))
    async with running(world, remembering(editions)) as worker:
        await notes(world, order(1))
        await until(partial(is_said, world, "note"))
        editions.publish(edition(1, "second"))
        await notes(world, order(2), said=b"after")
        await until(partial(is_said, world, f"second {order(1)} second"))
        assert worker.problems() == []
    hashes = [entry.configuration for entry in await journal(world)]
    assert [name for name, _ in groupby(hashes)] == ["first", "second"]
    adopting = (await journal(world))[hashes.index("second")]
    assert (adopting.taken, adopting.visited) == ((), ())


async def test_calls_of_the_old_configuration_end_before_the_new_one_holds() -> None:
    world = await memory_world(1)
    old, new = Asking(lambda request: None), Asking(lambda request: f"new {request}")
    editions = Editions(Edition(0, "first", old))
    spec = StageSpec("enrich", topics.RAW[:2], old, given=editions)
    await put(world, topics.RAW[0], 0, order(1), b"question")
    async with running(world, spec) as worker:
        await until(lambda: worker._tasks[0].parked == 1)
        old.gate.clear()
        old.world = lambda request: f"old {request}"
        asked = len(old.asked)
        world.advance(seconds=10)
        worker.wake()
        await until(lambda: len(old.asked) > asked)
        editions.publish(Edition(1, "second", new))
        await put(world, topics.RAW[1], 0, order(2), b"other")
        for _ in range(20):
            await asyncio.sleep(0)
        assert (editions.in_use(), new.asked) == (frozenset({0}), [])
        old.gate.set()
        await until(lambda: worker.is_still and editions.in_use() == {1} and new.asked)
        await until(lambda: worker.is_still)
    said = [msgspec.json.decode(r.value or b"")["key"] for r in await world.records(topics.UNIQUE)]
    assert sorted(said) == ["new other", "old question"]


async def test_a_task_never_goes_back_and_waits_for_the_configuration_that_its_state_has_seen() -> None:
    world = await memory_world(1)
    world.limits = replace(world.limits, look_again=0.01)
    async with running(world, remembering(Editions(edition(1, "second")))):
        await notes(world, order(1))
        await until(partial(is_said, world, "note"))
    behind = Editions(edition(0, "first"))
    async with at_work(Worker(remembering(behind), world.around())) as worker:
        await until(lambda: any("configuration 1" in problem for problem in worker.problems()))
        await notes(world, order(2), said=b"later")
        await until(lambda: any("configuration 1" in problem for problem in worker.problems()))
        assert "later" not in await whats(world)
        behind.publish(edition(1, "second"))
        await until(partial(is_said, world, "later"))
    assert {entry.configuration for entry in await journal(world)} == {"second"}


async def test_a_sweep_by_a_configuration_goes_on_after_a_kill_and_is_done_once() -> None:
    world = slow(await memory_world(1))
    first, second = edition(0, "first"), edition(1, "second")
    async with running(world, remembering(Editions(first))):
        await notes(world, *map(order, range(30)))
        await until(partial(has_noted, world, 30))
    for least in (3, 12):
        async with killed(world, remembering(Editions(second))):
            await until(partial(has_swept, world, least))
    async with running(world, remembering(Editions(second))) as worker:
        await until(partial(has_swept, world, 30))
        await until(lambda: worker.is_still)
    swept = Counter(one.what for one in await told(world) if one.what.startswith("second"))
    assert swept == Counter(f"second {order(n)} second" for n in range(30))


async def has_noted(world: World, count: int) -> bool:
    return (await whats(world)).count("note") == count


async def has_swept(world: World, least: int) -> bool:
    return sum(what.startswith("second") for what in await whats(world)) >= least

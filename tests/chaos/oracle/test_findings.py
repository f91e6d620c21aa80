"""A verdict that nothing was wrong is worth something only where much was looked at."""

from __future__ import annotations

from tests.chaos.oracle.findings import Promise, Sheet
from tests.chaos.oracle.judge import judged, positions_judged
from tests.chaos.oracle.log import Log
from tests.chaos.oracle.world import Played


async def test_a_good_day_holds_as_a_whole(day: Played) -> None:
    verdict = await judged(day.log, day.evidence)
    assert list(map(str, verdict.findings)) == []
    assert verdict.empty == ()
    assert verdict.holds
    assert list(verdict.lines())[-1] == "holds"


def test_a_good_day_holds_without_any_stage(day: Played) -> None:
    verdict = positions_judged(day.log, day.evidence)
    assert verdict.holds
    assert "records, enriched again" not in verdict.compared
    assert verdict.compared["journal entries"] > 100


async def test_a_log_with_nothing_on_it_does_not_hold(day: Played) -> None:
    """Nothing is wrong with it but that the deliveries are missing; most checks had nothing to compare."""
    verdict = await judged(Log(4, {}, {}), day.evidence)
    assert not verdict.holds
    assert set(verdict.totals) == {Promise.RECEIVED, Promise.SENT}
    assert {"ids of records", "journal entries", "records, enriched again", "state keys of group"} <= set(verdict.empty)


def test_a_check_that_compared_nothing_proves_nothing() -> None:
    sheet = Sheet()
    sheet.looks_at("this")
    assert not sheet.verdict().holds
    assert "nothing     was compared: this" in list(sheet.verdict().lines())
    sheet.compared["this"] += 1
    assert sheet.verdict().holds


def test_of_many_findings_some_are_told_and_all_are_counted() -> None:
    sheet = Sheet()
    for number in range(1000):
        sheet.find(Promise.LOST, f"a-{number}", "it is gone")
    sheet.find(Promise.TIMED, "b", "it is late")
    verdict = sheet.verdict()
    assert verdict.totals == {Promise.LOST: 1000, Promise.TIMED: 1}
    assert len(verdict.findings) == 21
    lines = list(verdict.lines())
    assert "lost        a-0: it is gone" in lines
    assert "lost        and 980 more" in lines
    assert lines[-1] == "DOES NOT HOLD"

"""Jobs: failed, never ended, not run; and Shopify's own bulk operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import subjects
from schemas.alerts import Alert, AlertState, Severity
from schemas.configuration import Configuration, Job, OperationRules, Person, Rules, Team
from schemas.facts.operations import BulkOperationFacts
from schemas.signals import JobAwaited, JobPhase, JobReported, ShopUninstalled
from stages.bodies.operations import BULK
from stages.stage import RETRIES_LAST
from tests.stages.rules.sweeping import SweptDesk
from tests.stages.rules.world import SHOP, START, Desk, configuration, labels

MINUTE = timedelta(minutes=1)
NAME = "feed-sync"
FEED = Job(name=NAME, owner="it-support", max_runtime=45 * MINUTE)
NIGHTLY = Job(name=NAME, critical=True, every=timedelta(hours=24))


def company(*jobs: Job) -> Configuration:
    person = (Person(name="desk", email="desk@example.com"),)
    teams = tuple(Team(name=name, people=person) for name in ("operations", "it-support"))
    return configuration(teams=teams, rules=Rules(operations=OperationRules(jobs=jobs)))


def reports(
    desk: Desk, phase: str, minute: float | None = None, run: str | None = None, message: str | None = None
) -> list[Alert]:
    """At `minute` of the day; without one, now."""
    at = desk.now if minute is None else START + minute * MINUTE
    return desk.signal(JobReported(SHOP, subjects.job(SHOP, NAME), at, at, NAME, JobPhase(phase), run, message))


# --- failed -----------------------------------------------------------------------------------------------------------


def test_a_job_that_fails_is_told_to_its_owner_with_what_it_said_and_when_it_last_worked() -> None:
    desk = Desk(company(FEED))
    reports(desk, "success", -60)

    (alert,) = reports(desk, "fail", 0, message="The ERP refused 14 orders.")

    assert (alert.rule, alert.team, alert.severity) == ("job-failed", "it-support", Severity.WARNING)
    assert alert.title == "Job feed-sync failed on 02 Nov 2026 at 09:00 UTC"
    assert labels(alert) == {
        "Reported": "The ERP refused 14 orders.",
        "Last success": "02 Nov 2026 at 08:00 UTC",
        "Owner": "it-support",
        "Business critical": "no",
    }


def test_starting_again_ends_nothing_and_the_next_success_does() -> None:
    desk = Desk(company(FEED))
    reports(desk, "fail", 0)
    assert reports(desk, "start", 5) == []
    assert reports(desk, "heartbeat", 6) == []
    assert reports(desk, "fail", 7) == []

    (end,) = reports(desk, "success", 8)

    assert (end.rule, end.state) == ("job-failed", AlertState.RESOLVED)


def test_a_failure_that_is_reported_late_is_none_after_a_newer_success() -> None:
    desk = Desk(company(FEED))
    reports(desk, "success", 10)

    assert reports(desk, "fail", 5) == []


def test_a_success_that_is_older_than_the_failure_ends_nothing() -> None:
    desk = Desk(company(FEED))
    reports(desk, "fail", 10)

    assert reports(desk, "success", 5) == []
    assert list(desk.open) == ["job-failed"]


def test_a_critical_job_is_critical() -> None:
    (alert,) = reports(Desk(company(NIGHTLY)), "fail")

    assert alert.severity is Severity.CRITICAL
    assert labels(alert) == {"Last success": "none is known", "Owner": "none is configured", "Business critical": "yes"}


def test_a_job_that_nobody_configured_can_fail_and_is_never_overdue() -> None:
    desk = Desk(company())
    reports(desk, "success", 0)
    reports(desk, "start", 1)
    assert desk.due == {}

    (alert,) = reports(desk, "fail", 2)

    assert (alert.rule, alert.team) == ("job-failed", "operations")


def test_an_owner_who_is_no_team_leaves_it_to_the_routes() -> None:
    (alert,) = reports(Desk(company(Job(name=NAME, owner="Some Vendor"))), "fail")

    assert alert.team == "operations"
    assert labels(alert)["Owner"] == "Some Vendor"


# --- never ended ------------------------------------------------------------------------------------------------------


def test_a_job_that_has_not_ended_in_its_time_is_overdue_until_it_does() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    assert desk.passes(44 * MINUTE) == []

    (alert,) = desk.passes(2 * MINUTE)

    assert (alert.rule, alert.team, alert.since) == ("job-overdue", "it-support", START)
    assert alert.title == "Job feed-sync has reported no end: started on 02 Nov 2026 at 09:00 UTC, may take 45 minutes"
    (end,) = reports(desk, "success")
    assert (end.state, labels(end)) == (AlertState.RESOLVED, {"Ended": "it ended on 02 Nov 2026 at 09:46 UTC"})


@pytest.mark.parametrize("phase", ["success", "fail"])
def test_a_job_that_ends_in_time_is_not_overdue(phase: str) -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    desk.passes(40 * MINUTE)
    reports(desk, phase)

    desk.passes(60 * MINUTE)

    assert desk.told("job-overdue") == []


def test_an_end_that_is_reported_before_the_start_counts() -> None:
    desk = Desk(company(FEED))
    reports(desk, "success", 1)
    reports(desk, "start", 0)

    assert desk.passes(60 * MINUTE) == []


def test_the_end_of_one_run_is_not_the_end_of_another() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start", 0, run="a")
    reports(desk, "start", 10, run="b")
    reports(desk, "success", 20, run="a")

    (alert,) = desk.passes(60 * MINUTE)

    assert labels(alert)["Run"] == "b"
    assert alert.since == START + 10 * MINUTE


def test_a_run_that_ended_stays_ended_whatever_ends_after_it() -> None:
    desk = Desk(company(FEED))
    for phase, minute, run in (("start", 0, "a"), ("start", 10, "b"), ("success", 15, "b"), ("success", 20, "a")):
        reports(desk, phase, minute, run=run)

    assert desk.passes(90 * MINUTE) == []


def test_a_run_that_died_is_over_with_a_success_after_its_time() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start", 0, run="a")
    reports(desk, "start", 10, run="b")
    reports(desk, "success", 20, run="b")
    (alert,) = desk.passes(60 * MINUTE)
    assert labels(alert)["Run"] == "a"

    (end,) = reports(desk, "success", run="c")

    assert (end.id, end.state) == (alert.id, AlertState.RESOLVED)
    assert labels(end)["Ended"].startswith("a later run succeeded")


def test_two_runs_that_do_not_end_are_two_alerts_and_each_has_its_own_end() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start", 0, run="a")
    reports(desk, "start", 10, run="b")
    first, second = desk.passes(60 * MINUTE)
    assert (labels(first)["Run"], labels(second)["Run"]) == ("a", "b")

    (end,) = reports(desk, "success", 11, run="a")

    assert (end.id, end.state) == (first.id, AlertState.RESOLVED)
    assert desk.open["job-overdue"].id == second.id


def test_that_it_failed_after_its_time_does_not_end_that_it_took_too_long() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    desk.passes(46 * MINUTE)

    (failed,) = reports(desk, "fail")

    assert (failed.rule, set(desk.open)) == ("job-failed", {"job-failed", "job-overdue"})
    assert {end.rule for end in reports(desk, "success")} == {"job-failed", "job-overdue"}


def test_a_failure_after_its_time_that_is_known_before_it_is_told_is_said() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    desk.is_behind = True
    desk.passes(60 * MINUTE)
    reports(desk, "fail", 50)
    desk.is_behind = False

    (alert,) = desk.passes(MINUTE)

    says = (
        "failed after its time, on 02 Nov 2026 at 09:50 UTC: started on 02 Nov 2026 at 09:00 UTC, may take 45 minutes"
    )
    assert (alert.rule, alert.title) == ("job-overdue", f"Job feed-sync {says}")


def test_that_it_was_started_anew_does_not_end_that_it_never_ended() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    desk.passes(46 * MINUTE)

    assert reports(desk, "start") == []
    assert list(desk.open) == ["job-overdue"]


# --- not run ----------------------------------------------------------------------------------------------------------


def test_a_job_that_has_not_succeeded_for_its_interval_and_grace_is_overdue() -> None:
    desk = Desk(company(NIGHTLY))
    reports(desk, "success")
    assert desk.passes(timedelta(hours=24, minutes=14)) == []

    (alert,) = desk.passes(2 * MINUTE)

    assert (alert.rule, alert.severity) == ("job-overdue", Severity.CRITICAL)
    assert alert.title == "Job feed-sync has reported no success for 1 day 15 minutes"
    assert labels(alert) == {
        "Expected every": "1 day",
        "Runs missed": "1",
        "Last success": "02 Nov 2026 at 09:00 UTC",
        "Owner": "none is configured",
        "Business critical": "yes",
    }
    (end,) = reports(desk, "success")
    assert end.state is AlertState.RESOLVED
    (again,) = desk.passes(timedelta(hours=25))
    assert (again.rule, again.state) == ("job-overdue", AlertState.FIRING)


def test_neither_a_start_nor_a_failure_is_the_success_that_was_due() -> None:
    desk = Desk(company(NIGHTLY))
    reports(desk, "success")
    desk.passes(timedelta(hours=23))
    reports(desk, "start")
    reports(desk, "fail")

    desk.passes(timedelta(hours=2))

    assert set(desk.open) == {"job-failed", "job-overdue"}


def test_a_job_that_has_never_succeeded_is_counted_from_its_first_report() -> None:
    desk = Desk(company(NIGHTLY))
    reports(desk, "start", 0)
    desk.passes(timedelta(hours=23))
    reports(desk, "start")
    assert desk.passes(timedelta(hours=1, minutes=14)) == []

    (alert,) = desk.passes(2 * MINUTE)

    assert (alert.rule, alert.since, labels(alert)["Last success"]) == ("job-overdue", START, "none is known")
    assert [end.state for end in reports(desk, "success")] == [AlertState.RESOLVED]


@pytest.mark.parametrize(
    ("zone", "every", "hours"),
    [
        ("America/New_York", timedelta(hours=24), 25),
        (None, timedelta(hours=24), 24),
        ("America/New_York", timedelta(hours=23), 23),
        ("America/New_York", timedelta(hours=36), 37),
    ],
)
def test_the_day_on_which_the_clock_is_put_back_is_an_hour_longer(
    zone: str | None, every: timedelta, hours: int
) -> None:
    desk = Desk(company(Job(name=NAME, every=every, time_zone=zone, grace=timedelta())))
    at = datetime(2026, 11, 1, 2, tzinfo=UTC)

    desk.signal(JobReported(SHOP, subjects.job(SHOP, NAME), at, at, NAME, JobPhase.SUCCESS))

    assert desk.due["job-overdue|every"] == at + timedelta(hours=hours)


def test_without_a_zone_of_its_own_a_job_has_its_shops() -> None:
    whole = company(Job(name=NAME, every=timedelta(hours=24), grace=timedelta()))
    shop = replace(whole.shops[0], time_zone="America/New_York")
    desk, at = Desk(replace(whole, shops=(shop,))), datetime(2026, 11, 1, 2, tzinfo=UTC)

    desk.signal(JobReported(SHOP, subjects.job(SHOP, NAME), at, at, NAME, JobPhase.SUCCESS))

    assert desk.due["job-overdue|every"] == at + timedelta(hours=25)


# --- never heard of ---------------------------------------------------------------------------------------------------


def awaits(desk: Desk, minute: float | None = None, shop: str = SHOP) -> list[Alert]:
    at = desk.now if minute is None else START + minute * MINUTE
    return desk.signal(JobAwaited(shop, subjects.job(shop, NAME), at, at))


def test_a_job_that_has_never_reported_anything_is_counted_from_when_it_was_awaited_first() -> None:
    desk = Desk(company(NIGHTLY))
    awaits(desk, 0)
    desk.passes(timedelta(hours=23))
    assert awaits(desk) == []
    assert desk.passes(timedelta(hours=1, minutes=14)) == []

    (alert,) = desk.passes(2 * MINUTE)

    assert (alert.rule, alert.severity, alert.since) == ("job-overdue", Severity.CRITICAL, START)
    assert alert.title == ("Job feed-sync has never reported anything: it is watched since 02 Nov 2026 at 09:00 UTC")
    assert labels(alert)["Watched since"] == "02 Nov 2026 at 09:00 UTC"
    assert awaits(desk) == []
    (end,) = reports(desk, "success")
    assert (end.id, end.state, end.title) == (
        alert.id,
        AlertState.RESOLVED,
        "Job feed-sync has reported no success",
    )


def test_after_its_first_report_it_is_counted_from_that_and_that_it_was_awaited_is_no_news() -> None:
    desk, sooner = Desk(company(NIGHTLY)), Desk(company(NIGHTLY))
    awaits(desk, 0)
    reports(desk, "start", 60)
    reports(sooner, "start", 60)
    awaits(desk, 120)
    awaits(sooner, 0)
    assert desk.due == sooner.due == {"job-overdue|every": START + timedelta(hours=25, minutes=15)}

    (alert,) = desk.passes(timedelta(hours=26))

    assert alert.title == "Job feed-sync has reported no success for 1 day 15 minutes"
    assert awaits(desk) == []


def test_a_job_that_nobody_expects_regularly_is_not_awaited_and_one_that_was_is_not_any_more() -> None:
    desk = Desk(company(FEED))
    awaits(desk)
    assert desk.due == {}

    swept = SweptDesk(company(NIGHTLY))
    awaits(swept)
    (alert,) = swept.passes(timedelta(hours=25))
    (end,) = swept.reconfigure(company())
    assert (end.id, end.state) == (alert.id, AlertState.RESOLVED)


OTHER = "other.myshopify.com"


def two_shops(shop: str | None) -> Configuration:
    whole = company(replace(NIGHTLY, shop=shop))
    return replace(whole, shops=(*whole.shops, replace(whole.shops[0], domain=OTHER)))


@pytest.mark.parametrize(("home", "awaited"), [(None, set()), (SHOP, {SHOP}), (OTHER, {OTHER})])
def test_of_several_shops_it_is_awaited_for_its_own(home: str | None, awaited: set[str]) -> None:
    found = set()
    for shop in (SHOP, OTHER):
        desk = Desk(two_shops(home))
        awaits(desk, shop=shop)
        found |= {alert.shop for alert in desk.passes(timedelta(hours=25))}

    assert found == awaited


def test_one_name_is_another_job_in_each_shop() -> None:
    whole = two_shops(SHOP)
    theirs = Job(name=NAME, owner="operations", every=timedelta(hours=2), shop=OTHER)
    ours = replace(FEED, every=timedelta(hours=24), critical=True, shop=SHOP)
    whole = replace(whole, rules=Rules(operations=OperationRules(jobs=(theirs, ours))))
    desk = Desk(whole)
    for shop in (SHOP, OTHER):
        desk.signal(JobReported(shop, subjects.job(shop, NAME), START, START, NAME, JobPhase.FAIL, None, None))
    desk.passes(timedelta(hours=3))

    assert [(alert.shop, alert.rule, alert.team, alert.severity) for alert in desk.alerts] == [
        (SHOP, "job-failed", "it-support", Severity.CRITICAL),
        (OTHER, "job-failed", "operations", Severity.WARNING),
        (OTHER, "job-overdue", "operations", Severity.WARNING),
    ]


def test_for_another_shop_than_before_it_is_not_awaited_any_more() -> None:
    desk = SweptDesk(company(NIGHTLY))
    awaits(desk)
    (alert,) = desk.passes(timedelta(hours=25))

    (end,) = desk.reconfigure(two_shops(OTHER))

    assert (end.id, end.state) == (alert.id, AlertState.RESOLVED)


def test_one_that_waits_is_not_told_once_nobody_expects_it() -> None:
    desk = SweptDesk(company(NIGHTLY))
    awaits(desk)

    desk.reconfigure(company(FEED))

    assert (desk.due, desk.passes(timedelta(hours=25))) == ({}, [])


def test_nothing_is_awaited_of_a_shop_that_has_removed_the_app() -> None:
    desk = Desk(company(NIGHTLY))
    desk.signal(ShopUninstalled(SHOP, subjects.shop_wide(SHOP), START, START))
    awaits(desk)

    assert desk.passes(timedelta(hours=25)) == []


# --- while our receiver was away --------------------------------------------------------------------------------------

LOST = "not confirmed: our receiver was away, and the job's report may be lost"


def test_a_run_whose_end_we_may_not_have_heard_is_told_with_that_doubt_and_not_held_back() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    desk.missed_until = START + timedelta(hours=5)

    (alert,) = desk.passes(46 * MINUTE)

    assert (alert.rule, alert.unknown) == ("job-overdue", (LOST,))


def test_a_success_that_we_may_not_have_heard_is_told_with_that_doubt() -> None:
    desk = Desk(company(NIGHTLY))
    reports(desk, "success")
    desk.missed_until = START + timedelta(hours=28)

    (alert,) = desk.passes(timedelta(hours=25))

    assert (alert.title, alert.unknown) == ("Job feed-sync has reported no success for 1 day 15 minutes", (LOST,))


@pytest.mark.parametrize(("back", "doubt"), [(timedelta(hours=1), (LOST,)), (timedelta(hours=-1), ())])
def test_that_a_report_may_be_lost_is_said_however_long_ago_the_receiver_came_back(
    back: timedelta, doubt: tuple[str, ...]
) -> None:
    """What counts is whether that was after the success that is counted from."""
    desk = Desk(company(NIGHTLY))
    reports(desk, "success")
    desk.missed_until = START + back + RETRIES_LAST

    (alert,) = desk.passes(timedelta(hours=25))

    assert alert.unknown == doubt


def test_what_began_after_the_receiver_came_back_is_in_no_doubt() -> None:
    desk = Desk(company(FEED))
    desk.missed_until = START + 4 * timedelta(hours=1)
    reports(desk, "start")

    (alert,) = desk.passes(46 * MINUTE)

    assert alert.unknown == ()


def test_nothing_is_overdue_before_somebody_was_there_to_be_told() -> None:
    desk = Desk(company(FEED))
    reports(desk, "start")
    desk.is_behind = True
    assert desk.passes(60 * MINUTE) == []

    desk.is_behind = False
    reports(desk, "success", 30)

    assert desk.passes(60 * MINUTE) == []


# --- bulk operations --------------------------------------------------------------------------------------------------


def bulk(desk: Desk, status: str, minute: int, error: str | None = None) -> list[Alert]:
    facts = BulkOperationFacts(
        id=f"gid://shopify/BulkOperation/{minute}", status=status, kind="query", error_code=error
    )
    at = START + minute * MINUTE
    subject = subjects.job(SHOP, BULK)
    return desk.event("bulk_operations/finish", facts, subject, occurred=at, delivery_id=f"{minute:03d}")


@pytest.mark.parametrize(
    ("status", "error", "title"),
    [
        ("failed", "internal_server_error", "A bulk query in Shopify failed: internal server error"),
        ("expired", None, "A bulk query in Shopify has expired"),
        ("canceled", None, "A bulk query in Shopify was canceled"),
        ("cancelled", None, "A bulk query in Shopify was canceled"),
    ],
)
def test_a_bulk_operation_that_came_to_nothing_is_told(status: str, error: str | None, title: str) -> None:
    desk = Desk()
    bulk(desk, "completed", 1)

    (alert,) = bulk(desk, status, 2, error)

    assert (alert.rule, alert.title) == ("job-failed", title)
    assert labels(alert)["Last one that completed"] == "02 Nov 2026 at 09:01 UTC"
    assert bulk(desk, "running", 3) == []
    assert bulk(desk, "some_new_word", 4) == []
    assert [end.state for end in bulk(desk, "completed", 5)] == [AlertState.RESOLVED]


def test_bulk_operations_have_an_owner_and_a_criticality_where_the_configuration_says_so() -> None:
    desk = Desk(company(Job(name=BULK, owner="it-support", critical=True)))

    (alert,) = bulk(desk, "failed", 1)

    assert (alert.team, alert.severity) == ("it-support", Severity.CRITICAL)
    assert (labels(alert)["Owner"], labels(alert)["Business critical"]) == ("it-support", "yes")


def test_one_that_has_not_ended_hides_none_that_failed_whichever_is_told_first() -> None:
    desk = Desk()
    assert bulk(desk, "some_new_word", 9) == []

    assert [alert.rule for alert in bulk(desk, "failed", 5)] == ["job-failed"]


def test_a_bulk_operation_that_completed_earlier_ends_nothing() -> None:
    desk = Desk()
    bulk(desk, "failed", 5)

    assert bulk(desk, "completed", 2) == []


# --- whatever the order -----------------------------------------------------------------------------------------------

STORY = (
    ("awaited", -10, None),
    ("awaited", 50, None),
    ("start", 0, "a"),
    ("fail", 5, "a"),
    ("start", 10, "b"),
    ("start", 12, None),
    ("success", 20, "b"),
    ("start", 30, "c"),
    ("fail", 31, None),
    ("success", 80, "d"),
)


@given(st.data())
def test_what_is_open_in_the_end_does_not_depend_on_order_and_repetition(data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(STORY), unique=True, min_size=1))
    arriving = data.draw(st.permutations([*known, *data.draw(st.lists(st.sampled_from(known)))]))
    both = Job(name=NAME, max_runtime=45 * MINUTE, every=timedelta(hours=2))

    assert final(both, arriving) == final(both, sorted(known, key=lambda report: report[1]))


def final(job: Job, story: list[tuple[str, int, str | None]]) -> set[tuple[str, str | None]]:
    """The rules that are open a day later, and of which run."""
    desk = Desk(company(job))
    for phase, minute, run in story:
        if phase == "awaited":
            awaits(desk, minute)
        else:
            reports(desk, phase, minute, run=run)
    desk.passes(timedelta(days=1))
    newest = {alert.id: alert for alert in desk.alerts}
    return {
        (alert.rule, labels(alert).get("Run")) for alert in newest.values() if alert.state is not AlertState.RESOLVED
    }

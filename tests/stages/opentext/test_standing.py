"""The pace and the breaker, on a clock that is a number."""

from __future__ import annotations

from stages.opentext.standing import Breaker, Call, Pace


def breaker(told: list[bool]) -> Breaker:
    return Breaker(3, (1.0, 30.0), told.append)


def fail(standing: Breaker, times: int, now: float = 0.0, call: Call = Call.SUBMIT) -> None:
    for _ in range(times):
        standing.failed(call, now, "HTTP 500")


def test_fewer_failures_than_are_borne_change_nothing() -> None:
    told: list[bool] = []
    standing = breaker(told)
    fail(standing, 2)
    standing.worked(Call.SUBMIT)
    fail(standing, 2)

    assert standing.wait(0.0, 10.0) == 0.0
    assert told == []


def test_while_open_one_probe_goes_and_the_others_ask_again_soon() -> None:
    standing = breaker([])
    fail(standing, 3)

    assert standing.wait(0.4, 10.0) == 0.6
    assert standing.wait(1.0, 10.0) == 0.0
    assert standing.wait(1.0, 10.0) == 1.0


def test_a_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    standing = breaker([])
    fail(standing, 3)
    pauses = []
    now = 0.0
    for _ in range(7):
        now += standing.left(now)
        assert standing.wait(now, 10.0) == 0.0
        fail(standing, 1, now)
        pauses.append(standing.left(now))

    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_probe_that_works_closes_it_and_the_gauge_hears_of_both() -> None:
    told: list[bool] = []
    standing = breaker(told)
    fail(standing, 3)
    standing.wait(1.0, 10.0)
    standing.worked(Call.SUBMIT)

    assert standing.wait(1.0, 10.0) == 0.0
    assert told == [True, False]


def test_a_probe_that_is_never_heard_of_again_makes_room_for_another() -> None:
    standing = breaker([])
    fail(standing, 3)
    standing.wait(1.0, 10.0)

    assert standing.wait(10.9, 10.0) > 0.0
    assert standing.wait(11.0, 10.0) == 0.0


def test_failures_that_come_in_after_it_has_opened_do_not_lengthen_the_pause() -> None:
    standing = breaker([])
    fail(standing, 20)

    assert standing.left(0.0) == 1.0


def test_status_answers_that_come_do_not_excuse_submits_that_fail() -> None:
    told: list[bool] = []
    standing = breaker(told)
    for _ in range(3):
        fail(standing, 1)
        standing.worked(Call.STATUS)

    assert told == [True, False]


def test_a_refused_account_opens_it_at_once_for_the_longest_pause() -> None:
    told: list[bool] = []
    standing = breaker(told)
    standing.refused(Call.SUBMIT, 0.0, "HTTP 401")

    assert (standing.left(0.0), told) == (30.0, [True])


def test_a_retry_after_is_the_shortest_pause() -> None:
    standing = breaker([])
    fail(standing, 2)
    standing.failed(Call.SUBMIT, 0.0, "HTTP 503", 120.0)

    assert standing.left(0.0) == 120.0


def test_a_pace_gives_a_second_at_once_and_then_one_after_the_other() -> None:
    pace = Pace(5.0)

    waits = [pace.wait(0.0, 10.0) for _ in range(8)]

    assert waits == [0.0] * 5 + [0.2, 0.4, 0.6]


def test_an_idle_pace_saves_up_one_second_and_no_more() -> None:
    pace = Pace(5.0)
    for _ in range(5):
        pace.wait(0.0, 10.0)

    assert [pace.wait(3600.0, 10.0) for _ in range(6)][-2:] == [0.0, 0.2]


def test_who_would_wait_too_long_takes_no_place_and_is_told_when_to_come_back() -> None:
    pace = Pace(1.0)
    waits = [pace.wait(0.0, 1.5) for _ in range(5)]

    assert waits == [0.0, 1.0, 2.0, 2.0, 2.0]
    assert [pace.book(0.0, 2.0) for _ in range(3)] == [3.0, 4.0, 5.0]

"""A policy of `approvals:` is taken as it is written, or refused with what would be right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from pipeline.settings import ConfigurationError, parse
from schemas.approvals import Needed, Overdue
from schemas.calendars import working_days, working_hours
from schemas.configuration import Approval
from tests.pipeline.test_settings import LEAST

MORE = LEAST.replace("opentext:", "  - {name: finance, people: [{name: desk, email: finance@example.com}]}\nopentext:")


def policies(*written: str) -> tuple[Approval, ...]:
    return parse(MORE + "approvals:\n" + "".join(f"  - {{{one}}}\n" for one in written), ()).approvals


def mistakes(*written: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        policies(*written)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_name_a_team_and_something_to_ask_about_are_a_whole_policy() -> None:
    (read,) = policies("name: a, teams: [operations], tags: [x]")

    assert (read.needs, read.within, read.then, read.next_level, read.hold) == (
        Needed.ALL,
        working_hours(4),
        Overdue.NEXT_LEVEL,
        (),
        True,
    )


def test_a_policy_is_read_as_it_is_written() -> None:
    one, other = policies(
        "name: a, teams: [operations, finance], total_from: 12.10, needs: in-order, within: 2 working days",
        "name: b, teams: [operations], skus: [0049], within: 90m, then: reject, hold: false",
    )

    assert (one.total_from, one.needs, one.within) == (Decimal("12.10"), Needed.IN_ORDER, working_days(2))
    assert (other.skus, other.within, other.then, other.hold) == (
        ("0049",),
        timedelta(minutes=90),
        Overdue.REJECT,
        False,
    )


def test_a_next_level_is_read() -> None:
    (read,) = policies("name: a, teams: [operations], tags: [x], next_level: [finance]")

    assert read.next_level == ("finance",)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("needs: both", ".needs (line 12): `both` is not known; there is all, any, in-order"),
        ("needs: in-order", ".needs (line 12): there is no order in one team; name a second one"),
        ("within: 0h", ".within (line 12): in no time nobody decides; right is for example `4 working hours`"),
        ("within: 0 working hours", ".within (line 12): in no time nobody decides"),
        ("within: 4", ".within (line 12): `4`: a time needs its unit"),
        ("within: 1.5 working hours", ".within (line 12): `1.5 working hours`: working time is a whole number"),
        ("then: escalate", ".then (line 12): `escalate` is not known; there is next-level, reject"),
        ("next_level: [bosses]", ".next_level[0] (line 12): no team `bosses`; there is operations, finance"),
        ("next_level: [operations]", ".next_level[0] (line 12): `operations` is asked from the beginning"),
        (
            "then: reject, next_level: [finance]",
            ".next_level (line 12): nobody is asked any more where `then` is reject",
        ),
        ("hold: maybe", ".hold (line 12): `maybe` is neither true nor false"),
        ("holds: true", ".holds (line 12): unknown key; did you mean `hold`?"),
        ("total_from: 0", ".total_from (line 12): every order comes to 0 or more; leave it out"),
        ("total_from: lots", ".total_from (line 12): `lots` is no number"),
        (
            "countries: [Norway]",
            ".countries[0] (line 12): `Norway` is no country; right are two letters, like DE or US",
        ),
        ("countries: [N0]", ".countries[0] (line 12): `N0` is no country"),
        ("when: order.totl > 5", ".when (line 12): `order` has no `totl`; did you mean `total`?"),
    ],
)
def test_nonsense_in_a_policy_is_told_with_what_would_be_right(written: str, says: str) -> None:
    (mistake,) = mistakes(f"name: a, teams: [operations], tags: [x], {written}")

    assert mistake.startswith(f"approvals[0]{says}")


def test_teams_and_names_that_stand_twice_are_mistakes() -> None:
    assert mistakes(
        "name: a, teams: [operations, operations], tags: [x]", "name: a, teams: [finance, nobody], tags: [x]"
    ) == [
        "approvals[0].teams[1] (line 12): `operations` stands twice",
        "approvals[1].name (line 13): `a` stands twice",
        "approvals[1].teams[1] (line 13): no team `nobody`; there is operations, finance",
    ]

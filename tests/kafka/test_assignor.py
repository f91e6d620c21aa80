"""Who gets which numbers, as the members of a group work it out among themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipeline.kafka.assignor import Claim, NumberAssignor, believed

PARTITIONS = 12


def assigned(
    members: Mapping[str, NumberAssignor], topics: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, set[int]]]:
    """One rebalance: each says what it wants and had, the first gives out, each hears what it has now."""
    leader = next(iter(members.values()))
    wishes = {name: assignor.metadata(topics[name]) for name, assignor in members.items()}
    given_out = leader.assign(None, wishes)
    for name, assignor in members.items():
        assignor.on_assignment(given_out[name])
    return {
        name: {topic: set(numbers) for topic, numbers in assignment.assignment}
        for name, assignment in given_out.items()
    }


def members(*names: str) -> dict[str, NumberAssignor]:
    return {name: NumberAssignor(PARTITIONS) for name in names}


def wishing(names: Iterable[str], *topics: str) -> dict[str, Sequence[str]]:
    return dict.fromkeys(names, topics)


def test_the_same_numbers_of_every_topic_go_to_one_member() -> None:
    group = members("a", "b", "c")
    found = assigned(group, wishing(group, "x", "y"))
    assert all(of["x"] == of["y"] and len(of["x"]) == 4 for of in found.values())


def test_during_an_upgrade_that_adds_a_topic_its_numbers_follow_those_of_the_others() -> None:
    group = members("old", "new")
    found = assigned(group, {"old": ["x"], "new": ["x", "y"]})
    assert found["new"]["x"] == found["new"]["y"]
    assert found["old"]["x"] | found["new"]["x"] == set(range(PARTITIONS))


def test_a_member_that_joins_takes_no_more_than_its_share() -> None:
    group = members("a", "b")
    before = assigned(group, wishing(group, "x"))
    group |= members("c")
    after = assigned(group, wishing(group, "x"))
    assert after["a"]["x"] < before["a"]["x"]
    assert after["b"]["x"] < before["b"]["x"]
    assert len(after["c"]["x"]) == 4


def test_a_member_that_was_given_up_and_comes_back_takes_nothing_from_those_who_have_it_by_now() -> None:
    group = members("a", "b", "zombie")
    assigned(group, wishing(group, "x"))
    living = {name: assignor for name, assignor in group.items() if name != "zombie"}
    without = assigned(living, wishing(living, "x"))
    after = assigned(group, wishing(group, "x"))
    assert after["a"]["x"] < without["a"]["x"]
    assert after["b"]["x"] < without["b"]["x"]


def test_of_two_who_claim_a_number_the_newer_word_counts() -> None:
    claims = {"a": Claim(8, (1, 2)), "m": Claim(7, (0, 1, 3)), "z": Claim(9, (3,))}
    assert believed(claims) == {"a": frozenset({1, 2}), "m": frozenset({0}), "z": frozenset({3})}


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=6))
def test_whoever_comes_and_goes_every_number_has_exactly_one_member(rounds: list[set[str]]) -> None:
    group = members(*"abcdefgh")
    for present in rounds:
        found = assigned({name: group[name] for name in sorted(present)}, wishing(group, "x"))
        numbers = sorted(number for of in found.values() for number in of["x"])
        assert numbers == list(range(PARTITIONS))

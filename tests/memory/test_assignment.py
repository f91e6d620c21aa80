"""Partition numbers are shared evenly, and move only when they must."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.assignment import share

MEMBERS = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


def test_nobody_gets_anything_where_there_is_nobody() -> None:
    assert share(4, [], {}) == {}


def test_a_new_member_takes_only_its_part() -> None:
    before = {"a": frozenset({0, 1}), "b": frozenset({2, 3})}
    after = share(4, ["a", "b", "c"], before)
    assert after == {"a": {0, 1}, "b": {2}, "c": {3}}


def test_what_a_leaver_had_goes_to_who_has_least() -> None:
    before = {"a": frozenset({0, 3}), "b": frozenset({1}), "c": frozenset({2})}
    assert share(4, ["a", "b"], before) == {"a": {0, 3}, "b": {1, 2}}


@given(st.integers(1, 24), st.lists(MEMBERS, min_size=1, max_size=6))
def test_every_number_has_one_member_and_shares_differ_by_one_at_most(
    partitions: int, generations: list[list[str]]
) -> None:
    held: dict[str, frozenset[int]] = {}
    for members in generations:
        held = share(partitions, members, held)
        assert sorted(number for numbers in held.values() for number in numbers) == list(range(partitions))
        sizes = [len(held[member]) for member in members]
        assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 24), st.lists(MEMBERS, min_size=2, max_size=6))
def test_as_few_numbers_move_as_an_even_share_allows(partitions: int, generations: list[list[str]]) -> None:
    held = share(partitions, generations[0], {})
    for earlier, members in pairwise(generations):
        after = share(partitions, members, held)
        kept = sum(len(after[member] & held[member]) for member in set(earlier) & set(members))
        least, larger = divmod(partitions, len(members))
        sizes = sorted((len(held.get(member, ())) for member in members), reverse=True)
        possible = sum(min(size, least + (place < larger)) for place, size in enumerate(sizes))
        assert kept == possible
        held = after


def test_the_same_group_keeps_what_it_has() -> None:
    held = share(12, ["a", "b", "c", "d", "e"], {})
    assert share(12, ["e", "d", "c", "b", "a"], held) == held

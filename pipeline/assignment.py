"""Who gets which partition numbers: balanced to within one, and nobody loses a number without need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def share(partitions: int, members: Sequence[str], before: Mapping[str, frozenset[int]]) -> dict[str, frozenset[int]]:
    """The numbers 0 to `partitions` - 1, each with one member. `members` in order of joining; it decides ties."""
    if not members:
        return {}
    least, larger = divmod(partitions, len(members))
    # whoever holds most keeps most: the sort is stable, so equals stay in order of joining
    by_holding = sorted(members, key=lambda member: -len(before.get(member, ())))
    quotas = {member: least + (place < larger) for place, member in enumerate(by_holding)}
    kept = {member: sorted(before.get(member, ()))[: quotas[member]] for member in members}
    taken = {number for numbers in kept.values() for number in numbers}
    free = iter([number for number in range(partitions) if number not in taken])
    return {
        member: frozenset([*kept[member], *(next(free) for _ in range(quotas[member] - len(kept[member])))])
        for member in members
    }

"""Episodes: from the verdict of a rule to what its people are told. One opening to its end, by deterministic ids.

An episode remembers which teams were told, so that the updates and the end go to them. A condition that has yet to last
is followed by a track: until when the log is read, and what was asked about it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.alerts import Severity
from schemas.approvals import Request
from stages.stage import Family


class Episode(Struct, frozen=True, omit_defaults=True):
    """Open. `id` is the alert's; `revision` counts what was told of it, `teams` to whom.

    `request`: what those teams are asked to decide, where it is an approval. Decisions, reminders, deadlines and holds
    are found by it. `line`: it was told as a line of the digest, and so is its end.
    """

    id: str
    severity: Severity
    level: int
    revision: int
    teams: tuple[str, ...]
    opened_by: str
    opened: datetime
    since: datetime
    title: str
    use_case: int
    link: str | None = None
    request: Request | None = None
    line: bool = False


class Track(Struct, frozen=True, omit_defaults=True):
    """A condition that has to last. `due`: its timer. `reached`: up to there the log is known to hold no end of it.

    `question`: what was asked before it is told; `confirmed` the answer's word, None while there is none. `held`: it is
    not told before, since what the receiver has missed may still end it. `behind`: up to `reached` this task has read,
    and the chain before it had not.
    """

    due: datetime | None = None
    reached: datetime | None = None
    question: str | None = None
    confirmed: bool | None = None
    held: datetime | None = None
    behind: bool = False


EPISODE: Family[Episode] = Family("episode", Episode, scanned=True)
TRACK: Family[Track] = Family("track", Track, scanned=True)


def name_of(rule: str, key: str) -> str:
    return f"{rule}|{key}"


def split_name(name: str) -> tuple[str, str]:
    rule, _, key = name.partition("|")
    return rule, key


def alert_id(rule: str, subject: str, key: str, opened_by: str) -> str:
    """Rule, subject, condition, and what opened it: never a counter, which lost state would restart."""
    return ":".join(part for part in (rule, subject, key, opened_by) if part)

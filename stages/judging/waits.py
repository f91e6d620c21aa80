"""What a subject's conditions wait for: a moment that the log has yet to be read past, or Shopify's answer.

One track a condition, kept while there is something to wait for. A moment has come only when its timer has fired, so
that whatever on the log ends the condition in time beats it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas import subjects
from schemas.questions import Question, QuestionKind
from stages.judging.episodes import TRACK, Track
from stages.rules.rule import Due, Fire
from stages.stage import Ask, CancelTimer, Context, Outcome, SetTimer, TimerKind

#: Prefix of the timers that wait for an answer.
ASKED = "asked/"
_PATIENCE = timedelta(seconds=30)


class Waits:
    """Of one subject, in one transaction."""

    def __init__(self, context: Context, shop: str, subject: str) -> None:
        self._context = context
        self._shop = shop
        self._subject = subject

    def track(self, name: str) -> Track:
        return self._context.state.get(TRACK, self._subject, name) or Track()

    def has_come(self, name: str, at: datetime) -> Generator[Outcome, None, bool]:
        """Is the log read past that moment? If not, its timer is set."""
        track = self.track(name)
        if track.reached is not None and at <= track.reached:
            return True
        if track.due != at:
            yield SetTimer(self._subject, name, at, TimerKind.ABSENCE)
        self.remember(name, replace(track, due=at, question=None, confirmed=None))
        return False

    def wait(self, name: str, track: Track, waiting: Sequence[Due]) -> Generator[Outcome, None, Track]:
        """Sets the timer of what is due next. Returns the track with it."""
        if not waiting:
            if track.due is not None:
                yield CancelTimer(self._subject, name)
            return replace(track, due=None)
        soonest = min(waiting, key=lambda due: due.at)
        if track.due != soonest.at:
            yield SetTimer(self._subject, name, soonest.at, soonest.timer)
        return replace(track, due=soonest.at)

    def confirm(self, name: str, track: Track, verdict: Fire | Due) -> Generator[Outcome, None, Track]:
        """Asks Shopify where the verdict wants it; what holds without asking waits for no answer."""
        if isinstance(verdict, Fire) or verdict.ask is None:
            return (yield from self.unasked(name, track))
        if track.question is not None:
            return track
        question = self.question(name, verdict.ask, verdict.at, verdict.resource)
        yield Ask(question)
        yield SetTimer(self._subject, f"{ASKED}{name}", self._context.wall + _PATIENCE, TimerKind.RETRY)
        return replace(track, question=question.id, confirmed=None)

    def unasked(self, name: str, track: Track) -> Generator[Outcome, None, Track]:
        """The question has served, or is not in question any more: the next time is asked anew."""
        if track.question is not None and track.confirmed is None:
            yield CancelTimer(self._subject, f"{ASKED}{name}")
        return replace(track, question=None, confirmed=None)

    def question(self, name: str, kind: QuestionKind, at: datetime, resource: str) -> Question:
        """Asked at another time it is another question, since a question is answered once."""
        identity = f"{self._subject}/{name}/{kind}/{at.isoformat()}/{self._context.now.isoformat()}"
        about = resource or subjects.identity_of(self._subject)
        return Question(identity, kind, self._shop, self._subject, about, self._context.now)

    def forgotten(self, name: str) -> Iterator[Outcome]:
        """Nothing has to last any more: its timers are cancelled."""
        track = self._context.state.get(TRACK, self._subject, name)
        if track is None:
            return
        self._context.state.delete(TRACK, self._subject, name)
        if track.due is not None:
            yield CancelTimer(self._subject, name)
        if track.question is not None:
            yield CancelTimer(self._subject, f"{ASKED}{name}")

    def remember(self, name: str, track: Track) -> None:
        if track == Track():
            self._context.state.delete(TRACK, self._subject, name)
        elif track != self._context.state.get(TRACK, self._subject, name):
            self._context.state.put(TRACK, self._subject, track, name)

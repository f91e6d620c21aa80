"""What a subject's conditions wait for: a moment that the log has yet to be read past, or Shopify's answer.

One track a condition, kept while there is something to wait for. A moment has come only when its timer has fired, so
that whatever on the log ends the condition in time beats it. After a gap in which the receiver was away, what has not
happened in Shopify may only not have come in yet: an answer of Shopify's tells, and without one it is waited until
Shopify has given up sending again. Not promised: anything about a delivery that Shopify gave up before that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas import subjects
from schemas.questions import Question, QuestionKind
from stages.judging.doubts import doubts
from stages.judging.episodes import TRACK, Track
from stages.rules.rule import Due, Fire
from stages.stage import Ask, CancelTimer, Context, Outcome, SetTimer, TimerKind

#: Prefix of the timers that wait for an answer.
ASKED = "asked/"
_PATIENCE = timedelta(seconds=30)
_NONE = Track()


class Waits:
    """Of one subject, in one transaction. Nobody else changes its tracks meanwhile."""

    def __init__(self, context: Context, shop: str, subject: str) -> None:
        self._context = context
        self._shop = shop
        self._subject = subject
        self._tracks = {name.decode(): track for name, track in context.state.scan(TRACK, subject)}

    def track(self, name: str) -> Track:
        """As it is remembered; what was held, and is not any more, is asked anew."""
        track = self._tracks.get(name, _NONE)
        if track.held is None or track.reached is None or track.reached < track.held:
            return track
        is_served = track.confirmed is False
        return replace(
            track,
            held=None,
            question=None if is_served else track.question,
            confirmed=None if is_served else track.confirmed,
        )

    def has_come(self, name: str, at: datetime) -> Generator[Outcome, None, bool]:
        """Is the log read past that moment? If not, its timer is set."""
        track = self.track(name)
        if track.reached is not None and at <= track.reached:
            return True
        if track.due != at:
            yield SetTimer(self._subject, name, at, TimerKind.ABSENCE)
        self.remember(name, replace(track, due=at, question=None, confirmed=None))
        return False

    def told(self, name: str, due: Due) -> Generator[Outcome, None, tuple[str, ...] | None]:
        """What is unsure of it, once its moment has come, Shopify has been asked, and nothing is on its way any more
        that the receiver missed. None: not yet."""
        if not (yield from self.has_come(name, due.at)):
            return None
        track = self.track(name)
        held = self.held_until(track, due)
        track = yield from self.wait(name, track, (), held)
        if held is None:
            track = yield from self.confirm(name, track, due)
        self.remember(name, track)
        if held is not None or (track.question is not None and track.confirmed is None):
            return None
        return tuple(doubts(due, track, self._context))

    def held_until(self, track: Track, verdict: Fire | Due) -> datetime | None:
        """Until when it is not told, since what the receiver missed may end it, and Shopify's answer does not tell."""
        if isinstance(verdict, Fire) or verdict.timer is not TimerKind.ABSENCE or verdict.lost:
            return None
        if verdict.ask is not None and track.confirmed is not False:
            return None
        return self._missed_until(track)

    def _missed_until(self, track: Track) -> datetime | None:
        """What is held is so until its timer fires, and then, after a second gap, again."""
        missed = self._context.missed_until
        return track.held or (missed if missed is not None and missed > self._context.now else None)

    def wait(
        self, name: str, track: Track, waiting: Sequence[Due], held: datetime | None = None
    ) -> Generator[Outcome, None, Track]:
        """Sets the timer of what is due next, or comes in next. Returns the track with it."""
        moments = [(due.at, due.timer) for due in waiting]
        if held is not None:
            moments.append((held, TimerKind.ABSENCE))
            track = replace(track, held=held)
        if not moments:
            if track.due is not None:
                yield CancelTimer(self._subject, name)
            return replace(track, due=None)
        soonest, kind = min(moments)
        if track.due != soonest:
            yield SetTimer(self._subject, name, soonest, kind)
        return replace(track, due=soonest)

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
        track = self._tracks.pop(name, None)
        if track is None:
            return
        self._context.state.delete(TRACK, self._subject, name)
        if track.due is not None:
            yield CancelTimer(self._subject, name)
        if track.question is not None:
            yield CancelTimer(self._subject, f"{ASKED}{name}")

    def remember(self, name: str, track: Track) -> None:
        if track == self._tracks.get(name, _NONE):
            return
        if track == _NONE:
            del self._tracks[name]
            self._context.state.delete(TRACK, self._subject, name)
        else:
            self._tracks[name] = track
            self._context.state.put(TRACK, self._subject, track, name)

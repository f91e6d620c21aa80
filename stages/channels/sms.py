"""SMS: `POST /outbound/sms` (contract 3.2), one job for all people of the team, of at most three segments.

The important first, as much as there is room for, and the link last and whole. Numbers: OpenText names no form. Its
samples show `0034...` over REST and `+34...` over SOAP; we send E.164 as configured, since `+` means the same in every
country, and `opentext.sms_prefix` is there for an account that wants another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from schemas.configuration import OpenText, Team
from schemas.notifications import Notification
from stages.channels.gsm import Alphabet, alphabet_of, fold
from stages.channels.wording import Message, Story, message_of

#: An admin link has some 70; one that would leave no room for the message itself is left out.
_LINK = 130


def addresses(team: Team) -> Mapping[str, str]:
    return {person.name: person.phone for person in team.people if person.phone is not None}


def render(notification: Notification, team: Team, settings: OpenText) -> bytes:
    job = {
        "destinations": [
            {
                "sms": settings.sms_prefix + number.removeprefix("+"),
                "ref": f"{team.name}/{notification.message_id}/{name}",
            }
            for name, number in addresses(team).items()
        ],
        "sms_text": text_of(message_of(notification, team)),
        "options": {"message_id": notification.message_id},
    }
    return msgspec.json.encode(job)


def text_of(message: Message) -> str:
    link = message.stories[0].link if len(message.stories) == 1 else None
    link = link if link is not None and Alphabet.GSM.has(link) and Alphabet.GSM.length(link) <= _LINK else None
    head = fold(message.head)
    alphabet = alphabet_of(head)
    places = alphabet.value - (alphabet.length(link) + 1 if link else 0)
    text = alphabet.cut(head, places)
    for part in map(fold, _parts(message)):
        longer = f"{text}\n{part}"
        if alphabet.has(part) and alphabet.length(longer) <= places:
            text = longer
    return f"{text}\n{link}" if link else text


def _parts(message: Message) -> Iterator[str]:
    """Behind the head, the most important first: what does not fit is left out, what follows may still fit."""
    if len(message.stories) == 1:
        yield from _story(message.stories[0], message.notices)
        return
    yield from message.notices
    yield from (f"[{story.badge}] {story.title}" for story in message.stories)


def _story(story: Story, notices: Iterable[str]) -> Iterator[str]:
    if story.next_step:
        yield f"Do: {story.next_step}"
    yield story.standing
    yield from notices
    if story.unknown:
        yield f"Not known: {story.unknown}"
    yield from (f"{fact.label}: {fact.text}" for fact in story.facts)

"""SMS: `POST /outbound/sms`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.configuration import OpenText, Team
from schemas.notifications import Notification


def addresses(team: Team) -> Mapping[str, str]:
    return {person.name: person.phone for person in team.people if person.phone is not None}


def render(notification: Notification, team: Team, settings: OpenText) -> bytes:
    destinations = [
        {"sms": number, "ref": f"{team.name}/{notification.message_id}/{name}"}
        for name, number in addresses(team).items()
    ]
    text = " ".join(notification.alerts[0].title.split())[:300]
    return msgspec.json.encode(
        {"destinations": destinations, "sms_text": text, "options": {"message_id": notification.message_id}}
    )

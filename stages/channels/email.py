"""Email: `POST /outbound/emails`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import msgspec

from schemas.configuration import OpenText, Team
from schemas.notifications import Notification


def addresses(team: Team) -> Mapping[str, str]:
    return {person.name: person.email for person in team.people if person.email is not None}


def render(notification: Notification, team: Team, settings: OpenText) -> bytes:
    text = "\n".join(alert.title for alert in notification.alerts)
    subject = " ".join(text.split())[:150]
    options = {"message_id": notification.message_id, "email_options": {"subject": subject}}
    destinations = [
        {"email": address, "ref": f"{team.name}/{notification.message_id}/{name}"}
        for name, address in addresses(team).items()
    ]
    part = {"name": "content.txt", "type": "text", "charset": "UTF-8", "data": b64encode(text.encode()).decode()}
    return msgspec.json.encode({"destinations": destinations, "body": [part], "options": options})

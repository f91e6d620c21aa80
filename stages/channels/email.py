"""Email: `POST /outbound/emails` (contract 3.1), one job for all people of the team.

Plain text is what OpenText's own collections send. A second part of type `html` is documented for SOAP only, its name
over REST is a guess, so it stands behind `opentext.html_body`, which is off.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import msgspec

from schemas.configuration import OpenText, Team
from schemas.notifications import Notification
from stages.channels.templating import fill
from stages.channels.wording import message_of


def addresses(team: Team) -> Mapping[str, str]:
    return {person.name: person.email for person in team.people if person.email is not None}


def render(notification: Notification, team: Team, settings: OpenText) -> bytes:
    message = message_of(notification, team)
    body = [_part("content.txt", "text", fill("email.txt.j2", message))]
    if settings.html_body:
        body.append(_part("content.html", "html", fill("email.html.j2", message)))
    options = {"subject": message.subject}
    if settings.from_display_name is not None:
        options["from_display_name"] = settings.from_display_name
    job = {
        "destinations": [
            {"email": address, "ref": f"{team.name}/{notification.message_id}/{name}"}
            for name, address in addresses(team).items()
        ],
        "body": body,
        "options": {"message_id": notification.message_id, "email_options": options},
    }
    return msgspec.json.encode(job)


def _part(name: str, kind: str, text: str) -> dict[str, str]:
    return {"name": name, "type": kind, "charset": "UTF-8", "data": b64encode(text.encode()).decode()}

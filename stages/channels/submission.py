"""What a channel makes of a notification: one job for OpenText, ready to be posted."""

from __future__ import annotations

from msgspec import Struct


class Submission(Struct, frozen=True):
    """`resource` is the path segment under `/outbound` ("emails", "sms"), `body` the JSON to POST there."""

    resource: str
    body: bytes


class Unreachable(Exception):
    """Nobody of the team can be reached on that channel, or there is no such channel. Trying again does not help."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

"""When to stop rejecting: too many records in a row, or of the last ones, that failed for our own faults.

What is counted here lives as long as the task; a restart begins anew, and so gives the next build its chance.
"""

from __future__ import annotations

from collections import deque

from pipeline.state import StateError
from schemas.reasons import OWN_FAULTS, RejectReason

_IN_A_ROW = 50
_WINDOW = 1000
_SHARE = 0.2


class TooManyRejected(StateError):
    """Too many records were rejected for our own faults: draining the topic into the dead letters helps nobody."""


class Rejections:
    def __init__(self) -> None:
        self._ours: deque[bool] = deque(maxlen=_WINDOW)
        self._in_a_row = 0
        self._too_many: str | None = None

    def settled(self) -> None:
        self._ours.append(False)
        self._in_a_row = 0

    def rejected(self, reason: RejectReason) -> None:
        if reason not in OWN_FAULTS:
            self.settled()
            return
        self._ours.append(True)
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            self._too_many = f"{self._in_a_row} records in a row were rejected for our own faults, last: {reason.value}"
        elif len(self._ours) == _WINDOW and sum(self._ours) > _SHARE * _WINDOW:
            self._too_many = f"{sum(self._ours)} of the last {_WINDOW} records were rejected for our own faults"

    def check(self) -> None:
        """Raises TooManyRejected, before anything of the transaction that went too far is written."""
        if self._too_many is not None:
            raise TooManyRejected(self._too_many)

"""What a story is: it tells what happens, and it knows what must be told of it, from what had arrived by then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from schemas.alerts import Audience
from tests.scenarios.steps import Plot, Seen
from tests.scenarios.truth import Told

OPERATIONS = (Audience.OPERATIONS.value,)
FINANCE = (Audience.FINANCE.value,)
SERVICE = (Audience.CUSTOMER_SERVICE.value,)
RETURNS = (Audience.RETURNS.value,)


class Story(Protocol):
    """Made with a plot, from whose chance it draws what it is to be."""

    plot: Plot

    def tell(self) -> None:
        """Writes down what happens."""

    def expected(self, seen: Seen) -> Iterator[Told]:
        """Of the deliveries that had arrived, and of the world as it had answered by then."""

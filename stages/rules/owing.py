"""What is owed for a return: units that came back and were not paid for, line by line where the lines are known.

What was paid counts for what came first. A refund that names no return counts for its line, if it was made after the
return began: the customer has the money. What the units are worth is what Shopify says of their lines, before fees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

from schemas.facts.returns import ReturnLine
from schemas.money import Money
from stages.dossiers.dossier import Dossier
from stages.rules.refunded import Refund, refunds_of
from stages.rules.returned import Receipt, Returned

_NOTHING_OWED = frozenset({"canceled", "declined"})


@dataclass(frozen=True, slots=True)
class Owed:
    """`units` None: nobody counted what came back, or it was exchanged. `since`: when the first of it came back.

    `balance`: what the order's outstanding amount says, which is exact; `worth` only what Shopify says of the lines.
    """

    since: datetime
    units: int | None = None
    worth: Money | None = None
    balance: Money | None = None

    @property
    def says(self) -> str:
        counted = None if self.units is None else f"{self.units} unit{'' if self.units == 1 else 's'}"
        if self.balance is not None:
            return ", ".join(part for part in (counted, f"{self.balance} (the order's balance)") if part)
        worth = f" worth {self.worth}" if self.worth else ""
        return f"{counted or 'what came back'}{worth}"


def owed_of(dossier: Dossier, back: Returned) -> Owed | None:
    """None: nothing, as far as is known. Of an exchange only its order's balance says whether anything is."""
    if back.received_at is None or back.state in _NOTHING_OWED:
        return None
    balance = balance_of(dossier, back)
    by_lines = None if back.facts.exchanges else _by_lines(back, refunds_of(dossier))
    if balance is None or balance.amount >= 0:
        return by_lines
    owed = by_lines or Owed(back.received_at if back.facts.exchanges else _balance_since(dossier, back.received_at))
    return replace(owed, balance=Money(-balance.amount, balance.currency))


def _balance_since(dossier: Dossier, received: datetime) -> datetime:
    """What is paid for line by line may be owed again by what happened to the order since."""
    return max(received, dossier.since("balance", "owed") or received)


def balance_of(dossier: Dossier, back: Returned) -> Money | None:
    """The order's outstanding amount, read after the goods came and the last money moved. None: not read since."""
    after = max((at for at in (back.received_at, back.paid_at) if at is not None), default=None)
    read: list[tuple[datetime, Money]] = []
    order = dossier.order
    states = [known.stamp.updated for name in ("order", "order/answer") if (known := dossier.facts.get(name))]
    if order is not None and order.outstanding is not None:
        read.append((max(states), order.outstanding))
    for told in back.told.told if back.told else ():
        if told.value.outstanding is not None:
            read.append((told.stamp.occurred, told.value.outstanding))
    newest = max(read, key=lambda each: each[0], default=None)
    return newest[1] if newest and (after is None or newest[0] > after) else None


def order_owes(dossier: Dossier, returns: Sequence[Returned]) -> Owed | None:
    """What the order's balance owes without any return: of one that is under way its receipt is waited for, of one that
    arrived it is owed for that."""
    order, since = dossier.order, dossier.since("balance", "owed")
    if order is None or order.outstanding is None or order.outstanding.amount >= 0 or since is None:
        return None
    if any(back.received_at is not None or not back.is_over for back in returns):
        return None
    return Owed(since, balance=Money(-order.outstanding.amount, order.outstanding.currency))


def _by_lines(back: Returned, refunds: Sequence[Refund]) -> Owed | None:
    if back.received is None:
        received_at = back.received_at
        return Owed(received_at) if received_at is not None and back.paid_at is None else None
    left = _unpaid(back, [refund for refund in refunds if refund.is_linked and refund.return_id is None])
    if not left:
        return None
    return Owed(min(one.at for one in left), sum(one.units for one in left), _worth(left, back.answered))


def _unpaid(back: Returned, unlinked: Sequence[Refund]) -> Sequence[Receipt]:
    paid, lines = _paid(back, unlinked), {one.line for one in back.receipts}
    if None in lines or None in paid:
        total = max(sum(paid.values()), sum(line.refunded or 0 for line in back.answered))
        return _after(back.receipts, total)
    left: list[Receipt] = []
    for line in lines:
        came = [one for one in back.receipts if one.line == line]
        told = [each for each in back.answered if each.line == line]
        units = max(paid.get(line, 0), sum(each.refunded or 0 for each in told))
        left += () if _is_spent(told) else _after(came, units)
    return left


def _is_spent(told: Sequence[ReturnLine]) -> bool:
    """Shopify has nothing more to refund for what it has processed: it was paid for in another way."""
    return bool(told) and all(each.processed and each.refundable == 0 for each in told)


def _paid(back: Returned, unlinked: Sequence[Refund]) -> Mapping[int | None, int]:
    """Units for which money has moved, by the order's line."""
    found: dict[int | None, int] = defaultdict(int)
    for refund in back.paid:
        for each in refund.lines:
            found[each.line] += max(each.quantity, 0)
    own = {line.line for line in (*back.facts.lines, *back.answered)} - {None}
    for refund in unlinked:
        if refund.has_succeeded and refund.at > back.seen:
            for each in refund.lines:
                found[each.line] += max(each.quantity, 0) if each.line in own else 0
    return {line: units for line, units in found.items() if units}


def _after(receipts: Iterable[Receipt], paid: int) -> Sequence[Receipt]:
    left = []
    for one in receipts:
        covered = min(paid, one.units)
        paid -= covered
        if one.units > covered:
            left.append(Receipt(one.at, one.units - covered, one.line))
    return left


def _worth(left: Sequence[Receipt], lines: Sequence[ReturnLine]) -> Money | None:
    """None unless it is known of each line, in one currency."""
    each = {line.line: (line.worth, line.quantity) for line in lines if line.worth is not None and line.quantity}
    if any(one.line not in each for one in left) or len({worth.currency for worth, _ in each.values()}) != 1:
        return None
    currency = next(worth.currency for worth, _ in each.values())
    found = sum((each[one.line][0].amount * one.units / each[one.line][1] for one in left), Decimal())
    places = Decimal(1).scaleb(-get_currency_precision(currency))
    return Money(found.quantize(places, ROUND_HALF_UP), currency)

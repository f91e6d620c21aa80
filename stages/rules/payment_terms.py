"""What is known of an order's payment terms, by whichever topic or look told it: are there any, and what is due.

Only `payment_schedules/due` makes a date due. What has become of that date since (paid, moved, gone with its terms) the
terms' own topics, the order's bodies and looks tell as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from msgspec.structs import replace

from schemas.facts.orders import OrderFacts, Schedule, Terms
from schemas.facts.payments import PaymentScheduleFacts, PaymentTermsFacts
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import Known
from stages.dossiers.shelves import LOOK


def has_terms(dossier: Dossier) -> bool:
    """Known to be paid later."""
    return bool(_standing(dossier) or _due(dossier)) or _of_order(dossier) is not None


def knows_terms(dossier: Dossier) -> bool:
    """Known to be paid later, or known not to be."""
    order = dossier.order
    return has_terms(dossier) or (order is not None and "terms" not in order.absent)


def is_told(dossier: Dossier) -> bool:
    """The shop itself has told of the order: by a body, however short, or by an Event."""
    look = dossier.facts.get(LOOK)
    return "order" in dossier.facts or (look is not None and not look.kind.startswith("answer."))


def name_of(dossier: Dossier) -> str | None:
    own = _of_order(dossier)
    return (own.name if own else None) or next(
        (k.value.terms.name for k in _standing(dossier) if k.value.terms.name), None
    )


def told_due(dossier: Dossier) -> tuple[PaymentScheduleFacts, ...]:
    """Every date that was told to be due, as it is now."""
    return tuple(_now(dossier, known) for known in _due(dossier))


def _of_order(dossier: Dossier) -> Terms | None:
    """By the order's newest body or look that says; not where its terms were deleted since."""
    told = [known for known in _orders(dossier) if "terms" not in known.value.absent]
    newest = max(told, key=lambda known: known.stamp, default=None)
    if newest is None or any(known.value.deleted and known.stamp > newest.stamp for known in _terms(dossier)):
        return None
    return newest.value.terms


def _orders(dossier: Dossier) -> list[Known[OrderFacts]]:
    found = (dossier.facts.get(place) for place in ("order", "order/terms"))
    return [cast("Known[OrderFacts]", known) for known in found if known is not None]


def _terms(dossier: Dossier) -> list[Known[PaymentTermsFacts]]:
    return [*dossier.every(PaymentTermsFacts)]


def _standing(dossier: Dossier) -> list[Known[PaymentTermsFacts]]:
    return [known for known in _terms(dossier) if not known.value.deleted]


def _due(dossier: Dossier) -> list[Known[PaymentScheduleFacts]]:
    gone = {known.value.id for known in _terms(dossier) if known.value.deleted}
    return [known for known in dossier.every(PaymentScheduleFacts) if known.value.terms_id not in gone]


def _now(dossier: Dossier, due: Known[PaymentScheduleFacts]) -> PaymentScheduleFacts:
    """With what was told of it since, and settled where it is not among its terms' dates any more."""
    facts = due.value
    for known in sorted(_listed(dossier), key=lambda known: known.stamp.occurred):
        if known.stamp.occurred <= due.stamp.occurred:
            continue
        same = [each for each in known.value if _is_same(each, facts)]
        if same:
            facts = replace(facts, completed=same[0].completed, balance=same[0].balance or facts.balance)
        elif all(each.id is not None for each in known.value):
            facts = replace(facts, completed=facts.completed or known.stamp.occurred)
    return facts


def _listed(dossier: Dossier) -> Iterator[Known[tuple[Schedule, ...]]]:
    """All dates of the terms, each time that they were told."""
    for known in _standing(dossier):
        yield Known(known.stamp, known.kind, known.value.terms.schedules)
    for one in _orders(dossier):
        if one.value.terms is not None and one.value.terms.schedules:
            yield Known(one.stamp, one.kind, one.value.terms.schedules)


def _is_same(schedule: Schedule, due: PaymentScheduleFacts) -> bool:
    return schedule.id == due.id if schedule.id is not None else schedule.due is not None and schedule.due == due.due

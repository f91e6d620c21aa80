"""Use case 1: orders that cannot be shipped to the address they have.

Three things tell: Shopify's verdict, a part that the address lacks though its key is there, and another app's hold. A
verdict that is null says nothing, and is asked for once more; where Shopify is silent then, again, and again when the
address is changed. What is picked up, or sold in a shop, goes nowhere. While nobody tells how an order is delivered
(it is not routed yet, or we may not see it), what needs shipping counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from schemas.alerts import Audience, Severity
from schemas.facts.orders import OrderFacts
from schemas.questions import QuestionKind
from stages.dossiers.dossier import Dossier
from stages.dossiers.merging import lacking
from stages.dossiers.registers import Known
from stages.rules.order_wording import (
    ORDER,
    called,
    created,
    delayed,
    for_operations,
    foreign_holds,
    held_since,
    link,
    over,
    unknown_to_operations,
)
from stages.rules.rule import Again, Case, Clear, Fire, Said, Verdict, details
from stages.rules.words import plain

T = TypeVar("T")
_PASSED = "no_issues"
_VERDICTS = {"error": Severity.WARNING, "warning": Severity.INFO}
#: How a fulfillment order goes to an address, or near it (`DeliveryMethodType`).
_SHIPPED_BY = frozenset({"shipping", "local", "pickup_point"})
_ANSWER = f"answer.{QuestionKind.ADDRESS}"
#: By how many times the first wait; by default, after five hours and a half Shopify is left alone.
_KEYS = {wait: "asked-again" if wait == 1 else f"asked-again/{wait}" for wait in (1, 2, 4, 8, 16, 32)}
_HELD = "incorrect_address"
#: Countries without postal codes, or where most addresses have none.
_WITHOUT_ZIP = (
    "AE AG AO AW BF BI BJ BO BQ BS BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GQ GY HK IE JM KI KM KN KP LC ML "
    "MO MR MW NA NR NU PA QA RW SB SC SL SR ST SX SY TD TF TG TK TL TO TT TV UG VU WS YE ZW"
)


@dataclass(frozen=True, slots=True)
class Problem:
    severity: Severity
    words: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OrderAddressInvalid:
    name: str = "order-address-invalid"
    use_case: int = 1
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        if not case.configuration.rules.orders.address_invalid:
            return
        because = over(case.dossier)
        if because is None and not _is_held(case):
            because = goes_nowhere(case.dossier)
        if because is not None:
            yield from (Clear(because, key) for key in ("", *_KEYS.values()))
            return
        order = case.dossier.order
        yield from _judged(case, order)
        yield from _asked_again(case, order)


def goes_nowhere(dossier: Dossier) -> str | None:
    """Why nobody needs its address; None where somebody does, or nothing tells."""
    order, routed = dossier.order, dossier.to_ship.value if dossier.to_ship else None
    if routed is None or (routed and any(each.method is None for each in routed)):
        is_digital = order is not None and order.requires_shipping is False
        return "nothing of the order is shipped" if is_digital else None
    methods = {each.method for each in routed if each.method}
    if not methods.isdisjoint(_SHIPPED_BY):
        return None
    return f"nothing of the order is shipped ({', '.join(sorted(map(plain, methods))) or 'nothing of it is open'})"


def _is_held(case: Case) -> bool:
    return any(hold.reason == _HELD for hold in foreign_holds(case.dossier))


def _judged(case: Case, order: OrderFacts | None) -> Iterator[Verdict]:
    problems = tuple(_problems(case, order))
    if problems:
        said = _said(case, problems)
        yield Fire(said)
        yield from delayed(case, said, ask=QuestionKind.ORDER if _is_held(case) else QuestionKind.ADDRESS)
    elif _passes(case, order):
        yield Clear(_what_passes(case))


def _problems(case: Case, order: OrderFacts | None) -> Iterator[Problem]:
    for hold in foreign_holds(case.dossier):
        if hold.reason == _HELD:
            yield Problem(Severity.WARNING, "held by another app for its address", held_since(case, hold))
    if order is None or not _ships(case.dossier, order):
        return
    if missing := _missing(order):
        yield Problem(Severity.WARNING, f"without {', '.join(missing)}", _lacking_since(case, order))
    verdict = _verdict(case.dossier)
    if verdict in _VERDICTS:
        since = case.dossier.since("address", *_VERDICTS) or case.now
        yield Problem(_VERDICTS[verdict], f"Shopify's validation says {verdict}", since)


def _verdict(dossier: Dossier) -> str:
    """The newest that says something: one that is null, or a word of tomorrow, takes none back."""
    seen = {word: span.last for word, span in dossier.spans.get("address", {}).items() if word in (*_VERDICTS, _PASSED)}
    return max(seen, key=lambda word: (seen[word], word), default="")


def _ships(dossier: Dossier, order: OrderFacts) -> bool:
    """Some words of Shopify's say so: of a fulfillment order how it goes, or of a line that it needs shipping."""
    if goes_nowhere(dossier) is not None:
        return False
    methods = {each.method for each in dossier.to_ship.value} if dossier.to_ship else set()
    return order.requires_shipping is True or not methods.isdisjoint(_SHIPPED_BY)


def _missing(order: OrderFacts) -> tuple[str, ...]:
    """Only what the body has a key for: personal data is dropped by dropping its keys."""
    address = order.address
    if address is None or (address.has_address1 is None and address.has_city is None and address.has_zip is None):
        return ()
    needs_zip = address.country is not None and address.country.upper() not in _WITHOUT_ZIP.split()
    parts = tuple(part for part in lacking(address) if part != "zip" or needs_zip)
    return (*parts, "country") if address.has_country is False else parts


def _lacking_since(case: Case, order: OrderFacts) -> datetime:
    words = [word for word in case.dossier.spans.get("address-parts", {}) if word != "whole"]
    return case.dossier.since("address-parts", *words) or created(order) or case.now


def _passes(case: Case, order: OrderFacts | None) -> bool:
    """Of all that was ever told, nothing speaks against it: a verdict that was never given has opened nothing.

    One that is null by now takes back no earlier one.
    """
    if order is None:
        return case.dossier.open_holds is not None
    if _verdict(case.dossier) == _PASSED:
        return True
    address = order.address
    knows_parts = address is not None and None not in (address.has_address1, address.has_city)
    return knows_parts and case.dossier.since("address", *_VERDICTS) is None


def _what_passes(case: Case) -> str:
    is_validated = _verdict(case.dossier) == _PASSED
    return "the address is valid now" if is_validated else "nothing that is known speaks against the address any more"


def _asked_again(case: Case, order: OrderFacts | None) -> Iterator[Verdict]:
    if order is None or not _ships(case.dossier, order) or (order.address is None and "address" not in order.absent):
        return
    began = _changed(case.dossier, order) or created(order)
    if began is None:
        return
    verdict = _since(began, case.dossier.address_verdict)
    unknown = _since(began, case.dossier.incomplete.get("address_verdict"))
    if verdict is not None:
        yield from (Clear("Shopify has answered", key) for key in _KEYS.values())
    elif unknown is None or not unknown.value or unknown.kind == _ANSWER:
        after = case.configuration.rules.orders.address_asked_again_after
        wait = _next_wait(unknown.stamp.occurred - began if unknown else timedelta(0), after)
        yield Again(began + wait * after, _KEYS[wait], QuestionKind.ADDRESS)


def _changed(dossier: Dossier, order: OrderFacts) -> datetime | None:
    """When the address became what it is now; None where it was never seen to be another one."""
    edition, seen = order.address.edition if order.address else None, dossier.spans.get("address-edition", {})
    return dossier.since("address-edition", str(edition)) if len(seen) > 1 else None


def _since(began: datetime, known: Known[T] | None) -> Known[T] | None:
    """What was said of an earlier address is nothing about this one."""
    return None if known is None or known.stamp.occurred < began else known


def _next_wait(so_far: timedelta, after: timedelta) -> int:
    """A question that was not answered is put again, each time after twice as long; in the end no more.

    The first one is put however late: that it was put already is remembered with its key.
    """
    return next((wait for wait in _KEYS if wait * after > so_far), 1)


def _said(case: Case, problems: tuple[Problem, ...]) -> Said:
    order = case.dossier.order
    address = order.address if order else None
    worst = max((problem.severity for problem in problems), key=lambda severity: severity.rank)
    how = "may not arrive" if worst is Severity.INFO else "cannot be shipped"
    return Said(
        title=f"{called(case)} {how} as addressed: {', '.join(problem.words for problem in problems)}",
        since=min(problem.since for problem in problems),
        severity=worst,
        audiences=(Audience.OPERATIONS,),
        details=(
            *details(
                country=address.country if address else None,
                shipping=", ".join(order.shipping_methods) if order else None,
            ),
            *for_operations(case),
        ),
        next_step="Ask the customer for the right address and correct it in the admin before the order is shipped.",
        link=link(case),
        unknown=(
            *case.unknown(address_verdict="what Shopify's own validation of the address says"),
            *unknown_to_operations(case),
        ),
    )

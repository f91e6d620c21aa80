"""Use case 1: orders that cannot be shipped to the address they have.

Three things tell: Shopify's verdict, a part that the address lacks though its key is there, and another app's hold. A
verdict that is null says nothing, and is asked for once more; where Shopify is silent then, again. Not promised: how an
order ships (pickup points, local delivery) is not told by a webhook; what needs shipping counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.alerts import Audience, Severity
from schemas.facts import OrderFacts
from schemas.questions import QuestionKind
from stages.dossiers.merging import lacking
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
)
from stages.rules.rule import Again, Case, Clear, Fire, Said, Verdict, details

_VERDICTS = {"error": Severity.WARNING, "warning": Severity.INFO}
_ANSWER = f"answer.{QuestionKind.ADDRESS}"
#: By how many times the first wait; by default, after five hours and a half Shopify is left alone.
_KEYS = {wait: "asked-again" if wait == 1 else f"asked-again/{wait}" for wait in (1, 2, 4, 8, 16, 32)}
_HELD = "incorrect_address"
#: Countries without postal codes, or where most addresses have none.
_WITHOUT_ZIP = (
    "AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GQ GY HK IE JM KI KM KN KP LC ML MO MR "
    "MW NA NR NU PA QA RW SB SC SL SR ST SY TD TF TG TK TL TO TT TV UG VU WS YE ZW"
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
        order = case.dossier.order
        because = over(case.dossier)
        if because is None and order is not None and order.requires_shipping is False:
            because = "nothing of the order is shipped"
        if because is not None:
            yield from (Clear(because, key) for key in ("", *_KEYS.values()))
            return
        yield from _judged(case, order)
        yield from _asked_again(case, order)


def _judged(case: Case, order: OrderFacts | None) -> Iterator[Verdict]:
    problems = tuple(_problems(case, order))
    if problems:
        said = _said(case, problems)
        yield Fire(said)
        is_held = any(hold.reason == _HELD for hold in foreign_holds(case.dossier))
        yield from delayed(case, said, ask=QuestionKind.ORDER if is_held else QuestionKind.ADDRESS)
    elif _passes(case, order):
        yield Clear(_what_passes(case))


def _problems(case: Case, order: OrderFacts | None) -> Iterator[Problem]:
    for hold in foreign_holds(case.dossier):
        if hold.reason == _HELD:
            yield Problem(Severity.WARNING, "held by another app for its address", held_since(case, hold))
    if order is None or not order.requires_shipping:
        return
    if missing := _missing(order):
        yield Problem(Severity.WARNING, f"without {', '.join(missing)}", _lacking_since(case, order))
    verdict = case.dossier.address_verdict
    if verdict is not None and verdict.value in _VERDICTS:
        since = case.dossier.since("address", *_VERDICTS) or verdict.stamp.occurred
        yield Problem(_VERDICTS[verdict.value], f"Shopify's validation says {verdict.value}", since)


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
    verdict = case.dossier.address_verdict
    if verdict is not None and verdict.value == "no_issues":
        return True
    address = order.address
    knows_parts = address is not None and None not in (address.has_address1, address.has_city)
    return knows_parts and case.dossier.since("address", *_VERDICTS) is None


def _what_passes(case: Case) -> str:
    verdict = case.dossier.address_verdict
    is_validated = verdict is not None and verdict.value == "no_issues"
    return "the address is valid now" if is_validated else "nothing that is known speaks against the address any more"


def _asked_again(case: Case, order: OrderFacts | None) -> Iterator[Verdict]:
    verdict, began = case.dossier.address_verdict, created(order) if order else None
    wanted = order is not None and order.requires_shipping and order.address is not None
    if not wanted or began is None:
        return
    unknown = case.dossier.incomplete.get("address_verdict")
    if verdict is not None:
        yield from (Clear("Shopify has answered", key) for key in _KEYS.values())
    elif unknown is None or not unknown.value or unknown.kind == _ANSWER:
        after = case.configuration.rules.orders.address_asked_again_after
        wait = _next_wait(unknown.stamp.occurred - began if unknown else timedelta(0), after)
        yield Again(began + wait * after, _KEYS[wait], QuestionKind.ADDRESS)


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
        unknown=case.unknown(address_verdict="what Shopify's own validation of the address says"),
    )

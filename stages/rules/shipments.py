"""Use case 2: parcels in trouble, and parcels of which nobody hears any more.

A failure ends by an arrival, a replacement, or after two weeks without news; a failed attempt or a delay also by the
parcel's next step. A word of a carrier that nobody knows yet is shown as it is, never guessed. Not promised: carriers
that send no events are never in trouble here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas.alerts import Audience, Severity
from schemas.questions import QuestionKind
from stages.rules.fulfillments import TO
from stages.rules.order_wording import ORDER, called, cancelled, for_operations, over
from stages.rules.parcels import (
    ARRIVED,
    FAILED,
    FORWARD,
    LABELS,
    MILD,
    READY,
    Parcel,
    Scan,
    for_support,
    of_order,
    parcels,
    replacement,
    ships,
    title,
    unknown_of,
)
from stages.rules.partial_words import shipped_by
from stages.rules.rule import Again, Case, Clear, Due, Fire, Said, Verdict, details
from stages.rules.services import REFUSALS, REJECTED, SHIPS_ANYWAY, Word, answers
from stages.rules.words import moment, order_link, plain, spell

_MILD = {"attempted_delivery": "a delivery was attempted, nobody took it", "delayed": "the carrier reports a delay"}


@dataclass(frozen=True, slots=True)
class Trouble:
    severity: Severity
    words: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ShipmentException:
    name: str = "shipment-exception"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        for parcel in parcels(case.dossier):
            yield from _of_parcel(case, parcel)
        yield from _of_requests(case)


def _of_parcel(case: Case, parcel: Parcel) -> Iterator[Verdict]:
    key = str(parcel.id)
    if parcel.status == "cancelled":
        yield from _cancelled(case, parcel)
        return
    trouble = max(_troubles(parcel), key=lambda found: (found.severity.rank, found.since), default=None)
    if trouble is None:
        yield from _closed(_what_ended(parcel), key)
    elif (other := replacement(parcel, parcels(case.dossier), trouble.since)) is not None:
        name = other.state.name if other.state and other.state.name else other.id
        yield from _closed(f"a replacement was shipped ({name})", key)
    else:
        yield from _while_news(case, Fire(_said(case, parcel, trouble), key), trouble.since)


def _while_news(case: Case, verdict: Fire | Due, since: datetime) -> Iterator[Verdict]:
    """After two weeks it is closed: whatever became of it, nobody tells."""
    lasts = case.configuration.rules.fulfillment.no_further_news_after
    if case.now >= since + lasts:
        yield from _closed(f"no further news for {spell(lasts)}", verdict.key)
    else:
        yield verdict
        yield Again(since + lasts, f"{verdict.key}/news")


def _closed(because: str, key: str) -> Iterator[Clear]:
    """And news of it are not waited for any more."""
    yield from (Clear(because, key), Clear(because, f"{key}/news"))


def _troubles(parcel: Parcel) -> Iterator[Trouble]:
    arrived = parcel.newest(ARRIVED)
    failed, mild = parcel.newest(FAILED), _newest_mild(parcel)
    onward = parcel.newest(FORWARD | ARRIVED | {READY})
    if failed is not None and (arrived is None or arrived < failed):
        words = "could not be delivered" if failed.status == "not_delivered" else "the carrier reports a failure"
        yield Trouble(Severity.CRITICAL, words, failed.at)
    if mild is not None and (onward is None or onward < mild):
        yield Trouble(Severity.WARNING, _MILD.get(mild.status, f"the carrier says {mild.status!r}"), mild.at)
    state = parcel.state
    since = state.updated or state.created if state else None
    if since is not None and arrived is None and parcel.status in ("error", "failure"):
        yield Trouble(Severity.CRITICAL, f"its fulfillment ended in {parcel.status}", since)
    if since is not None and arrived is None and parcel.has_unknown_status:
        yield Trouble(Severity.WARNING, f"its fulfillment is {parcel.status!r}, a word that is not known", since)


def _newest_mild(parcel: Parcel) -> Scan | None:
    return next((scan for scan in reversed(parcel.scans) if scan.status in MILD or scan.is_unknown), None)


def _what_ended(parcel: Parcel) -> str:
    last = parcel.scans[-1] if parcel.scans else None
    return f"the parcel went on: {plain(last.status)}, {moment(last.at)}" if last else "no trouble is known"


def _cancelled(case: Case, parcel: Parcel) -> Iterator[Verdict]:
    """A fulfillment that was taken back is news only if nothing takes its place."""
    key, state = str(parcel.id), parcel.state
    since = state.updated or state.created if state else None
    if state is None or since is None:
        return
    arrived = parcel.newest(ARRIVED)
    if because := _over_since(case, since):
        yield from _closed(because, key)
    elif replacement(parcel, parcels(case.dossier), state.created or since):
        yield from _closed("a replacement was shipped", key)
    elif arrived is not None and arrived.at >= since:
        yield from _closed("it has arrived all the same", key)
    else:
        trouble = Trouble(Severity.WARNING, "its fulfillment was cancelled, and nothing took its place", since)
        said = replace(
            _said(case, parcel, trouble), next_step="Find out why it was cancelled, and ship its items again."
        )
        at = since + case.configuration.rules.fulfillment.replaced_within
        yield from _while_news(case, Due(said, at, key, ask=QuestionKind.PARCELS), since)


def _over_since(case: Case, since: datetime) -> str | None:
    """A word of before, that all of it is shipped, has not known of it."""
    order = case.dossier.order
    is_newer = order is not None and order.updated is not None and order.updated >= since
    return cancelled(case.dossier) or (over(case.dossier) if is_newer else None)


def _said(case: Case, parcel: Parcel, trouble: Trouble) -> Said:
    return Said(
        title=title(case, parcel, trouble.words),
        since=trouble.since,
        severity=trouble.severity,
        audiences=TO,
        details=(*for_support(case, parcel), *of_order(case)),
        next_step="Ask the carrier what happened, and tell the customer before the customer asks.",
        link=order_link(case),
        unknown=unknown_of(parcel),
    )


# --- fulfillment services ---------------------------------------------------------------------------------------------

_SHIP_ELSEWHERE = "Ask the fulfillment service what is wrong, or ship it from another location."
_STOP_IT = "Ask the fulfillment service to stop the parcel, or tell the customer what to do when it arrives."


def _of_requests(case: Case) -> Iterator[Verdict]:
    for name, word in answers(case.dossier).items():
        yield from _of_request(case, name, word)


def _of_request(case: Case, key: str, word: Word) -> Iterator[Verdict]:
    is_cancelled = cancelled(case.dossier)
    if word.refusal is None:
        yield from _closed("the fulfillment service went on with it", key)
    elif word.refusal == SHIPS_ANYWAY:
        if is_cancelled:
            yield from _while_news(case, Fire(_refused(case, word), key), word.since)
    elif because := _over_since(case, word.since) or _shipped_since(case, word.since):
        yield from _closed(because, key)
    else:
        yield from _while_news(case, Fire(_refused(case, word), key), word.since)


def _shipped_since(case: Case, since: datetime) -> str | None:
    states = [parcel.state for parcel in parcels(case.dossier) if parcel.state and parcel.status == "success"]
    later = [state for state in states if state.created is not None and state.created >= since]
    return "it was shipped after all" if later else None


def _refused(case: Case, word: Word) -> Said:
    return Said(
        title=f"{called(case)}: {REFUSALS[word.refusal or REJECTED]}",
        since=word.since,
        severity=Severity.CRITICAL,
        audiences=TO,
        details=(*details(message=word.message, shipped_by=shipped_by(case)), *for_operations(case)),
        next_step=_STOP_IT if word.refusal == SHIPS_ANYWAY else _SHIP_ELSEWHERE,
        link=order_link(case),
        unknown=_unknown_of_request(case),
    )


def _unknown_of_request(case: Case) -> tuple[str, ...]:
    if any(parcel.status != "cancelled" for parcel in parcels(case.dossier)):
        return ("whether this is in one of its parcels",)
    return ("carrier, tracking number and promised date: no parcel of the order is known",)


# --- silence ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShipmentStalled:
    """A carrier that has spoken once and then no more, one that is past its own promise, a label never scanned.

    What lies ready for pickup waits for its customer, and no carrier has it.
    """

    name: str = "shipment-stalled"
    use_case: int = 2
    watches: frozenset[str] = ORDER

    def judge(self, case: Case) -> Iterator[Verdict]:
        for parcel in parcels(case.dossier):
            key, scans = str(parcel.id), parcel.carrier_scans
            if parcel.newest(ARRIVED | FAILED) or parcel.status in ("cancelled", "error", "failure"):
                yield Clear("the carrier has told what became of it", key)
            elif scans:
                yield Clear("the carrier has told of it again", key)
                if scans[-1].status != READY:
                    yield from _silent(case, parcel, scans[-1])
            elif ships(case, parcel):
                yield from _never_scanned(case, parcel)
                yield from _past_promise(case, parcel, None)


def _silent(case: Case, parcel: Parcel, last: Scan) -> Iterator[Due]:
    rules = case.configuration.rules.fulfillment
    lasts = rules.stalled_abroad_after if _is_abroad(case, parcel) else rules.stalled_after
    words = f"no news from the carrier since {moment(last.at)}"
    at = case.after(last.at, lasts, Audience.CUSTOMER_SERVICE)
    said = _said(case, parcel, Trouble(Severity.WARNING, words, last.at))
    yield Due(said, at, str(parcel.id), ask=QuestionKind.PARCELS)
    yield from _past_promise(case, parcel, last)


def _past_promise(case: Case, parcel: Parcel, last: Scan | None) -> Iterator[Due]:
    promised, waited = parcel.promised, case.configuration.rules.fulfillment.late_after_estimate
    if promised is None or (last is not None and last.at > promised + waited):
        return
    trouble = Trouble(Severity.WARNING, f"it was promised for {moment(promised)} and has not arrived", promised)
    yield Due(_said(case, parcel, trouble), promised + waited, str(parcel.id), ask=QuestionKind.PARCELS)


_CODE = len("US")


def _is_abroad(case: Case, parcel: Parcel) -> bool:
    """It has been seen in a country that is not where it goes, or in several; by codes, which no language changes."""
    order = case.dossier.order
    countries = {scan.country.upper() for scan in parcel.scans if scan.country and len(scan.country) == _CODE}
    if order is not None and order.address is not None and order.address.country and countries:
        countries.add(order.address.country.upper())
    return len(countries) > 1


def _never_scanned(case: Case, parcel: Parcel) -> Iterator[Verdict]:
    rules, label, state = case.configuration.rules.fulfillment, parcel.first(LABELS), parcel.state
    scanning = {carrier.lower() for carrier in rules.scanning_carriers}
    if label is None or state is None or (state.carrier or "").lower() not in scanning:
        return
    words = f"its label was made on {moment(label.at)}, and the carrier has never scanned it"
    said = _said(case, parcel, Trouble(Severity.WARNING, words, label.at))
    at = case.after(label.at, rules.unscanned_label_after, Audience.CUSTOMER_SERVICE)
    yield Due(said, at, str(parcel.id), ask=QuestionKind.PARCELS)

"""A day in a store: many stories of all seven use cases, told at once, and judged against what they know to be true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from schemas.configuration import Configuration
from tests.scenarios.chain import Chain
from tests.scenarios.company import SHOP, own_shop
from tests.scenarios.shops import Shops
from tests.scenarios.steps import NEVER, NO_GAP, Gap, Plot, Seen, Step, Webhook
from tests.scenarios.stories.approvals import Drafted, ForCompany, Large
from tests.scenarios.stories.attempts import Hammered, ProviderFails
from tests.scenarios.stories.events import HeldByEvents, OnlyEvents
from tests.scenarios.stories.holds import CrossSell, Held
from tests.scenarios.stories.nots import Imported, InOrder, OnlyATest, Ordinary, TriedOut
from tests.scenarios.stories.operations import (
    BulkFails,
    FallsSilent,
    JobFails,
    JobGoesQuiet,
    JobRuns,
    Locked,
    PrivacyAsked,
    ScopesLost,
    Uninstalled,
)
from tests.scenarios.stories.orders import (
    BadAddress,
    Lacking,
    LateRisk,
    OnTerms,
    Pending,
    Risky,
    ShippedAtRisk,
    Voided,
)
from tests.scenarios.stories.parcels import InParts, OneOfTwo, Refused, ScanLost, Shipped, TakenBack
from tests.scenarios.stories.payments import Declined, Left, OneCard
from tests.scenarios.stories.refunds import PaidInParts, Undecided
from tests.scenarios.stories.return_events import SentBackByEvents
from tests.scenarios.stories.returns import Disputed, RefundFails, SentBack
from tests.scenarios.stories.routing import Elsewhere, Prepared, ShipsAnyway
from tests.scenarios.stories.selling import Popular
from tests.scenarios.stories.silences import Lost, RestWaits, Stalled
from tests.scenarios.stories.slow_returns import DisputedForDays, RefundUnderWay, SentBackSlowly
from tests.scenarios.stories.stock import Counted, FirstSight, Shelved, SoldOut
from tests.scenarios.stories.storefront import Closed, DomainGone, Published, Unpaid, Unsecured
from tests.scenarios.stories.story import Story
from tests.scenarios.stories.waits import Authorized, ByTransfer, Neglected, OnDelivery, Overdue
from tests.scenarios.truth import Told, found
from tests.scenarios.way import Way

#: A Tuesday.
START = datetime(2026, 11, 3, 0, 0, tzinfo=UTC)
LENGTH = timedelta(hours=24)
#: What begins later is hardly told to its end.
_BEGIN_WITHIN = 2 / 3

Kind = Callable[[Plot], Story]
STORIES: Sequence[Kind] = (
    Pending,
    Voided,
    Risky,
    LateRisk,
    ShippedAtRisk,
    BadAddress,
    Lacking,
    OnTerms,
    OnlyEvents,
    Held,
    CrossSell,
    Shipped,
    Shipped,
    ScanLost,
    TakenBack,
    OneOfTwo,
    Refused,
    InParts,
    Counted,
    Counted,
    SoldOut,
    Declined,
    Declined,
    OneCard,
    Hammered,
    Left,
    Left,
    Large,
    Drafted,
    ForCompany,
    SentBack,
    SentBack,
    SentBackByEvents,
    RefundFails,
    Disputed,
    JobFails,
    JobRuns,
    JobGoesQuiet,
    PrivacyAsked,
    OnlyATest,
    Imported,
    TriedOut,
    Ordinary,
    Ordinary,
    InOrder,
    InOrder,
    FirstSight,
    HeldByEvents,
    Prepared,
    ShipsAnyway,
    Elsewhere,
    Shelved,
)
#: Stories about a shop as a whole.
OWN: Sequence[Kind] = (
    ScopesLost,
    Locked,
    BulkFails,
    Uninstalled,
    ProviderFails,
    Unsecured,
    DomainGone,
    Published,
    Unpaid,
    Closed,
)


#: What takes longer than a day. New York's clocks go back on the first Sunday.
SLOW: Sequence[Kind] = (
    ByTransfer,
    OnDelivery,
    Authorized,
    Overdue,
    Neglected,
    Stalled,
    RestWaits,
    Lost,
    Undecided,
    PaidInParts,
    Popular,
    SentBackSlowly,
    RefundUnderWay,
    DisputedForDays,
)
WEEKS_START, WEEKS = datetime(2026, 10, 28, 0, 0, tzinfo=UTC), timedelta(days=36)


@dataclass(frozen=True)
class Day:
    """`steps` as they happened; a way makes of them what arrives."""

    whole: Configuration
    start: datetime
    stories: Sequence[Story]
    steps: Sequence[Step]
    length: timedelta = LENGTH

    @property
    def end(self) -> datetime:
        return self.start + self.length


def day(
    seed: int,
    whole: Configuration,
    each: int,
    start: datetime = START,
    told: Sequence[Kind] = (*STORIES, *OWN),
    length: timedelta = LENGTH,
) -> Day:
    """`each` of every story that is told."""
    chance, stories, last = Random(seed), list[Story](), round(length.total_seconds() * _BEGIN_WITHIN)
    kinds = [kind for kind in told for _ in range(each)]
    for index, kind in enumerate(kinds):
        begin = start + timedelta(seconds=chance.randrange(last))
        shop = own_shop(index) if kind in (*OWN, FallsSilent) else SHOP
        stories.append(kind(Plot(index, begin, Random(f"{seed}/{index}"), whole, shop)))
    for story in stories:
        story.tell()
    steps = [step for story in stories for step in story.plot.steps]
    return Day(whole, start, stories, sorted(steps, key=lambda step: step.at), length)


def weeks(seed: int, whole: Configuration, each: int) -> Day:
    """A month of what takes its time, over weekends, holidays and a change of the clocks."""
    return day(seed, whole, each, WEEKS_START, SLOW, WEEKS)


def silence(seed: int, whole: Configuration) -> Day:
    """As long as it takes to know how often something happens, and that it does not any more."""
    return day(seed, whole, 1, START, (FallsSilent,), timedelta(days=50))


def played(it: Day, shops: Shops, steps: Sequence[Step], gap: Gap = NO_GAP) -> Chain:
    chain = Chain(it.whole, shops, it.start, gap)
    chain.play(steps, it.end)
    return chain


def expected(it: Day, steps: Sequence[Step]) -> list[Told]:
    arrivals = [dict[str, datetime]() for _ in it.stories]
    for step in steps:
        if isinstance(step.act, Webhook) and step.at < it.end:
            known = arrivals[step.act.story].get(step.act.label)
            arrivals[step.act.story][step.act.label] = step.at if known is None else min(known, step.at)
    told = [one for story, seen in zip(it.stories, arrivals, strict=True) for one in story.expected(Seen(seen, it.end))]
    return sorted(one for one in told if one.opened < it.end)


def differences(it: Day, steps: Sequence[Step], chain: Chain) -> Mapping[str, list[Told]]:
    """What was expected and not told, and what was told and not expected; empty where all is right."""
    wanted, told = expected(it, steps), sorted(found(chain.alerts))
    return {
        name: left
        for name, left in {"missing": _without(wanted, told), "too much": _without(told, wanted)}.items()
        if left
    }


def _without(these: Sequence[Told], those: Sequence[Told]) -> list[Told]:
    left = list(those)
    return [one for one in these if one not in left or left.remove(one)]  # type: ignore[func-returns-value]


def arriving(it: Day, way: Way, seed: int) -> list[Step]:
    return sorted(way(it.steps, Random(seed)), key=lambda step: step.at)


# --- where Shopify does not always answer ---------------------------------------------------------------------------

#: What is looked up is waited for, and so is the answer to what is asked then; and a second for every second try.
PATIENCE = timedelta(seconds=62)


def misses(it: Day, steps: Sequence[Step], chain: Chain) -> list[Told]:
    """What was expected and not told as such within the patience."""
    left = list(found(chain.alerts))
    missing = []
    for wanted in expected(it, steps):
        same = [one for one in left if _is_late(one, wanted)]
        if same:
            left.remove(same[0])
        elif wanted.opened + PATIENCE < it.end:
            missing.append(wanted)
    return missing


def falsely_told(it: Day, steps: Sequence[Step], chain: Chain) -> list[Told]:
    """What was told and not expected, and did not say that it is not confirmed."""
    wanted, doubts = expected(it, steps), doubted(chain)
    return [
        one
        for one in found(chain.alerts)
        if not any(_is_late(one, each) for each in wanted) and (one.rule, one.subject) not in doubts
    ]


#: How a message says that it may be wrong.
_DOUBTS = ("not confirmed", "whether it needs approval")


def doubted(chain: Chain) -> set[tuple[str, str]]:
    """Rule and subject of what was told as not confirmed, and of what then tells that it has come right."""
    doubtful = [alert for _, alert in chain.alerts if any(words.startswith(_DOUBTS) for words in alert.unknown)]
    recovered = {("payment-recovered", alert.subject) for alert in doubtful if alert.use_case == 4}
    return {(alert.rule, alert.subject) for alert in doubtful} | recovered


def told_of(told: Iterable[Told]) -> set[tuple[str, str]]:
    return {(one.rule, one.subject) for one in told}


def _is_late(one: Told, wanted: Told) -> bool:
    is_same = (one.rule, one.subject, one.teams) == (wanted.rule, wanted.subject, wanted.teams)
    ends = (one.ended or NEVER), (wanted.ended or NEVER)
    return (
        is_same
        and wanted.opened <= one.opened <= wanted.opened + PATIENCE
        and _worst(one) == _worst(wanted)
        and (ends[0] == ends[1] or ends[1] <= ends[0] <= ends[1] + PATIENCE)
    )


def _worst(one: Told) -> int:
    return max(severity.rank for severity in (one.severity, *(severity for _, severity in one.worse)))

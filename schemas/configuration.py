"""The configuration file, as types: one shop and one team are a complete file, everything else has a default.

Decoded strictly (`pipeline.settings`): unknown keys, wrong types and dangling names are errors that name the path.
Secrets never stand in it: `Secret` names an environment variable or a file. Defaults of the rules: USE_CASES.md.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, field

from schemas.alerts import Audience, Severity
from schemas.approvals import Needed, Overdue
from schemas.calendars import Calendar, Length, working_days, working_hours
from schemas.configured import Configured, Name
from schemas.notifications import Channel

ShopDomain = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        description="a shop's permanent domain, like example.myshopify.com",
    ),
]
Positive = Annotated[int, Meta(ge=1)]
RuleName = Annotated[str, Meta(description="a rule's name, like order-high-risk")]
Expression = Annotated[str, Meta(description="a CEL expression, like `order.total >= 100`")]


class Secret(Configured, frozen=True):
    """Where a secret stands: exactly one of the two."""

    env: str | None = None
    file: str | None = None


class AdminAccess(Configured, frozen=True):
    """Admin GraphQL of one shop. `url` is for tests and simulators; the real one follows from the shop's domain."""

    token: Secret
    version: str = "2026-10"
    url: str | None = None


class Subscription(Configured, frozen=True):
    """A webhook subscription that was made for this shop through the Admin API; what is not set may be as it is.

    Those of the app as a whole, in its TOML file, Shopify shows to nobody: they do not belong here.
    """

    topic: Annotated[str, Meta(pattern=r"^[a-z_]+[./][a-z_]+$", description="a topic of Shopify, like orders/create")]
    uri: str | None = None
    filter: str | None = None
    include_fields: tuple[str, ...] | None = None


class Shop(Configured, frozen=True):
    """`secrets`: the app's client secrets, the current one first; an old one stays for an hour after rotation."""

    domain: ShopDomain
    secrets: tuple[Secret, ...]
    admin: AdminAccess | None = None
    job_token: Secret | None = None
    signal_token: Secret | None = None
    subscriptions: tuple[Subscription, ...] = ()
    time_zone: str = "UTC"


class Person(Configured, frozen=True):
    """`email` and `phone` (E.164) are how the person is reached."""

    name: Name
    email: str | None = None
    phone: str | None = None


class Team(Configured, frozen=True):
    """`channels` by severity; a severity that is not named uses the next lower one that is. `calendar` names one of
    `calendars`; without it the one named `default` counts, and without that one Monday to Friday from 9 to 17.
    """

    name: Name
    people: tuple[Person, ...]
    channels: dict[Severity, tuple[Channel, ...]] = field(default_factory=lambda: {Severity.INFO: (Channel.EMAIL,)})
    send_resolved: bool = True
    language: str = "en"
    calendar: Name | None = None


class Route(Configured, frozen=True):
    """A node of the route tree. Its matchers must all fit; its first fitting child wins, with `proceed` the next too.

    A node without `teams` passes its parent's on. `rules` are names of rules, `use_cases` numbers, `audiences` who an
    alert is for in the words of the use cases (`finance`, `fraud-review`): one that is for several is routed for each.
    `vendors`, `product_tags` and `locations` (names or ids) are of the item that a stock alert is about, in any letter
    case; one of several that the item has is enough, and no other alert has any.
    """

    teams: tuple[Name, ...] = ()
    shops: tuple[ShopDomain, ...] = ()
    use_cases: tuple[int, ...] = ()
    rules: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    audiences: tuple[Audience, ...] = ()
    vendors: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    proceed: bool = False
    routes: tuple[Route, ...] = ()


Segment = Annotated[
    str,
    Meta(pattern=r"^(gid://shopify/Segment/)?[0-9]{1,19}$", description="a customer segment's id, like 543210987654"),
]
Company = Annotated[
    str,
    Meta(pattern=r"^(any|(gid://shopify/Company/)?[0-9]{1,19})$", description="a company's id, like 98765, or `any`"),
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="a currency, like EUR")]


class PremiumRule(Configured, frozen=True):
    """What makes a customer premium: any of these. Unset means: does not count.

    `spent_from` is an amount in `spent_currency`, the shop's own where that is not set: what was spent in another one
    tells nothing. `companies`: whoever orders for one of these; `any` is every company.
    """

    tags: tuple[str, ...] = ("vip", "premium")
    spent_from: Decimal | None = None
    spent_currency: Currency | None = None
    orders_from: Positive | None = None
    segments: tuple[Segment, ...] = ()
    companies: tuple[Company, ...] = ()


class OrderRules(Configured, frozen=True):
    """`authorization_lasts`: where Shopify does not tell when an authorization ends, and by the names in an order's
    `payment_gateway_names`, in any letter case, `authorization_lasts_by_gateway`. `cash_on_delivery_gateways`: what
    such a name has in it where the money comes with the parcel. `delayed_*`: when an alert that is still open gets
    worse, after it began and before the order is to be fulfilled.
    """

    high_risk: bool = True
    payment_pending_after: timedelta = timedelta(minutes=60)
    manual_payment_after: Length = working_days(3)
    cash_on_delivery_after: Length = timedelta(days=3)
    cash_on_delivery_gateways: tuple[str, ...] = ("cash on delivery", "cash_on_delivery", "(cod)")
    authorization_lasts: timedelta = timedelta(days=7)
    authorization_lasts_by_gateway: dict[str, timedelta] = field(default_factory=dict)
    authorization_warning_before: timedelta = timedelta(hours=48)
    terms_overdue_after: Length = timedelta(hours=24)
    address_invalid: bool = True
    address_asked_again_after: timedelta = timedelta(minutes=10)
    review_tags: tuple[str, ...] = ("review", "manual-review")
    cross_sell_hold_after: timedelta = timedelta(hours=2)
    delayed_after: Length = working_hours(24)
    delayed_before: timedelta = timedelta(hours=4)


class FulfillmentRules(Configured, frozen=True):
    """`packed_when`: words of Shopify (`label_printed`, `progress_reported`) that mean packed in this company.
    `scanning_carriers`: those that scan every parcel, so that a label without a scan tells something.
    """

    packed_when: tuple[str, ...] = ()
    shipped_unscanned_after: timedelta = timedelta(minutes=30)
    partial_after: Length = working_hours(24)
    replaced_within: timedelta = timedelta(minutes=60)
    no_further_news_after: timedelta = timedelta(days=14)
    stalled_after: Length = working_days(5)
    stalled_abroad_after: Length = working_days(10)
    late_after_estimate: timedelta = timedelta(hours=24)
    scanning_carriers: tuple[str, ...] = ()
    unscanned_label_after: Length = working_days(3)
    time_sensitive_methods: tuple[str, ...] = ("express", "overnight", "same day", "same-day", "next day")


Units = Annotated[int, Meta(ge=0)]


class LocationGroup(Configured, frozen=True):
    """Locations whose stock is counted together, by their names or ids."""

    name: Name
    locations: tuple[str, ...]


class Threshold(Configured, frozen=True):
    """`below` for the items that fit all of what is set of `sku`, `tag` (the product's) and `vendor`, these two in any
    letter case.

    The most specific one counts: a SKU before a tag before a vendor before `rules.inventory.below`, and where these are
    the same the one that sets a further one, else the first in the file. With a `location` (its name or id) or a
    `location_group` the units there are counted for themselves, beside the sum over all locations that sell online.
    """

    below: Units
    sku: str | None = None
    tag: str | None = None
    vendor: str | None = None
    location: str | None = None
    location_group: Name | None = None


class InventoryRules(Configured, frozen=True):
    """`margin`: share of the threshold above it at which a low stock is over (at least one unit). `popular_from`: so
    many units sold in seven days. `cover_below` and `cover_above`: for how long what is left has to last, at that pace,
    and when it is enough again. `oversold_backorders`: also of what may be sold without stock.
    """

    below: Units = 10
    margin: Decimal = Decimal("0.2")
    thresholds: tuple[Threshold, ...] = ()
    location_groups: tuple[LocationGroup, ...] = ()
    popular_from: Positive = 14
    cover_below: timedelta = timedelta(days=5)
    cover_above: timedelta = timedelta(days=6)
    oversold_backorders: bool = False


class PaymentRules(Configured, frozen=True):
    """`velocity_card_window`: declines of one card over two orders within it. `abandoned_alert_from`: in the shop's
    currency, from which a left checkout is a warning; what is less, and all where it is unset, is told as `info`."""

    abandoned_after: timedelta = timedelta(minutes=60)
    abandoned_alert_from: Decimal | None = None
    declined_hold: timedelta = timedelta(minutes=10)
    unpaid_after: timedelta = timedelta(minutes=60)
    velocity_declines: Positive = 3
    velocity_window: timedelta = timedelta(minutes=15)
    velocity_card_window: timedelta = timedelta(hours=24)
    provider_failures: Positive = 5
    provider_window: timedelta = timedelta(minutes=15)


class ReturnRules(Configured, frozen=True):
    """`unscanned_after`: approved and never scanned, a refund may be owed all the same; where the law says that it is,
    `statutory` makes that a warning. `evidence_before`: how long before its deadline a dispute is told again."""

    undecided_after: Length = working_hours(48)
    not_arrived_after: timedelta = timedelta(days=21)
    refund_due_after: Length = working_days(5)
    refund_warning_before: timedelta = timedelta(hours=24)
    refund_pending_after: Length = working_days(3)
    unscanned_after: timedelta = timedelta(days=14)
    statutory: bool = False
    evidence_before: tuple[timedelta, ...] = (timedelta(hours=72), timedelta(hours=24))


class Job(Configured, frozen=True):
    """A job that reports to us. `every` with `grace`: how long without a success is too long; whole days are those of
    the job's `time_zone`, by default its shop's, also where the clock is put back. `shop`: for which one it is awaited
    before it has ever reported; where only one is configured, it is that one. A name that stands for several shops is
    another job in each."""

    name: Name
    owner: str | None = None
    critical: bool = False
    max_runtime: timedelta | None = None
    every: timedelta | None = None
    grace: timedelta = timedelta(minutes=15)
    time_zone: str | None = None
    shop: ShopDomain | None = None


class SyncTopic(StrEnum):
    """Topics whose silence tells something, since Shopify can be asked whether there was anything to tell."""

    ORDERS_CREATE = "orders/create"
    ORDERS_UPDATED = "orders/updated"
    INVENTORY_UPDATE = "inventory_levels/update"
    FULFILLMENTS_CREATE = "fulfillments/create"


class SyncRules(Configured, frozen=True):
    """When a topic is silent for too long: `gaps` of the shop's usual ones at this hour of the week, never less than
    `least`. Until a shop's rhythm is known, which takes two weeks, `unknown_rhythm` is the limit.
    """

    topics: tuple[SyncTopic, ...] = tuple(SyncTopic)
    gaps: Positive = 6
    least: timedelta = timedelta(minutes=30)
    unknown_rhythm: timedelta = timedelta(hours=24)


class OperationRules(Configured, frozen=True):
    """`required_scopes`: that one of them is not granted is told; unset, that one is taken away which our own questions
    need. `tls_off_after`: a domain that was served over TLS is not, for so long. `signatures_failed_from`: so many
    deliveries within a minute that are not signed as Shopify signs are told.
    """

    jobs: tuple[Job, ...] = ()
    required_scopes: tuple[str, ...] | None = None
    tls_off_after: timedelta = timedelta(hours=1)
    signatures_failed_from: Positive = 10
    sync: SyncRules = SyncRules()


class ApprovalRules(Configured, frozen=True):
    """`draft_quiet_for`: so long nobody has changed a draft before its approval is asked for."""

    draft_quiet_for: timedelta = timedelta(minutes=10)


class Rules(Configured, frozen=True):
    """`off` names rules that never fire. `when`: by a rule's name, a condition that narrows it, over the facts of
    `stages.conditions`.
    """

    off: tuple[str, ...] = ()
    when: dict[RuleName, Expression] = field(default_factory=dict)
    premium: PremiumRule = PremiumRule()
    orders: OrderRules = OrderRules()
    fulfillment: FulfillmentRules = FulfillmentRules()
    inventory: InventoryRules = InventoryRules()
    payments: PaymentRules = PaymentRules()
    returns: ReturnRules = ReturnRules()
    operations: OperationRules = OperationRules()
    approvals: ApprovalRules = ApprovalRules()


class Approval(Configured, frozen=True):
    """A policy: an order or a draft that fits all that is set needs these teams' approval.

    `when`: a condition as of `rules.when`, over what the rule `approval-required` sees. `needs`: all of the teams, any
    of them, or one after the other in the order of `teams`. They have `within`, each by its own calendar; `then` says
    what happens where nobody decides: the teams of `next_level` (without any, the default route's) are asked, or it
    counts as rejected. `hold`: fulfillment is held meanwhile. Only told for now: nothing is held, decided or escalated.
    `tags` are its own, `product_tags` those of its goods: one of each list is enough, as one of `countries` and `skus`.
    """

    name: Name
    teams: tuple[Name, ...]
    needs: Needed = Needed.ALL
    within: Length = working_hours(4)
    then: Overdue = Overdue.NEXT_LEVEL
    next_level: tuple[Name, ...] = ()
    hold: bool = True
    when: Expression | None = None
    total_from: Decimal | None = None
    countries: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()


class Basic(Configured, frozen=True):
    user: str
    password: Secret


class OAuth2(Configured, frozen=True):
    token_url: str
    client_id: str
    client_secret: Secret


class OpenText(Configured, frozen=True):
    """`base_url` ends in `/mra/v1`. `repeats`: does a repeated `message_id` return the first job? Assumed for REST.

    `prefix` makes `message_id` unique over the whole service. `callback_secret` is a part of the callback's URL.
    `html_body`: `body[].type` "html" is not documented for REST, so plain text is the default.
    `sms_prefix` stands before the country code: OpenText names no form, and has taken `00` as well as `+`.
    """

    base_url: str
    basic: Basic | None = None
    oauth2: OAuth2 | None = None
    prefix: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9-]{1,24}$", description="a prefix (letters, digits, dash; at most 24)")
    ] = "shop"
    repeats: Annotated[str, Meta(pattern=r"^(safe|unsafe)$", description="`safe` or `unsafe`")] = "safe"
    callback_secret: Secret | None = None
    timeout: timedelta = timedelta(seconds=10)
    rate_per_second: Annotated[float, Meta(gt=0)] = 5.0
    poll_first: timedelta = timedelta(seconds=2)
    poll_longest: timedelta = timedelta(minutes=5)
    poll_until: timedelta = timedelta(hours=24)
    retry_first: timedelta = timedelta(seconds=1)
    retry_longest: timedelta = timedelta(minutes=5)
    breaker_failures: Positive = 5
    from_display_name: str | None = None
    html_body: bool = False
    sms_prefix: Annotated[
        str, Meta(pattern=r"^(\+|00|011)?$", description="`+`, `00`, `011`, or nothing before the country code")
    ] = "+"


class KafkaSettings(Configured, frozen=True):
    """`bootstrap` is overridden by the command line and `KAFKA_BOOTSTRAP_SERVERS`.

    `session`: a process that is silent for so long is taken for dead, and its tasks go to others. Brokers refuse less
    than their `group.min.session.timeout.ms` (6 s by default).
    """

    bootstrap: str = "localhost:9092"
    prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]{1,40}$",
            description="a prefix (letters, digits, dot, dash, underscore; at most 40)",
        ),
    ] = "shop"
    partitions: Positive = 12
    raw_retention_days: Annotated[int, Meta(ge=1, le=30)] = 7
    security: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: Secret | None = None
    cafile: str | None = None
    session: timedelta = timedelta(seconds=10)


class ShopifySettings(Configured, frozen=True):
    """`patience`: how long facts are waited for before an event goes on without them."""

    patience: timedelta = timedelta(seconds=30)
    ask_again_for: timedelta = timedelta(hours=24)
    subject_patience: timedelta = timedelta(hours=24)
    timeout: timedelta = timedelta(seconds=10)


class Privacy(Configured, frozen=True):
    """`card_hash_key` keys the hash that stands for a card; without it cards are not told apart."""

    card_hash_key: Secret | None = None
    owner_team: Name | None = None


class Listen(Configured, frozen=True):
    """Port 0 lets the system choose."""

    host: str = "0.0.0.0"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 9400


class Configuration(Configured, frozen=True):
    """The whole file. `routes` is the root of the route tree; without one everything goes to the first team."""

    shops: tuple[Shop, ...]
    teams: tuple[Team, ...]
    opentext: OpenText
    calendars: tuple[Calendar, ...] = ()
    routes: Route = Route()
    rules: Rules = Rules()
    approvals: tuple[Approval, ...] = ()
    kafka: KafkaSettings = KafkaSettings()
    shopify: ShopifySettings = ShopifySettings()
    privacy: Privacy = Privacy()
    listen: Listen = Listen()

    def shop(self, domain: str) -> Shop | None:
        return next((shop for shop in self.shops if shop.domain == domain), None)

    def job(self, name: str, shop: str) -> Job:
        """The shop's own, else the one of no shop in particular, else the only one of that name; else one that is known
        by its name alone."""
        named = [job for job in self.rules.operations.jobs if job.name == name]
        fitting = [job for home in (shop, None) for job in named if job.shop == home]
        return next(iter(fitting or (named if len(named) == 1 else ())), Job(name=name))

    def home_of(self, job: Job) -> Shop | None:
        """Where a job is awaited before it has ever reported; None where nobody says which of the shops that is."""
        if job.shop is not None:
            return self.shop(job.shop)
        return self.shops[0] if len(self.shops) == 1 else None

    def team(self, name: str) -> Team | None:
        return next((team for team in self.teams if team.name == name), None)

    def calendar(self, name: str) -> Calendar | None:
        return next((calendar for calendar in self.calendars if calendar.name == name), None)

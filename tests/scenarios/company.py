"""Who is told: a team for every audience, named like it, so that whom a story means is whom it names.

Four configurations: what the file leaves out, one in which the thresholds are others, one with calendars, and one that
listens to silence.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from schemas.alerts import Audience
from schemas.calendars import Calendar, PublicHolidays
from schemas.configuration import (
    Approval,
    Basic,
    Configuration,
    FulfillmentRules,
    InventoryRules,
    Job,
    OpenText,
    OperationRules,
    OrderRules,
    PaymentRules,
    Person,
    Privacy,
    Route,
    Rules,
    Secret,
    Shop,
    SyncRules,
    SyncTopic,
    Team,
)

SHOP = "world.myshopify.com"
#: Stories about a shop as a whole have one for themselves.
OWN_SHOPS = 160
JOBS = 20
COMPLIANCE, TRADE = "compliance", "trade"
SCOPES = ("read_orders", "read_inventory")


def own_shop(number: int) -> str:
    return f"own-{number % OWN_SHOPS}.myshopify.com"


def job_name(number: int) -> str:
    return f"job-{number % JOBS}"


def hourly_name(number: int) -> str:
    """Of a job that should succeed every hour."""
    return f"hourly-{number % JOBS}"


def default() -> Configuration:
    """The defaults of every rule; jobs, scopes and approvals have none."""
    secret = Secret(env="SECRET")
    return Configuration(
        shops=tuple(Shop(domain=shop, secrets=(secret,)) for shop in (SHOP, *map(own_shop, range(OWN_SHOPS)))),
        teams=tuple(_team(name) for name in (*(each.value for each in Audience), COMPLIANCE, TRADE)),
        opentext=OpenText(base_url="https://opentext.example.com/mra/v1", basic=Basic(user="u", password=secret)),
        routes=Route(
            teams=(Audience.OPERATIONS.value,),
            routes=tuple(Route(audiences=(each,), teams=(each.value,)) for each in Audience),
        ),
        rules=Rules(operations=_operations()),
        approvals=(
            Approval(name="large-orders", teams=(Audience.FINANCE.value,), total_from=Decimal(5000)),
            Approval(name="export-control", teams=(COMPLIANCE,), tags=("export-control",)),
            Approval(name="trade", teams=(TRADE,), when='order.company != "" && order.discount_share >= 0.2'),
        ),
        privacy=Privacy(owner_team=Audience.PRIVACY.value),
    )


def changed() -> Configuration:
    """The same company with other numbers."""
    rules = Rules(
        orders=OrderRules(
            payment_pending_after=timedelta(minutes=25),
            address_asked_again_after=timedelta(minutes=4),
            cross_sell_hold_after=timedelta(minutes=50),
        ),
        fulfillment=FulfillmentRules(
            shipped_unscanned_after=timedelta(minutes=12), replaced_within=timedelta(minutes=20)
        ),
        inventory=InventoryRules(below=25, margin=Decimal("0.5")),
        payments=PaymentRules(
            abandoned_after=timedelta(minutes=20),
            abandoned_alert_from=Decimal(300),
            declined_hold=timedelta(minutes=4),
            unpaid_after=timedelta(minutes=35),
        ),
        operations=_operations(),
    )
    policies = tuple(replace(one, total_from=Decimal(9000)) if one.total_from else one for one in default().approvals)
    return replace(default(), rules=rules, approvals=policies)


def calendars() -> Configuration:
    """The same company, whose teams work in other places of the world; what nobody sells for weeks is no news."""
    offices = (
        Calendar(name="dresden", time_zone="Europe/Berlin", holidays=(PublicHolidays(country="DE", subdivision="SN"),)),
        Calendar(name="new-york", time_zone="America/New_York", holidays=(PublicHolidays(country="US"),)),
    )
    of = {Audience.OPERATIONS.value: "dresden", Audience.CUSTOMER_SERVICE.value: "new-york"}
    whole = default()
    teams = tuple(replace(team, calendar=of.get(team.name)) for team in whole.teams)
    return replace(whole, calendars=offices, teams=teams, rules=replace(whole.rules, off=("sync-stopped",)))


def listening() -> Configuration:
    """The same company, which listens to nothing but its stock, and only where it knows how often that changes."""
    sync = SyncRules(topics=(SyncTopic.INVENTORY_UPDATE,), unknown_rhythm=timedelta(days=365))
    whole = default()
    return replace(whole, rules=replace(whole.rules, operations=replace(whole.rules.operations, sync=sync)))


def _operations() -> OperationRules:
    owner = Audience.IT_SUPPORT.value
    jobs = tuple(
        Job(name=job_name(number), owner=owner, critical=number % 2 == 0, max_runtime=timedelta(minutes=30))
        for number in range(JOBS)
    )
    hourly = tuple(Job(name=hourly_name(number), owner=owner, every=timedelta(hours=1)) for number in range(JOBS))
    return OperationRules(jobs=(*jobs, *hourly), required_scopes=SCOPES)


def _team(name: str) -> Team:
    return Team(name=name, people=(Person(name="desk", email=f"{name}@example.com", phone="+12025550123"),))

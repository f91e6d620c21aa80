"""The company of the demo: its teams, who hears of what, and secrets that are made up anew for every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from secrets import token_hex

from pipeline.simulators.scenario import Tokens
from pipeline.simulators.scenario.stories.operations import EXPORT, FEED, LOST
from schemas.alerts import Audience, Severity
from schemas.calendars import DEFAULT, Calendar, Weekday
from schemas.configuration import (
    AdminAccess,
    Approval,
    Basic,
    Configuration,
    Job,
    KafkaSettings,
    Listen,
    OpenText,
    OperationRules,
    Person,
    Privacy,
    Route,
    Rules,
    Secret,
    Shop,
    Team,
)
from schemas.notifications import Channel

SHOP = "demo.myshopify.com"
PARTITIONS = 4
#: The day that is played ends now, on whichever weekday: a demo on Sunday shows the same as one on Wednesday.
_AROUND_THE_CLOCK = Calendar(name=DEFAULT, days=tuple(Weekday), hours=("00:00-24:00",))

_BUYERS = (Audience.PROCUREMENT, Audience.MERCHANDISING)
#: Of one vendor's goods somebody else takes care.
_LIGHTS = "lighting-buyers"
#: A team, and whom it stands for in the words of the use cases.
_TEAMS: Mapping[str, tuple[Audience, ...]] = {
    "operations": (Audience.OPERATIONS, Audience.WAREHOUSE),
    "customer-service": (Audience.CUSTOMER_SERVICE,),
    "procurement": _BUYERS,
    "finance": (Audience.FINANCE, Audience.APPROVERS),
    "fraud-review": (Audience.FRAUD_REVIEW,),
    "retention": (Audience.RETENTION,),
    "compliance": (Audience.PRIVACY,),
    "returns": (Audience.RETURNS,),
    "it-support": (Audience.IT_SUPPORT, Audience.ECOMMERCE, Audience.APPLICATION_OWNERS),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one run, by the names that the configuration gives them."""

    shopify: str = field(default_factory=token_hex, repr=False)
    admin: str = field(default_factory=token_hex, repr=False)
    opentext: str = field(default_factory=token_hex, repr=False)
    callback: str = field(default_factory=token_hex, repr=False)
    job: str = field(default_factory=token_hex, repr=False)
    signal: str = field(default_factory=token_hex, repr=False)
    cards: str = field(default_factory=token_hex, repr=False)

    @property
    def environ(self) -> dict[str, str]:
        return {name.upper(): getattr(self, name) for name in self.__slots__}

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.job, self.signal)


def company(shopify: str, opentext: str, prefix: str) -> Configuration:
    """`shopify` and `opentext` are the simulators' addresses."""
    return Configuration(
        shops=(
            Shop(
                domain=SHOP,
                secrets=(_env("shopify"),),
                admin=AdminAccess(token=_env("admin"), url=f"{shopify}/admin/api/2026-10/graphql.json"),
                job_token=_env("job"),
                signal_token=_env("signal"),
            ),
        ),
        teams=tuple(_team(name, number) for number, name in enumerate((*_TEAMS, _LIGHTS))),
        opentext=OpenText(
            base_url=f"{opentext}/mra/v1",
            basic=Basic(user="demo", password=_env("opentext")),
            prefix="demo",
            callback_secret=_env("callback"),
            rate_per_second=100.0,
            poll_first=timedelta(milliseconds=500),
        ),
        calendars=(_AROUND_THE_CLOCK,),
        routes=Route(
            teams=("operations",),
            routes=(
                Route(vendors=("Example Lights",), audiences=_BUYERS, teams=(_LIGHTS,)),
                *(Route(audiences=audiences, teams=(name,)) for name, audiences in _TEAMS.items()),
            ),
        ),
        rules=Rules(
            operations=OperationRules(
                jobs=(
                    Job(name=EXPORT, owner="it-support", critical=True, max_runtime=timedelta(minutes=30)),
                    Job(name=FEED, owner="it-support", max_runtime=timedelta(minutes=45)),
                ),
                required_scopes=("read_orders", "read_inventory", LOST),
            )
        ),
        approvals=(
            Approval(name="large-orders", teams=("finance",), total_from=Decimal(5000)),
            Approval(name="export-control", teams=("compliance",), product_tags=("export-control",)),
        ),
        kafka=KafkaSettings(prefix=prefix, partitions=PARTITIONS),
        privacy=Privacy(card_hash_key=_env("cards"), owner_team="compliance"),
        listen=Listen(host="127.0.0.1", port=0, metrics_port=0),
    )


def _env(name: str) -> Secret:
    return Secret(env=name.upper())


def _team(name: str, number: int) -> Team:
    """Criticals by SMS too. The numbers are of those that are reserved for fiction."""
    person = Person(name="duty-desk", email=f"{name}@example.com", phone=f"+1202555{120 + number:04d}")
    channels = {Severity.INFO: (Channel.EMAIL,), Severity.CRITICAL: (Channel.EMAIL, Channel.SMS)}
    return Team(name=name, people=(person,), channels=channels)

"""Which channels there are, whom they reach, and which of them a severity takes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.consistency import mistakes_in
from schemas.alerts import Severity
from schemas.configuration import Basic, Configuration, Person, Secret, Shop, Team
from schemas.notifications import Channel
from stages.channels.submission import Unreachable
from stages.channels.table import RESOURCES, channels_of, reachable, render
from tests.stages.channels.samples import SETTINGS, SHOP, TEAM, notification

EMAIL, SMS, WHATSAPP = Channel.EMAIL, Channel.SMS, Channel.WHATSAPP
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def mistakes(team: Team) -> list[str]:
    """Of a configuration that is otherwise without any."""
    configuration = Configuration(
        shops=(Shop(domain=SHOP, secrets=(Secret(env="SECRET"),)),),
        teams=(team,),
        opentext=replace(SETTINGS, basic=Basic(user="user", password=Secret(env="PASSWORD"))),
    )
    return [str(mistake) for mistake in mistakes_in(configuration, ())]


def test_the_resources_are_the_documented_ones() -> None:
    assert dict(RESOURCES) == {EMAIL: "emails", SMS: "sms"}


def test_a_team_is_reachable_where_somebody_has_an_address() -> None:
    assert reachable(TEAM) == (EMAIL, SMS)
    assert reachable(Team(name="t", people=(Person(name="p", phone="+15005550100"),))) == (SMS,)


@pytest.mark.parametrize("channel", [SMS, WHATSAPP])
def test_a_notification_that_nobody_can_get_says_so(channel: Channel) -> None:
    team = Team(name="t", people=(Person(name="p", email="p@example.com"),))

    with pytest.raises(Unreachable) as unreachable:
        render(notification(channel=channel), team, SETTINGS)

    assert channel.value in unreachable.value.detail


@pytest.mark.parametrize(("severity", "channels"), [(INFO, (EMAIL,)), (WARNING, (EMAIL,)), (CRITICAL, (SMS, EMAIL))])
def test_a_severity_takes_its_own_channels_or_those_of_the_next_lower_one(
    severity: Severity, channels: tuple[Channel, ...]
) -> None:
    team = replace(TEAM, channels={CRITICAL: (SMS, EMAIL), INFO: (EMAIL,)})

    assert channels_of(team, severity) == channels


def test_a_team_of_an_older_build_without_any_channel_still_gets_email() -> None:
    assert channels_of(replace(TEAM, channels={}), CRITICAL) == (EMAIL,)


def test_a_channel_that_cannot_be_sent_on_yet_is_refused() -> None:
    team = replace(TEAM, channels={INFO: (EMAIL,), CRITICAL: (WHATSAPP,)})

    assert mistakes(team) == ["teams[0].channels.critical: `whatsapp` cannot be sent yet; there is email, sms"]


def test_a_team_without_any_channel_is_refused() -> None:
    assert mistakes(replace(TEAM, channels={})) == [
        "teams[0].channels: no severity is named; right is for example `info: [email]`"
    ]


def test_a_team_with_the_channels_that_there_are_is_taken() -> None:
    assert mistakes(replace(TEAM, channels={INFO: (EMAIL,), CRITICAL: (SMS, EMAIL)})) == []

"""Who is told what on which channel, how often, and where a failed sending is told instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from pipeline.state import Change, Memory, View
from schemas import codec, topics
from schemas.alerts import Alert, AlertState, Severity
from schemas.configuration import Configuration, Person, Route, Shop, Team
from schemas.notifications import Channel, Missed, Notification, Receipt, SendingState
from schemas.reasons import DropReason, RejectReason
from schemas.records import Record
from stages.channels.wording import message_of
from stages.erasing import without
from stages.group import FOLLOWED, Group
from stages.stage import Context, Drop, Emit, Outcome, Reject, SetTimer, SweepCause, Timer, Visit, Work
from stages.told import OPEN
from tests.stages.channels.samples import SETTINGS, SHOP, SINCE, alert, notification

EMAIL, SMS = Channel.EMAIL, Channel.SMS
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def team(**changes: Any) -> Team:
    fields: dict[str, Any] = {
        "name": "operations",
        "people": (Person(name="ann", email="ann@example.com", phone="+15005550100"),),
        "channels": {INFO: (EMAIL,), CRITICAL: (EMAIL, SMS)},
    }
    return Team(**(fields | changes))


@dataclass
class World:
    """The stage over real state, one transaction a record."""

    teams: tuple[Team, ...] = (team(),)
    routes: Route = field(default_factory=Route)
    sent: list[Notification] = field(default_factory=list)
    now: datetime = SINCE
    timers: dict[str, Timer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = Memory(self.stage.families)

    @property
    def stage(self) -> Group:
        shop = Shop(domain=SHOP, secrets=(), time_zone="Europe/Berlin")
        return Group(Configuration(shops=(shop,), teams=self.teams, opentext=SETTINGS, routes=self.routes))

    def process(self, topic: str, value: Struct | bytes) -> list[Outcome]:
        raw = value if isinstance(value, bytes) else codec.encode(value)
        return self._worked(Record(topic, 0, 0, timestamp=0, key=b"operations", value=raw))

    def _worked(self, work: Work) -> list[Outcome]:
        view = View(self.memory, Change(), self.now)
        outcomes = list(self.stage.process(work, Context(view, self.now, self.now)))
        self.memory.apply(view.change)
        set_now = (outcome for outcome in outcomes if isinstance(outcome, SetTimer))
        self.timers |= {one.name: Timer(one.routing, one.name, one.due, one.kind) for one in set_now}
        return outcomes

    def visit(self, cause: SweepCause, about: str) -> list[Notification]:
        view = View(self.memory, Change(), self.now)
        outcomes = list(self.stage.visit(Visit("operations", cause, about), Context(view, self.now, self.now)))
        self.memory.apply(view.change)
        return self._kept(outcomes)

    def tell(self, *alerts: Alert) -> list[Notification]:
        """What goes out for these, in order."""
        return self._kept(outcome for one in alerts for outcome in self.process(topics.ALERTS, one))

    def passes(self, by: timedelta) -> list[Notification]:
        until, told = self.now + by, list[Notification]()
        while due := [timer for timer in self.timers.values() if timer.due <= until]:
            timer = self.timers.pop(due[0].name)
            self.now = max(self.now, timer.due)
            told += self._kept(self._worked(timer))
        self.now = until
        return told

    def settle(self, notification: Notification, state: SendingState = SendingState.FAILED) -> list[Notification]:
        return self._kept(self.process(topics.RECEIPTS, receipt(notification, state)))

    def _kept(self, outcomes: Iterable[Outcome]) -> list[Notification]:
        emitted = [outcome.value for outcome in outcomes if isinstance(outcome, Emit)]
        told = [value for value in emitted if isinstance(value, Notification)]
        self.sent += told
        return told


def receipt(notification: Notification, state: SendingState) -> Receipt:
    return Receipt(
        message_id=notification.message_id,
        team=notification.team,
        channel=notification.channel,
        group=notification.group,
        state=state,
        at=SINCE,
        alert_ids=tuple(one.id for one in notification.alerts),
    )


def channels(notifications: Sequence[Notification]) -> list[Channel]:
    return [one.channel for one in notifications]


def end(revision: int = 2, **changes: Any) -> Alert:
    return alert(state=AlertState.RESOLVED, revision=revision, **changes)


# --- what goes together ---------------------------------------------------------------------------------------------

LOW = alert(id="low", severity=WARNING, carried_by="out")
OUT = alert(id="out", severity=CRITICAL, carries=("low",))
LOW_IS_OVER = alert(id="low", state=AlertState.RESOLVED, revision=2, carried_by="out")
OUT_IS_OVER = alert(id="out", state=AlertState.RESOLVED, revision=2, carries=("low",))


def ids(*told: Notification) -> list[tuple[Channel, list[str]]]:
    return [(one.channel, [each.id for each in one.alerts]) for one in told]


def test_what_goes_together_is_one_message_on_each_channel_the_worst_first() -> None:
    world = World()
    assert world.tell(LOW) == []

    assert ids(*world.tell(OUT)) == [(EMAIL, ["out", "low"]), (SMS, ["out"])]
    assert ids(*world.tell(LOW_IS_OVER, OUT_IS_OVER)) == [(EMAIL, ["low", "out"]), (SMS, ["out"])]


def test_what_went_together_ends_and_gets_worse_for_itself() -> None:
    world = World()
    world.tell(LOW, OUT)

    assert ids(*world.tell(end(id="low"))) == [(EMAIL, ["low"])]
    worse = alert(id="out", state=AlertState.UPDATED, revision=2, severity=CRITICAL)
    assert ids(*world.tell(worse)) == [(EMAIL, ["out"]), (SMS, ["out"])]


def test_of_a_message_that_failed_each_alert_is_told_where_it_has_not_been() -> None:
    world = World()
    email, sms = world.tell(LOW, OUT)

    assert ids(*world.settle(email)) == [(SMS, ["low"])]
    assert ids(*world.settle(sms)) == []


def test_of_a_message_that_failed_what_has_got_worse_since_is_not_told_again() -> None:
    world = World((team(channels={INFO: (EMAIL,)}),))
    (email,) = world.tell(LOW, OUT)
    world.tell(alert(id="out", state=AlertState.UPDATED, revision=2, severity=CRITICAL))

    assert ids(*world.settle(email)) == [(SMS, ["low"])]


def test_in_another_teams_stead_each_alert_is_told_for_itself() -> None:
    world = World((team(name="default", channels={INFO: (EMAIL,)}),))

    assert ids(*world.tell(LOW, OUT)) == [(EMAIL, ["low"]), (EMAIL, ["out"])]


# --- lines of a digest ------------------------------------------------------------------------------------------------


def line(number: int, **changes: Any) -> Alert:
    changes = {"id": f"line-{number}", "title": f"Low at first sight: {number}", "milestone": True} | changes
    return alert(severity=INFO, digest=True, line=True, **changes)


def test_lines_are_no_messages_of_their_own_and_are_told_together_after_an_hour() -> None:
    world = World()
    assert world.tell(line(1), line(2)) == []
    assert world.passes(timedelta(minutes=59)) == []

    (digest,) = world.passes(timedelta(minutes=1))

    assert [one.id for one in digest.alerts] == ["line-1", "line-2"]
    assert (digest.channel, digest.more, digest.received) == (EMAIL, 0, world.now)
    assert world.passes(timedelta(days=1)) == []
    world.tell(line(3))
    (next_one,) = world.passes(timedelta(hours=1))
    assert next_one.message_id != digest.message_id


def test_lines_of_shops_in_different_time_zones_are_told_in_a_message_for_each_zone() -> None:
    world = World()
    far = {"shop": "far.myshopify.com"}
    world.tell(line(1), line(2, **far), line(3), *(line(number, **far) for number in range(4, 60)))

    berlin, utc = world.passes(timedelta(hours=1))

    assert ([one.id for one in berlin.alerts], berlin.time_zone, berlin.more) == (
        ["line-1", "line-3"],
        "Europe/Berlin",
        9,
    )
    assert ({one.shop for one in utc.alerts}, len(utc.alerts), utc.time_zone, utc.more) == (
        {"far.myshopify.com"},
        48,
        "UTC",
        0,
    )
    assert berlin.message_id != utc.message_id


def test_the_end_of_a_line_is_a_line_and_before_the_digest_takes_its_place() -> None:
    early, late, unwanted = World(), World(), World((team(send_resolved=False),))
    end = line(1, state=AlertState.RESOLVED, revision=2, milestone=False)
    for world in (early, late, unwanted):
        world.tell(line(1, milestone=False))
    late.passes(timedelta(hours=1))
    for world in (early, late, unwanted):
        assert world.tell(end) == []

    (both,) = early.passes(timedelta(hours=1))
    (after,) = late.passes(timedelta(hours=1))
    (beginning,) = unwanted.passes(timedelta(hours=1))

    assert ([one.state for one in both.alerts], both.more) == ([AlertState.RESOLVED], 0)
    assert [one.state for one in after.alerts] == [AlertState.RESOLVED]
    assert [one.state for one in beginning.alerts] == [AlertState.FIRING]


def test_of_thousands_of_lines_those_that_have_room_are_told_and_how_many_there_are() -> None:
    world = World()
    world.tell(*map(line, range(2000)))

    (digest,) = world.passes(timedelta(hours=1))

    assert len(digest.alerts) + digest.more == 2000
    message = message_of(digest, team())
    assert message.head == "[DIGEST] 2000 lines"
    assert len(message.stories) + message.omitted == 2000


def test_of_a_shop_that_is_erased_no_line_is_told() -> None:
    world = World()
    world.tell(line(1), line(2, shop="other.myshopify.com"))
    world.visit(SweepCause.REDACTED, SHOP)

    (digest,) = world.passes(timedelta(hours=1))

    assert ([one.id for one in digest.alerts], digest.more) == (["line-2"], 0)


# --- one alert, its channels --------------------------------------------------------------------------------------


def test_an_alert_goes_out_on_every_channel_of_its_severity() -> None:
    assert channels(World().tell(alert(severity=CRITICAL))) == [EMAIL, SMS]


def test_a_severity_that_is_not_named_uses_the_next_lower_one() -> None:
    assert channels(World().tell(alert(severity=WARNING))) == [EMAIL]


def test_below_the_lowest_named_severity_the_lowest_is_used() -> None:
    only_critical = team(channels={CRITICAL: (SMS,)})

    assert channels(World((only_critical,)).tell(alert(severity=INFO))) == [SMS]


def test_a_channel_that_a_team_names_twice_is_told_once() -> None:
    assert channels(World((team(channels={INFO: (EMAIL, EMAIL)}),)).tell(alert())) == [EMAIL]


def test_a_notification_carries_its_alert_the_shops_time_zone_and_when_we_had_the_cause() -> None:
    (told,) = World().tell(one := alert())

    assert (told.alerts, told.time_zone, told.received, told.created) == ((one,), "Europe/Berlin", one.received, SINCE)
    assert (told.meant_for, told.instead_of) == (None, None)


def test_a_shop_that_is_no_longer_configured_has_utc() -> None:
    assert World().tell(alert(shop="gone.myshopify.com"))[0].time_zone == "UTC"


def test_records_are_keyed_by_the_team_that_gets_them() -> None:
    outcomes = World().process(topics.ALERTS, alert())

    assert [(o.topic, o.key) for o in outcomes if isinstance(o, Emit)] == [(topics.NOTIFICATIONS, "operations")]


def test_message_ids_are_the_same_in_every_run_and_no_two_notifications_share_one() -> None:
    alerts = (alert(severity=CRITICAL), alert(severity=CRITICAL, revision=2), end(3), alert(id="another"))
    first, second = World().tell(*alerts), World().tell(*alerts)

    assert [one.message_id for one in first] == [one.message_id for one in second]
    assert len({one.message_id for one in first}) == len(first) == 7


@pytest.mark.parametrize("changes", [{"id": "another"}, {"revision": 2}, {"team": "returns"}], ids=str)
def test_what_differs_in_anything_has_another_message_id(changes: dict[str, Any]) -> None:
    world = World((team(), team(name="returns")))

    assert world.tell(alert())[0].message_id != World(world.teams).tell(alert(**changes))[0].message_id


def test_message_ids_begin_with_the_installations_prefix_and_fit_into_opentexts_80_characters() -> None:
    (told,) = World().tell(alert(id="x" * 500))

    assert told.message_id.startswith("shop-")
    assert len(told.message_id) + 24 - len("shop") <= 80


def test_what_belongs_together_stays_in_order_within_its_channel_only() -> None:
    email, sms = World().tell(alert(severity=CRITICAL))

    assert email.group != sms.group
    assert World().tell(alert(id="another"))[0].group == email.group


# --- again, worse, over --------------------------------------------------------------------------------------------


def test_an_alert_record_that_comes_again_is_dropped() -> None:
    world = World()
    world.tell(alert())

    assert world.process(topics.ALERTS, alert()) == [Drop(DropReason.ALREADY_KNOWN)]


def test_an_older_revision_than_the_one_told_is_dropped() -> None:
    world = World()
    world.tell(alert(revision=2))

    assert world.tell(alert(revision=1)) == []


def test_a_worse_severity_goes_out_on_its_own_channels() -> None:
    world = World()
    world.tell(alert(severity=WARNING))

    assert channels(world.tell(alert(severity=CRITICAL, state=AlertState.UPDATED, revision=2))) == [EMAIL, SMS]


def test_an_end_is_told_on_all_channels_that_anything_was_told_on() -> None:
    world = World()
    world.tell(alert(severity=CRITICAL), alert(severity=WARNING, state=AlertState.UPDATED, revision=2))

    assert channels(world.tell(end(3, severity=WARNING))) == [EMAIL, SMS]


def test_an_end_without_a_beginning_is_told_to_nobody() -> None:
    assert World().process(topics.ALERTS, end()) == [Drop(DropReason.NOTHING_OPEN)]


def test_a_beginning_that_comes_behind_its_end_is_told_to_nobody() -> None:
    world = World()

    assert world.tell(end(2), alert(revision=1)) == []


def test_a_second_end_is_told_to_nobody() -> None:
    world = World()
    world.tell(alert(), end(2))

    assert world.tell(alert(state=AlertState.WITHDRAWN, revision=3)) == []


def test_a_withdrawn_alert_is_told_where_it_began() -> None:
    world = World()
    world.tell(alert())

    assert channels(world.tell(alert(state=AlertState.WITHDRAWN, revision=2))) == [EMAIL]


@pytest.mark.parametrize(("wants_ends", "channels"), [(True, [EMAIL, SMS]), (False, [EMAIL])])
def test_what_tells_of_ends_in_their_place_is_one_message_that_also_goes_where_they_began(
    wants_ends: bool, channels: list[Channel]
) -> None:
    world = World((team(send_resolved=wants_ends),))
    for name in ("declined", "velocity"):
        world.tell(alert(id=name, severity=CRITICAL))
    news = alert(id="recovered", severity=INFO, milestone=True, resolves=("declined", "velocity", "another team's"))
    ends = [alert(id=name, state=AlertState.RESOLVED, revision=2, told_by="recovered") for name in news.resolves]

    told = world.tell(news, *ends)

    assert [(one.channel, one.alerts) for one in told] == [(channel, (news,)) for channel in channels]
    assert world.process(topics.ALERTS, ends[0]) == [Drop(DropReason.ALREADY_KNOWN)]
    assert world.tell(alert(id="declined", revision=3, state=AlertState.RESOLVED)) == [], "it is over"


def test_a_team_that_does_not_want_ends_gets_none() -> None:
    world = World((team(send_resolved=False),))

    assert [one.alerts[0].state for one in world.tell(alert(), end())] == [AlertState.FIRING]


def test_an_open_alert_is_known_after_a_year_and_what_is_over_is_forgotten() -> None:
    world = World()
    world.tell(alert(), alert(id="happened", milestone=True))
    world.now += timedelta(days=365)

    assert world.tell(alert()) == []
    assert len(world.tell(alert(id="happened", milestone=True))) == 1
    assert world.tell(end()) != []


# --- a team that is gone -------------------------------------------------------------------------------------------


def test_the_alert_of_a_team_that_is_no_longer_configured_goes_to_the_default_team_which_is_told_so() -> None:
    default = team(name="support")
    world = World((team(), default), Route(teams=("support",)))
    (told,) = world.tell(alert(team="gone"))

    assert (told.team, told.meant_for) == ("support", "gone")


def test_without_a_default_route_the_first_team_is_the_default() -> None:
    assert World((team(name="first"), team(name="second"))).tell(alert(team="gone"))[0].team == "first"


def removed() -> World:
    """Its alerts went to a team by mail and SMS; the default one has mail only."""
    return World((team(name="support", channels={INFO: (EMAIL,)}), team()), Route(teams=("support",)))


def without_the_team(world: World) -> World:
    world.teams = world.teams[:1]
    world.visit(SweepCause.CONFIGURATION, "fedcba987654")
    return world


def test_the_end_of_what_only_a_removed_team_was_told_is_told_to_nobody() -> None:
    world = removed()
    world.tell(alert())

    assert without_the_team(world).tell(end()) == []


@pytest.mark.parametrize("state", [SendingState.FAILED, SendingState.IN_DOUBT])
@pytest.mark.parametrize("severity", [INFO, CRITICAL])
def test_what_failed_on_its_way_to_a_team_that_was_removed_is_told_the_default_team_once(
    state: SendingState, severity: Severity
) -> None:
    world = removed()
    missed = world.tell(alert(severity=severity))
    without_the_team(world)

    told = [one for each in missed for one in world.settle(each, state)]

    assert [(one.team, one.channel, one.meant_for, one.alerts[0].id) for one in told] == [
        ("support", EMAIL, "operations", alert().id)
    ]


def test_what_was_to_be_told_on_another_channel_is_not_lost_with_its_team() -> None:
    world = removed()
    (instead,) = world.settle(world.tell(alert())[0])
    without_the_team(world)

    assert [one.team for one in world.settle(instead)] == ["support"]


@pytest.mark.parametrize("severity", [INFO, CRITICAL])
def test_what_failed_before_this_stage_heard_that_its_team_was_removed_is_told_the_default_team_then(
    severity: Severity,
) -> None:
    world = removed()
    for each in world.tell(alert(severity=severity)):
        for instead in world.settle(each):
            world.settle(instead)
    world.teams = world.teams[:1]

    told = world.visit(SweepCause.CONFIGURATION, "fedcba987654")

    assert [(one.team, one.meant_for) for one in told] == [("support", "operations")]
    assert world.visit(SweepCause.CONFIGURATION, "fedcba987654") == []


def test_what_reached_a_team_before_it_was_removed_is_told_nobody_else() -> None:
    world = removed()
    (told,) = world.tell(alert())
    without_the_team(world)

    assert world.settle(told, SendingState.DELIVERED) == []


def test_of_what_failed_on_its_way_to_a_removed_team_its_end_and_what_is_older_than_that_is_told_nobody() -> None:
    world = removed()
    began, ended = world.tell(alert(), end())
    without_the_team(world)

    assert world.settle(began) + world.settle(ended) == []


def test_the_default_team_hears_the_end_of_what_it_was_told_in_anothers_stead() -> None:
    world = without_the_team(removed())
    world.tell(alert())
    world.visit(SweepCause.CONFIGURATION, "fedcba987654")

    assert [(one.team, one.meant_for) for one in world.tell(end())] == [("support", "operations")]


def test_told_in_anothers_stead_and_by_its_own_alert_a_team_gets_one_message() -> None:
    world = without_the_team(removed())

    (instead,) = world.tell(alert(state=AlertState.UPDATED, revision=2))
    (own,) = world.tell(alert(team="support", revision=2))

    assert own.message_id == instead.message_id


def test_of_a_removed_team_nothing_is_remembered_for_ever() -> None:
    world = removed()
    world.tell(alert())
    without_the_team(world).tell(alert(id="another"))
    assert world.memory.count(OPEN.name) == 0

    world.now += timedelta(days=32)
    assert len(world.memory.expired(world.now, 100)) == len(world.memory)


def test_a_new_configuration_changes_nothing_for_a_team_that_stays() -> None:
    world = World()
    world.tell(alert())
    before = dict(world.memory._values)

    world.visit(SweepCause.CONFIGURATION, "fedcba987654")

    assert dict(world.memory._values) == before


# --- a shop's erasure ------------------------------------------------------------------------------------------------

OTHER = "other.myshopify.com"


def test_of_a_shop_that_is_erased_nothing_is_left_and_of_others_everything() -> None:
    world, never = World(), World()
    theirs = (alert(id="b", shop=OTHER), alert(id="d", shop=OTHER, milestone=True))
    ours = world.tell(alert(id="a"), alert(id="c", milestone=True))
    for each in ours:
        for instead in world.settle(each):
            world.settle(instead)
    world.tell(*theirs)
    never.tell(*theirs)

    world.visit(SweepCause.REDACTED, SHOP)

    assert dict(world.memory._values) == dict(never.memory._values)


def test_a_message_about_two_shops_keeps_what_is_about_the_other_one() -> None:
    both = notification(alert(id="a"), alert(id="b", shop=OTHER))

    assert without(both, SHOP) == notification(alert(id="b", shop=OTHER))
    assert without(both, "a-third.myshopify.com") is both


def test_what_fails_after_its_shop_was_erased_is_told_nowhere() -> None:
    world = World()
    (told,) = world.tell(alert())
    world.visit(SweepCause.REDACTED, SHOP)

    assert world.settle(told) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([SHOP, OTHER]), st.booleans()), max_size=12))
def test_visiting_a_team_again_changes_nothing(told: list[tuple[str, str, bool]]) -> None:
    once, twice = removed(), removed()
    for world in (once, twice):
        world.tell(*(alert(id=f"{name}/{shop}", shop=shop, milestone=over) for name, shop, over in told))
        without_the_team(world).visit(SweepCause.REDACTED, SHOP)
    twice.visit(SweepCause.CONFIGURATION, "fedcba987654")
    twice.visit(SweepCause.REDACTED, SHOP)

    assert dict(twice.memory._values) == dict(once.memory._values)


# --- told on another channel ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [SendingState.FAILED, SendingState.IN_DOUBT])
def test_what_could_not_be_told_on_one_channel_is_told_on_another_with_the_reason(state: SendingState) -> None:
    world = World()
    (missed,) = world.tell(alert())
    world.now += timedelta(hours=1)
    (instead,) = world.settle(missed, state)

    assert (instead.channel, instead.alerts, instead.created) == (SMS, missed.alerts, world.now)
    assert instead.group == World().tell(alert(severity=CRITICAL))[1].group
    assert instead.instead_of == Missed(missed.message_id, EMAIL, state)
    assert instead.message_id != missed.message_id


def test_what_is_told_instead_is_not_followed_by_a_third() -> None:
    world = World()
    (instead,) = world.settle(world.tell(alert())[0])

    assert world.settle(instead) == []


def test_a_failure_that_is_reported_twice_is_told_elsewhere_once() -> None:
    world = World()
    (missed,) = world.tell(alert())

    assert len(world.settle(missed, SendingState.IN_DOUBT) + world.settle(missed, SendingState.FAILED)) == 1


def test_a_failure_where_the_other_channel_has_told_it_already_is_told_nowhere_else() -> None:
    world = World()
    email, sms = world.tell(alert(severity=CRITICAL))

    assert world.settle(email) + world.settle(sms) == []


def test_a_failure_of_what_has_become_old_news_is_told_nowhere_else() -> None:
    world = World()
    (missed,) = world.tell(alert())
    world.tell(alert(revision=2))

    assert world.settle(missed) == []


def test_a_failure_of_a_team_with_one_channel_is_told_nowhere_else() -> None:
    world = World((team(people=(Person(name="ann", email="ann@example.com"),)),))
    (missed,) = world.tell(alert())

    assert world.settle(missed) == []


def test_an_end_is_told_once_on_a_channel_that_was_taken_again_in_anothers_stead() -> None:
    world = World()
    world.tell(alert(severity=CRITICAL))
    (missed,) = world.tell(alert(severity=WARNING, revision=2))
    world.settle(missed)

    assert channels(world.tell(end(3))) == [EMAIL, SMS]


def test_an_end_goes_where_its_beginning_was_told_instead() -> None:
    world = World()
    world.settle(world.tell(alert())[0])

    assert channels(world.tell(end())) == [EMAIL, SMS]


@pytest.mark.parametrize("state", [SendingState.DELIVERED, SendingState.CANCELLED])
def test_what_has_arrived_or_is_never_sent_is_not_followed_any_longer(state: SendingState) -> None:
    world = World()
    (told,) = world.tell(alert())
    world.settle(told, state)

    assert world.memory.count(FOLLOWED.name) == 0
    assert world.settle(told, SendingState.FAILED) == []


@pytest.mark.parametrize("state", [SendingState.ACCEPTED, SendingState.SENT, SendingState.UNKNOWN])
def test_a_sending_under_way_changes_nothing(state: SendingState) -> None:
    world = World()
    (told,) = world.tell(alert())

    assert world.settle(told, state) == []
    assert len(world.settle(told, SendingState.FAILED)) == 1


# --- what cannot be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [topics.ALERTS, topics.RECEIPTS])
@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b'{"id": 1}'])
def test_a_record_of_another_shape_is_rejected(topic: str, value: bytes) -> None:
    with pytest.raises(Reject) as rejected:
        World().process(topic, value)

    assert rejected.value.reason is RejectReason.UNDECODABLE


# --- in any order, however often -----------------------------------------------------------------------------------

RECORDS = st.builds(
    alert,
    id=st.sampled_from(["a", "b"]),
    revision=st.integers(1, 4),
    state=st.sampled_from(AlertState),
    severity=st.sampled_from(Severity),
)
FAILURES = st.tuples(st.integers(0, 20), st.sampled_from([SendingState.FAILED, SendingState.IN_DOUBT]))


def played(steps: Sequence[Alert | tuple[int, SendingState]], world: World) -> list[Notification]:
    for step in steps:
        if isinstance(step, Alert):
            world.tell(step)
        elif world.sent:
            world.settle(world.sent[step[0] % len(world.sent)], step[1])
    return world.sent


STEPS = st.lists(st.one_of(RECORDS, FAILURES), max_size=30)


@given(STEPS)
def test_in_any_order_each_revision_of_an_alert_is_told_at_most_once_a_channel(steps: Any) -> None:
    sent = played(steps, World())
    told = Counter((one.alerts[0].id, one.alerts[0].revision, one.channel) for one in sent)

    assert all(count == 1 for count in told.values())
    assert len({one.message_id for one in sent}) == len(sent)


@given(STEPS)
def test_in_any_order_nobody_is_told_an_end_without_a_beginning_and_no_channel_but_in_anothers_stead(
    steps: Any,
) -> None:
    open_on: dict[str, set[Channel]] = {"a": set(), "b": set()}
    is_open: set[str] = set()
    ending: dict[str, int] = {}
    for told in played(steps, World()):
        one = told.alerts[0]
        if one.state.is_end:
            assert one.id in is_open or ending.get(one.id) == one.revision
            assert told.instead_of is not None or told.channel in open_on[one.id]
            is_open.discard(one.id)
            ending[one.id] = one.revision
        else:
            is_open.add(one.id)
            open_on[one.id].add(told.channel)


@given(STEPS)
def test_the_newest_revision_of_an_alert_that_goes_on_is_always_told(steps: Any) -> None:
    alerts = [step for step in steps if isinstance(step, Alert)]
    sent = played(steps, World())
    told = {(one.alerts[0].id, one.alerts[0].revision) for one in sent}
    newest: dict[str, int] = {}
    for one in alerts:
        if one.revision > newest.get(one.id, 0):
            newest[one.id] = one.revision
            goes_on = one.state in (AlertState.FIRING, AlertState.UPDATED)
            assert not goes_on or (one.id, one.revision) in told


def test_what_is_told_in_a_replay_is_what_was_told() -> None:
    steps = [alert(severity=CRITICAL), alert(id="b"), end(2), replace(alert(id="b"), revision=2)]

    assert played(steps, World()) == played(steps, World())

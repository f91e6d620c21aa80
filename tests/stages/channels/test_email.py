"""What OpenText gets for an email, field by field, and what its reader sees."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.alerts import Alert, AlertState, Detail, Severity
from schemas.configuration import OpenText
from schemas.notifications import Channel, Missed, Notification, SendingState
from stages.channels.table import render
from tests.stages.channels.samples import LINK, SETTINGS, SINCE, TEAM, alert, notification, of_each_use_case

HOSTILE = "</p><script>alert(1)</script>{{ 7 * 7 }}{% for x in y %}\r\nBcc: a@example.com\u202e\x00"


def job(told: Notification, settings: OpenText = SETTINGS) -> Any:
    submission = render(told, TEAM, settings)
    assert submission.resource == "emails"
    return msgspec.json.decode(submission.body)


def text(*alerts: Alert, **changes: Any) -> str:
    return b64decode(job(notification(*alerts, **changes))["body"][0]["data"]).decode()


def html(*alerts: Alert) -> str:
    return b64decode(job(notification(*alerts), replace(SETTINGS, html_body=True))["body"][1]["data"]).decode()


def subject(*alerts: Alert) -> str:
    return str(job(notification(*alerts))["options"]["email_options"]["subject"])


# --- the documented JSON -------------------------------------------------------------------------------------------


def test_a_job_is_the_documented_json_and_nothing_more() -> None:
    told = notification()
    found = job(told)
    data = found["body"][0].pop("data")

    assert b64decode(data, validate=True).decode()
    assert found == {
        "destinations": [
            {"email": "ann@example.com", "ref": f"operations/{told.message_id}/ann"},
            {"email": "bob@example.com", "ref": f"operations/{told.message_id}/bob"},
        ],
        "body": [{"name": "content.txt", "type": "text", "charset": "UTF-8"}],
        "options": {
            "message_id": told.message_id,
            "email_options": {"subject": "[WARNING] Order #1001: payment pending for 2 h"},
        },
    }


def test_a_display_name_is_given_only_where_one_is_configured() -> None:
    named = job(notification(), replace(SETTINGS, from_display_name="Shop alerts"))

    assert named["options"]["email_options"]["from_display_name"] == "Shop alerts"


def test_a_part_of_type_html_follows_the_text_where_it_is_switched_on() -> None:
    body = job(notification(), replace(SETTINGS, html_body=True))["body"]

    assert [(part["name"], part["type"]) for part in body] == [("content.txt", "text"), ("content.html", "html")]


def test_the_same_notification_is_the_same_job_byte_for_byte() -> None:
    assert render(notification(), TEAM, SETTINGS) == render(notification(), TEAM, SETTINGS)


# --- what is read --------------------------------------------------------------------------------------------------


def test_a_message_says_what_since_when_how_bad_why_what_to_do_where_and_what_is_unknown() -> None:
    assert text() == (
        "Order #1001: payment pending for 2 h\n"
        "Warning since Nov 25, 2026 2:05 PM CET (2 h).\n"
        "\n"
        "Amount: 199.00 EUR\n"
        "Payment: pending, gateway manual\n"
        "\n"
        "What to do: Capture the payment, or cancel the order.\n"
        "\n"
        "Not known: fraud level\n"
        "\n"
        f"Open in Shopify: {LINK}\n"
        "\n"
        "-- \n"
        "For the team operations. Times are in Europe/Berlin.\n"
        f"example.myshopify.com · revision 1 · alert {alert().id}\n"
    )


def test_what_there_is_nothing_to_say_about_has_no_empty_lines() -> None:
    said = text(alert(details=(), next_step="", unknown=(), link=None))

    assert said.startswith(
        "Order #1001: payment pending for 2 h\nWarning since Nov 25, 2026 2:05 PM CET (2 h).\n\n-- \n"
    )


def test_what_is_unknown_is_said_to_the_end() -> None:
    limits = "carrier and tracking number: the fulfillment itself was not told"
    assert f"{limits}; whether" in text(alert(unknown=(limits, "whether it ships")))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"severity": Severity.CRITICAL, "priority": True}, "Critical since Nov 25, 2026 2:05 PM CET (2 h). Priority."),
        ({"at": SINCE}, "Warning since Nov 25, 2026 2:05 PM CET."),
        ({"milestone": True, "severity": Severity.INFO}, "Info. Happened Nov 25, 2026 2:05 PM CET."),
        (
            {"state": AlertState.UPDATED, "severity": Severity.CRITICAL},
            "Changed Nov 25, 2026 4:05 PM CET: now critical. Since Nov 25, 2026 2:05 PM CET (2 h).",
        ),
        (
            {"state": AlertState.RESOLVED},
            "Resolved Nov 25, 2026 4:05 PM CET after 2 h. It began Nov 25, 2026 2:05 PM CET, severity warning.",
        ),
        (
            {"state": AlertState.WITHDRAWN},
            "Withdrawn Nov 25, 2026 4:05 PM CET: nothing more comes about this, and that does not say that it is "
            "solved. It began Nov 25, 2026 2:05 PM CET, severity warning.",
        ),
    ],
)
def test_a_message_says_how_the_matter_stands(changes: dict[str, Any], says: str) -> None:
    assert text(alert(**changes)).splitlines()[1] == says


def test_moments_in_the_words_of_a_rule_are_in_the_shops_zone_too() -> None:
    late = "25 Nov 2026 at 23:05 UTC"
    told = alert(
        title=f"Payment pending since {late}",
        details=(Detail("Last try", f"{late}, by card"),),
        next_step=f"Capture it before {late}.",
        unknown=(f"whether it is so since {late}",),
    )

    assert text(told).count("26 Nov 2026 at 00:05 CET") == 4
    assert subject(told) == "[WARNING] Payment pending since 26 Nov 2026 at 00:05 CET"
    assert subject(told, told).count("26 Nov 2026 at 00:05 CET") == 2
    assert "99 Xyz 0000 at 99:99 UTC" in text(alert(title="99 Xyz 0000 at 99:99 UTC"))


def test_a_time_says_its_zone_where_the_shops_is_unknown_too() -> None:
    assert "Warning since Nov 25, 2026 1:05 PM UTC" in text(time_zone="UTC")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "[WARNING] Order #1001: payment pending for 2 h"),
        ({"severity": Severity.CRITICAL}, "[CRITICAL] Order #1001: payment pending for 2 h"),
        ({"state": AlertState.UPDATED}, "[WARNING] Update: Order #1001: payment pending for 2 h"),
        ({"state": AlertState.RESOLVED}, "[RESOLVED] Order #1001: payment pending for 2 h (was warning)"),
        ({"state": AlertState.WITHDRAWN}, "[WITHDRAWN] Order #1001: payment pending for 2 h (was warning)"),
    ],
)
def test_the_subject_says_first_how_bad_it_is(changes: dict[str, Any], says: str) -> None:
    assert subject(alert(**changes)) == says


def test_several_alerts_are_one_message_under_the_worst_of_what_is_open() -> None:
    told = (
        alert(title="A", state=AlertState.RESOLVED, severity=Severity.CRITICAL),
        alert(title="B", severity=Severity.WARNING),
        alert(title="C", severity=Severity.INFO),
    )

    assert subject(*told) == "[WARNING] 3 alerts: A; B; C"
    assert re.findall(r"^\[.*", text(*told), re.MULTILINE) == ["[RESOLVED] A", "[WARNING] B", "[INFO] C"]


def test_several_ends_are_not_announced_as_open() -> None:
    assert subject(*[alert(state=AlertState.RESOLVED)] * 2).startswith("[RESOLVED] 2 alerts: ")


def test_it_says_for_whom_it_was_where_that_team_is_gone() -> None:
    assert text(meant_for="gone").startswith("This was for the team gone, which is no longer in the configuration.\n\n")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (SendingState.FAILED, "The SMS about this could not be delivered, so you are told here."),
        (SendingState.IN_DOUBT, "It is not certain that the SMS about this arrived, so you are told here too."),
    ],
)
def test_it_says_why_another_channel_was_taken(state: SendingState, says: str) -> None:
    assert text(instead_of=Missed("shop-1", Channel.SMS, state)).startswith(f"{says}\n\n")


@pytest.mark.parametrize("told", of_each_use_case(), ids=lambda told: f"{told.rule}-{told.state}")
def test_a_message_of_every_use_case_holds_all_that_its_alert_says(told: Alert) -> None:
    for said in (text(told), html(told)):
        for part in (told.title, told.next_step, *told.unknown, told.link or "", *(one.text for one in told.details)):
            assert part in said


# --- untrusted -----------------------------------------------------------------------------------------------------


def hostile() -> Alert:
    return alert(
        title=HOSTILE,
        details=(Detail(HOSTILE, HOSTILE),),
        next_step=HOSTILE,
        unknown=(HOSTILE,),
        id=HOSTILE,
        link=f"https://example.com/{HOSTILE}",
    )


def test_a_body_cannot_write_headers_lines_or_invisible_marks() -> None:
    said = text(hostile())

    assert "\n" not in subject(hostile())
    assert not [line for line in said.splitlines() if line.startswith("Bcc")]
    assert not set("\r\x00\u202e") & set(said + subject(hostile()))


def test_a_body_is_never_a_template() -> None:
    assert "{{ 7 * 7 }}{% for x in y %}" in text(hostile())
    assert "49" not in html(hostile())


def test_a_body_cannot_write_html() -> None:
    said = html(hostile())

    assert "<script" not in said
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in said


def test_plain_text_is_not_escaped_as_html() -> None:
    assert 'Rock & <Roll> "7"' in text(alert(title='Rock & <Roll> "7"'))


def test_a_link_cannot_leave_its_attribute() -> None:
    said = html(alert(link='https://example.com/"onmouseover="x'))

    assert 'href="https://example.com/&#34;onmouseover=&#34;x"' in said


def test_texts_of_64_kilobytes_make_a_small_message() -> None:
    long = "x" * 65536
    one = alert(title=long, id=long, next_step=long, unknown=(long,) * 100, details=(Detail(long, long),) * 100)

    assert len(subject(one)) <= 150
    assert len(render(notification(*[one] * 100), TEAM, replace(SETTINGS, html_body=True)).body) < 2_000_000


def test_an_end_with_a_long_title_still_says_how_bad_it_was() -> None:
    said = subject(alert(title="x" * 500, state=AlertState.RESOLVED))

    assert said.endswith("x… (was warning)")
    assert len(said) == 150


def test_what_there_is_no_room_for_is_counted() -> None:
    many = alert(details=(Detail("Line", "1"),) * 33, unknown=("fact",) * 17)

    assert "And: 3 more" in text(many)
    assert "fact; 2 more" in text(many)
    assert "And 5 more alerts, for which there is no room here." in text(*[many] * 25)


def test_a_message_about_a_future_beginning_has_no_negative_length() -> None:
    assert "(-" not in text(alert(at=SINCE - timedelta(hours=1)))

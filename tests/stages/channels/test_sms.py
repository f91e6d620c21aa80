"""What OpenText gets for an SMS: short, the important first, the link whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.alerts import Alert, AlertState, Detail, Severity
from schemas.configuration import OpenText
from schemas.notifications import Channel, Missed, SendingState
from stages.channels.gsm import Alphabet, alphabet_of, fold
from stages.channels.table import render
from tests.stages.channels.samples import LINK, SETTINGS, TEAM, alert, notification


def job(*alerts: Alert, settings: OpenText = SETTINGS, **changes: Any) -> Any:
    submission = render(notification(*alerts, channel=Channel.SMS, **changes), TEAM, settings)
    assert submission.resource == "sms"
    return msgspec.json.decode(submission.body)


def text(*alerts: Alert, **changes: Any) -> str:
    return str(job(*alerts, **changes)["sms_text"])


def segments(said: str) -> int:
    """As a phone counts them: what takes two places is never torn in two."""
    alphabet = alphabet_of(said)
    whole, part = (160, 153) if alphabet is Alphabet.GSM else (70, 67)
    if alphabet.length(said) <= whole:
        return 1
    count, used = 1, 0
    for character in said:
        places = alphabet.length(character)
        count, used = (count, used + places) if used + places <= part else (count + 1, places)
    return count


def test_a_job_is_the_documented_json_for_those_who_have_a_number() -> None:
    told = notification(channel=Channel.SMS)

    assert job() == {
        "destinations": [{"sms": "+15005550100", "ref": f"operations/{told.message_id}/ann"}],
        "sms_text": text(),
        "options": {"message_id": told.message_id},
    }


@pytest.mark.parametrize(("prefix", "number"), [("00", "0015005550100"), ("", "15005550100"), ("+", "+15005550100")])
def test_the_form_of_numbers_is_a_setting(prefix: str, number: str) -> None:
    assert job(settings=replace(SETTINGS, sms_prefix=prefix))["destinations"][0]["sms"] == number


def test_a_message_has_the_important_first_and_the_link_last() -> None:
    assert text() == (
        "[WARNING] Order #1001: payment pending for 2 h\n"
        "Do: Capture the payment, or cancel the order.\n"
        "Warning since Nov 25, 2026 2:05 PM CET (2 h).\n"
        "Not known: fraud level\n"
        "Amount: 199.00 EUR\n"
        "Payment: pending, gateway manual\n"
        f"{LINK}"
    )


def test_what_does_not_fit_is_left_out_as_a_whole_and_what_is_shorter_may_follow() -> None:
    said = text(alert(details=(Detail("Long", "x" * 400), Detail("Amount", "199.00 EUR"))))

    assert "Long" not in said
    assert "Amount: 199.00 EUR" in said
    assert said.endswith(LINK)


def test_a_link_that_would_leave_no_room_is_left_out_as_a_whole() -> None:
    assert "https" not in text(alert(link=LINK + "x" * 100))


def test_ends_and_changes_are_said_first() -> None:
    assert text(alert(state=AlertState.RESOLVED)).startswith("[RESOLVED] Order #1001: payment pending for 2 h (was w")
    assert text(alert(state=AlertState.UPDATED, severity=Severity.CRITICAL)).startswith(
        "[CRITICAL] Update: Order #1001"
    )


def test_several_alerts_are_listed() -> None:
    assert (
        text(alert(title="A"), alert(title="B", severity=Severity.CRITICAL))
        == "[CRITICAL] 2 alerts\n[WARNING] A\n[CRITICAL] B"
    )


def test_it_says_why_it_is_told_here() -> None:
    said = text(instead_of=Missed("shop-1", Channel.EMAIL, SendingState.FAILED))

    assert "The email about this could not be delivered, so you are told here.\n" in said


def test_typographic_marks_accents_and_symbols_do_not_make_a_message_three_times_as_dear() -> None:
    said = text(alert(title="Café “Ștefan” \u2013 2\u00d7 ☕\ufe0f ready…"))

    assert alphabet_of(said) is Alphabet.GSM
    assert said.startswith('[WARNING] Café "Stefan" - 2x ready...')


def test_a_title_in_another_script_keeps_it_and_the_link_stays_whole() -> None:
    said = text(alert(title="注文 #1001: 支払い保留中" * 20))

    assert said.startswith("[WARNING] 注文 #1001")
    assert said.endswith(f"...\n{LINK}")
    assert segments(said) <= 3


def test_a_detail_in_another_script_does_not_change_the_alphabet_of_the_whole() -> None:
    said = text(alert(details=(Detail("Reason", "顧客希望"), Detail("Amount", "199.00 EUR"))))

    assert alphabet_of(said) is Alphabet.GSM
    assert "Amount: 199.00 EUR" in said


@pytest.mark.parametrize("length", range(20))
@pytest.mark.parametrize("character", ["€", "x", "日", "\U00020000"])
def test_three_segments_are_filled_and_no_fourth_is_begun(character: str, length: int) -> None:
    said = text(alert(title=character + "x" * length, details=(Detail("x", character * 6),) * 30))
    alphabet = alphabet_of(said)

    assert segments(said) == 3
    assert alphabet.value - 20 <= alphabet.length(said)


WORDS = st.text(max_size=300) | st.text("€[]😀日a ", max_size=300)


@given(title=WORDS, next_step=WORDS, details=st.lists(st.builds(Detail, WORDS, WORDS), max_size=4), unknown=WORDS)
def test_whatever_is_said_it_is_at_most_three_segments_and_the_link_is_whole(
    title: str, next_step: str, details: list[Detail], unknown: str
) -> None:
    said = text(alert(title=title, next_step=next_step, details=tuple(details), unknown=(unknown,)))

    assert said.endswith(f"\n{LINK}")
    assert segments(said) <= 3


def test_a_title_of_64_kilobytes_is_cut_and_the_message_still_says_what_to_do() -> None:
    said = text(alert(title="x" * 65536))

    assert "x..." in said
    assert "Do: Capture the payment, or cancel the order." in said


@given(st.text())
@example("A\u0323\u0300")
@example("\u0430\u2603\u0306")
def test_what_was_folded_once_stays_as_it_is(said: str) -> None:
    assert fold(fold(said)) == fold(said)


@pytest.mark.parametrize(("said", "places"), [("a", 1), ("€", 2), ("[x]", 5)])
def test_some_characters_take_two_places(said: str, places: int) -> None:
    assert Alphabet.GSM.length(said) == places


def test_what_lies_beyond_two_bytes_takes_two_places() -> None:
    assert Alphabet.UCS2.length("日😀") == 3

"""What OpenText says of a job, read by its deliveries."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.notifications import Reached, SendingState
from stages.opentext.job_status import JobStatus, read_status

S = SendingState

#: The example of contract 3.7, with our ref and a state that the parametrisation fills.
REF = b64encode(b"desk/m1/ada").decode()


def status(*deliveries: dict[str, Any], **top: Any) -> bytes:
    return json.dumps({"job_id": "xsi-1", "job_state": ["Complete", "Posted"], "deliveries": deliveries} | top).encode()


def delivery(state: str, gamma: int | None = None, events: Any = None, ref: str = REF) -> dict[str, Any]:
    attempt: dict[str, Any] = {"state": state, "first_attempt": "2026-04-21T10:50:51.000Z"}
    if gamma is not None:
        attempt["gamma_code"] = gamma
    found: dict[str, Any] = {"ref_base64": ref, "email": "ada@example.com", "delivery_attempts": [attempt]}
    return found if events is None else found | {"events": events}


def dsn(notice: Any) -> Any:
    return {"email_delivery_events": {"dsn": notice, "html_open": [], "opt_out": {}, "pull": []}}


def read(body: bytes) -> tuple[Reached, ...]:
    found = read_status(body, "desk", "m1")
    assert found is not None
    return found.recipients


@pytest.mark.parametrize(
    ("said", "state", "raw"),
    [
        (delivery("Pending"), S.ACCEPTED, None),
        (delivery("InProcess"), S.ACCEPTED, None),
        (delivery("Held"), S.ACCEPTED, None),
        (delivery("Sent"), S.SENT, None),
        (delivery("Sent", 0), S.SENT, None),
        (delivery("Sent", 118), S.FAILED, "Sent, gamma 118"),
        (delivery("Error", 301), S.FAILED, "Error, gamma 301"),
        (delivery("Error"), S.FAILED, "Error"),
        (delivery("Cancelled"), S.FAILED, "Cancelled"),
        (delivery("Expired"), S.FAILED, "Expired"),
        (delivery("Levitating", 7), S.UNKNOWN, "Levitating, gamma 7"),
        (delivery("Sent", 0, {"sms_delivery_events": [{"status": "Confirmed"}]}), S.DELIVERED, None),
        (delivery("Sent", 0, {"sms_delivery_events": [{"status": "Buffered"}]}), S.SENT, "Buffered"),
        (delivery("Sent", 0, {"sms_delivery_events": []}), S.SENT, None),
        (delivery("Sent", 0, dsn({})), S.SENT, None),
        (delivery("Sent", 0, dsn({"class": 2, "subject": 1, "detail": 5})), S.DELIVERED, None),
        (delivery("Sent", 0, dsn({"class": "5", "subject": 1, "detail": 1})), S.FAILED, "dsn, class 5"),
        (delivery("Sent", 0, dsn({"status": "5.1.1"})), S.FAILED, "dsn, class 5"),
        (delivery("Sent", 0, dsn([{"class": 4}, {"class": 2}])), S.DELIVERED, None),
        (delivery("Sent", 0, dsn({"class": 4})), S.SENT, None),
        (delivery("Sent", 0, dsn("who knows")), S.SENT, None),
        (delivery("Sent", 0, {"email_delivery_events": "who knows"}), S.SENT, None),
        ({"ref_base64": REF}, S.ACCEPTED, None),
        ({"ref_base64": REF, "delivery_attempts": None, "events": None}, S.ACCEPTED, None),
    ],
)
def test_a_delivery_is_judged_by_its_last_attempt_and_its_events(
    said: dict[str, Any], state: SendingState, raw: str | None
) -> None:
    assert read(status(said)) == (Reached("ada", state, raw),)


def test_the_last_attempt_counts() -> None:
    said = delivery("Error", 5)
    said["delivery_attempts"].append({"state": "Sent"})

    assert read(status(said)) == (Reached("ada", S.SENT),)


def test_a_job_that_calls_itself_complete_proves_nothing() -> None:
    assert read(status(delivery("Error"), job_state=["Complete", "Posted"]))[0].state is S.FAILED
    assert read(status(delivery("InProcess"), job_state=["Complete"]))[0].state is S.ACCEPTED


@pytest.mark.parametrize("ref", ["", "no base64!", "ada@example.com", "ops/m1/ada", "desk/m2/ada"])
def test_a_ref_that_is_not_ours_names_nobody(ref: str) -> None:
    encoded = ref if ref in ("", "no base64!") else b64encode(ref.encode()).decode()

    assert read(status(delivery("Sent", ref=encoded)))[0].ref == "#1"


def test_one_delivery_that_is_unreadable_spoils_only_itself() -> None:
    reached = read(status({"delivery_attempts": "?"}, delivery("Sent")))

    assert reached == (Reached("#1", S.UNKNOWN, "unreadable"), Reached("ada", S.SENT))


def test_a_job_without_deliveries_says_nothing_yet() -> None:
    assert read_status(b'{"job_id": "xsi-1", "deliveries": null}', "desk", "m1") == JobStatus("xsi-1", ())


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b'{"deliveries": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_status_is_none(body: bytes) -> None:
    assert read_status(body, "desk", "m1") is None


_SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["state", "email_delivery_events", "dsn", "class"]), inner, max_size=3)
    ),
)


@given(_SHAPES)
def test_no_delivery_is_too_strange_and_none_tells_an_address(inside: Any) -> None:
    said = delivery("Sent", 0, inside) | {"more": inside}

    assert "example.com" not in repr(read(status(said, {"delivery_attempts": inside})))

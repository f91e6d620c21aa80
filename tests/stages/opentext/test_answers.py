"""Error bodies whose shape nobody has published, and the times that a Retry-After may name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.opentext.answers import (
    Accepted,
    NotTaken,
    Response,
    TryAgain,
    after_of,
    detail_of,
    failure_of,
    job_of,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"message": "no such account"}, "no such account"),
        ({"error": "invalid_client", "error_description": "unknown client"}, "invalid_client; unknown client"),
        (
            {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}},
            "Invalid ApiKey; oauth.v2.InvalidApiKey",
        ),
        ({"errors": [{"message": "first"}, "second"]}, "first; second"),
        ({"status": "bad"}, '{"status": "bad"}'),
        ([1, 2], "1; 2"),
    ],
)
def test_an_error_says_what_it_says_wherever_it_stands(body: object, says: str) -> None:
    assert detail_of(json.dumps(body).encode()) == says


def test_a_page_of_a_proxy_is_told_by_its_beginning_on_one_line() -> None:
    detail = detail_of(b"<html>\n<h1>Bad\x00 Gateway</h1>" + b"x" * 5000)

    assert detail.startswith("<html> <h1>Bad Gateway</h1>xxx")
    assert len(detail) == 300


def test_nobodys_address_or_number_is_repeated_but_a_code_is() -> None:
    detail = detail_of(b'{"message": "2051: cannot send to ada@example.com or +1 500 555-0100"}')

    assert detail == "2051: cannot send to (address) or (number)"


@given(st.binary(max_size=400) | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_no_body_is_too_strange(body: bytes) -> None:
    assert len(detail_of(body)) <= 300
    job_of(Response(200, body))


def test_a_body_that_is_nested_too_deeply_is_only_text() -> None:
    assert detail_of(b"[" * 100_000).startswith("[[[")


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("7", timedelta(seconds=7)),
        ("0.5", timedelta(seconds=0.5)),
        ("999999999", timedelta(hours=1)),
        ("Mon, 02 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Mon, 02 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Mon, 02 Nov 2099 12:00:00 GMT", timedelta(hours=1)),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_honoured_where_it_makes_sense_and_bounded(header: str | None, after: timedelta | None) -> None:
    assert after_of(header, NOON) == after


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
def test_a_request_that_is_wrong_stays_wrong(status: int) -> None:
    assert isinstance(failure_of(Response(status, b"")), NotTaken)


@pytest.mark.parametrize(
    ("status", "may_have_arrived"),
    [(408, False), (429, False), (302, False), (500, True), (502, True), (503, True), (504, True)],
)
def test_everything_else_is_worth_another_try(status: int, may_have_arrived: bool) -> None:
    assert failure_of(Response(status, b"")) == TryAgain(f"HTTP {status}", may_have_arrived=may_have_arrived)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"job_id": ""}', b'{"job_id": null}', b"<html>", b'"xsi-1"'])
def test_a_success_without_a_job_is_none(body: bytes) -> None:
    assert job_of(Response(200, body)) is None


def test_any_success_with_a_job_is_accepted() -> None:
    assert job_of(Response(202, b'{"job_id": "xsi2-1", "new": {}}')) == Accepted("xsi2-1")

"""A line of the log is one JSON object, and says nothing of a person and opens no door."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import orjson
import pytest

from pipeline.logs import LONGEST, Form, configure, mask, masked, silent


@pytest.fixture(autouse=True)
def standard_logging() -> Iterator[None]:
    """Left as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(out: StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_time_and_level() -> None:
    out = StringIO()
    configure(out).bind(stage="enrich").warning("record rejected", offset=7, reason="defect", detail="two\nlines")
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "record rejected",
        "level": "warning",
        "stage": "enrich",
        "offset": 7,
        "reason": "defect",
        "detail": "two\nlines",
    }


def test_what_is_below_the_level_is_not_written_and_a_silent_logger_writes_nothing() -> None:
    out = StringIO()
    configure(out, "warning").info("chatter")
    silent().critical("nothing")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("sent to jane.doe+x@example.com today", "jane"),
        ("call +49 151 1234-5678", "1234"),
        ("call 0049 (151) 12345678", "12345678"),
        ("call (202) 555-0143", "0143"),
        ("Authorization: Bearer abcdef.ghijkl", "ghijkl"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("token=abcd1234&x=1", "abcd1234"),
        ("shpat_0123456789abcdef refused", "0123456789abcdef"),
        ("https://me:hunter2@example.com/path", "hunter2"),
    ],
)
def test_what_identifies_a_person_or_opens_a_door_is_masked(text: str, hidden: str) -> None:
    assert hidden not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "example.myshopify.com/order/820982911946154508",
        "shopify.orders/3 offset 1234567",
        "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "2026-11-02T09:00:00.123456Z",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ],
)
def test_what_an_operator_searches_for_is_not_masked(text: str) -> None:
    assert masked(text) == text


def test_masking_reaches_every_depth_and_every_kind_of_value() -> None:
    out = StringIO()
    deep = {
        "list": [{"jane@example.com": ("jane@example.com", {"jane@example.com"})}],
        "error": ValueError("jane@example.com"),
    }
    configure(out).info("jane@example.com", deep=deep, raw=b"jane@example.com", fine=[1, 2.5, None, True])
    assert "jane" not in out.getvalue()
    assert lines(out)[0]["fine"] == [1, 2.5, None, True]


def test_of_bytes_only_their_number_is_told_for_they_may_be_a_body() -> None:
    out = StringIO()
    configure(out).info("received", body=b'{"first_name":"Jane"}', parts=[memoryview(b"Jane")])
    (line,) = lines(out)
    assert (line["body"], line["parts"]) == ("21 bytes", ["4 bytes"])


def test_an_exception_is_written_with_its_traceback_and_masked() -> None:
    out = StringIO()
    logger = configure(out)
    try:
        raise ValueError("jane@example.com")
    except ValueError:
        logger.exception("failed")
    (line,) = lines(out)
    assert "Traceback" in line["exception"]
    assert "jane" not in out.getvalue()


def test_a_long_text_is_cut() -> None:
    shown = mask("x" * 1_000_000)
    assert isinstance(shown, str)
    assert len(shown) <= LONGEST + 2


def test_libraries_speak_through_it_from_warning_on() -> None:
    out = StringIO()
    configure(out)
    logging.getLogger("some.library").warning("broker %s, user %s", "down", "jane@example.com")
    logging.getLogger("some.library").info("chatter")
    (line,) = lines(out)
    assert (line["logger"], line["level"], line["event"]) == ("some.library", "warning", "broker down, user ***@***")


def test_configured_twice_it_writes_once() -> None:
    first, second = StringIO(), StringIO()
    configure(first)
    configure(second)
    logging.getLogger("some.library").error("once")
    assert (first.getvalue(), len(lines(second))) == ("", 1)


def test_a_person_gets_text_without_colours() -> None:
    out = StringIO()
    configure(out, form=Form.TEXT).info("hello", mail="jane@example.com")
    assert "hello" in out.getvalue()
    assert "\x1b" not in out.getvalue()
    assert "jane" not in out.getvalue()

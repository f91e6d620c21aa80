"""Untrusted text is one bounded line without anything invisible; links are whole, or not there."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.channels.cleaning import clean, cut, web_link


def test_a_line_break_cannot_begin_a_header() -> None:
    assert clean("Order\r\nBcc: everybody@example.com\u2028x", 100) == "Order Bcc: everybody@example.com x"


def test_marks_that_turn_the_direction_of_writing_are_left_out() -> None:
    assert clean("invoice\u202etxt.exe\u2066\u200f", 100) == "invoicetxt.exe"


def test_control_characters_and_other_invisible_ones_are_left_out() -> None:
    assert clean("a\x00b\x1bc\x7fd\ufeffe\u200bf\ud800g\ue000h", 100) == "abcdefgh"


def test_letters_of_all_scripts_and_what_joins_them_stay() -> None:
    said = "Größe 靴 \u0645\u0631\u062d\u0628\u0627 नी \u0645\u06cc\u200c\u062e"

    assert clean(said, 100) == said


def test_what_opentext_would_take_for_an_insert_is_broken_up() -> None:
    assert clean("size (i1), (I22), (in) (i)", 100) == "size ( i1), ( I22), (in) (i)"


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    assert clean("x" * 65536, 10) == "xxxxxxxxx…"
    assert cut("abc", 0) == ""


@given(st.text(), st.integers(0, 60))
def test_whatever_comes_it_is_one_printable_line_of_at_most_the_limit(text: str, limit: int) -> None:
    line = clean(text, limit)

    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line)
    assert line.encode().decode() == line


def test_a_link_into_the_admin_is_shown_as_it_is() -> None:
    link = "https://admin.shopify.com/store/example/orders/1?a=b&c=d"

    assert web_link(link) == link


@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        "javascript:alert(1)",
        "http://admin.shopify.com/",
        "https://",
        "https://[",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://exämple.com/",
        "https://example.com/" + "x" * 500,
    ],
)
def test_a_link_that_is_no_plain_https_address_is_not_shown_at_all(link: str | None) -> None:
    assert web_link(link) is None

"""How long an SMS is: 160 characters of GSM 03.38, or 70 of UCS-2 as soon as one is not among them.

A longer text is sent in segments, each a little shorter for its header (153 and 67).
"""

from __future__ import annotations

import unicodedata
from enum import Enum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These take two places: an escape and a character.
_EXTENDED = frozenset("^{}\\[~]|€")
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        **dict.fromkeys("\u2013\u2014\u00b7\u2022", "-"),
        "\u2026": "...",
        "\u00d7": "x",
    }
)
#: They choose the looks of the character before them, and are as dear as one.
_VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))


class Alphabet(Enum):
    """Its value is how many places three segments have. One is lost at each joint to what must not be torn in two."""

    GSM = 3 * 153 - 2
    UCS2 = 3 * 67 - 2

    def length(self, text: str) -> int:
        if self is Alphabet.GSM:
            return len(text) + sum(character in _EXTENDED for character in text)
        return len(text.encode("utf-16-le")) // 2

    def has(self, text: str) -> bool:
        return self is Alphabet.UCS2 or all(character in _BASIC or character in _EXTENDED for character in text)

    def cut(self, text: str, places: int) -> str:
        """Says that it was cut, with three dots."""
        if self.length(text) <= places:
            return text
        while text and self.length(text) > places - 3:
            text = text[:-1]
        return text.rstrip() + "..." if places >= 3 else ""


def alphabet_of(text: str) -> Alphabet:
    return Alphabet.GSM if Alphabet.GSM.has(text) else Alphabet.UCS2


def fold(text: str) -> str:
    """One line with plain marks, without symbols and the accents that GSM lacks; other scripts stay as they are."""
    kept = ""
    for character in unicodedata.normalize("NFC", text.translate(_FOLDED)):
        is_accent = unicodedata.category(character).startswith("M")
        if not (is_accent and kept and Alphabet.GSM.has(kept[-1])):
            kept += _folded(character)
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def _folded(character: str) -> str:
    if Alphabet.GSM.has(character):
        return character
    if character in _VARIANTS:
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    if plain and Alphabet.GSM.has(plain):
        return plain
    return character if unicodedata.category(character)[0] in "LMN" else ""

"""Bytes to text, without guessing: UTF-8, UTF-16, or Windows-1258 where it can only be that."""

from __future__ import annotations

import codecs
import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_MOST_CONTROL = 8  # in a hundred thousand characters at least; more is no text
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
# Letters and signs of Windows-1258 that no Vietnamese word has. TCVN3 puts its vowels there.
_NOT_1258 = re.compile(
    "[\u00b5-\u00b9\u00c4-\u00c7\u00cb\u00ce\u00cf\u00d1\u00d6-\u00d8\u00db\u00dc\u00df"
    "\u00e4-\u00e7\u00eb\u00ee\u00ef\u00f1\u00f6-\u00f8\u00fb\u00fc\u00ff]"
)
_UTF8_PAIR = re.compile(rb"[\xc3-\xc6\xe1\xe2][\x80-\xbf]")


class TextError(ValueError):
    """The bytes are no text. slug names the reason in adapters.statements.refusals.

    line: the first line that cannot be read, 0 if that says nothing.
    """

    def __init__(self, slug: str, line: int = 0) -> None:
        self.slug = slug
        self.line = line
        super().__init__(slug)


def decoded(data: bytes) -> str:
    """The text, composed (NFC), without a byte-order mark. Raises TextError."""
    text = _text(data)
    # DOS files end in 0x1A, which is let through; many other control characters are not text.
    if len(_CONTROL.findall(text[:100_000])) > max(_MOST_CONTROL, len(text[:100_000]) // 500):
        raise TextError("binary-file")
    return unicodedata.normalize("NFC", text).removeprefix("\ufeff")


def visible(text: str) -> str:
    """A memo, name or reference without the characters that nobody sees.

    Control characters, zero-width ones and those that turn the direction of what follows say
    nothing, and hide what they stand in.
    """
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub("", text)


def _text(data: bytes) -> str:
    wide = wide_encoding(data)
    try:
        return data.decode(wide or "utf-8-sig")
    except UnicodeDecodeError as broken:
        # A UTF-8 file with a few bad bytes also decodes as Windows-1258, into nonsense that
        # nobody would notice in a memo. Real Vietnamese UTF-8 is full of these byte pairs.
        if wide or len(_UTF8_PAIR.findall(data)) >= 3 or b"\x00" in data[:1000]:
            slug = "binary-file" if not wide and b"\x00" in data[:1000] else "bad-encoding"
            raise TextError(slug, data.count(b"\n", 0, broken.start) + 1) from broken
    try:
        text = data.decode("cp1258")
    except UnicodeDecodeError:
        raise TextError("old-encoding") from None
    strange = _NOT_1258.search(unicodedata.normalize("NFC", text))
    if strange is not None:
        raise TextError("old-encoding")
    return text


def wide_encoding(data: bytes) -> str | None:
    """The UTF-16 that the bytes are in, by their mark or by their zeros; None for others."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:400]
    # UTF-16 without a mark: every second byte of plain ASCII text is zero.
    if len(head) >= 16 and head[1::2].count(0) > len(head) // 3 and not head[::2].count(0):
        return "utf-16-le"
    if len(head) >= 16 and head[::2].count(0) > len(head) // 3 and not head[1::2].count(0):
        return "utf-16-be"
    return None

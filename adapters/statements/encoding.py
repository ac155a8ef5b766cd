"""Bytes to text, without guessing: UTF-8, UTF-16, or Windows-1258 where it can only be that."""

from __future__ import annotations

import codecs
import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_UTF8_PAIR = re.compile(rb"[\xc3-\xc6\xe1\xe2][\x80-\xbf]")


class TextError(ValueError):
    """The bytes are no text. slug names the reason in adapters.statements.refusals."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__(slug)


def decoded(data: bytes) -> str:
    """The text, composed (NFC), without a byte-order mark. Raises TextError."""
    text = _text(data)
    # DOS files end in 0x1A, which is let through; other control characters are not text.
    if len(_CONTROL.findall(text[:100_000])) > len(text[:100_000]) // 500:
        raise TextError("binary-file")
    return unicodedata.normalize("NFC", text).removeprefix("\ufeff")


def _text(data: bytes) -> str:
    wide = wide_encoding(data)
    try:
        return data.decode(wide or "utf-8-sig")
    except UnicodeDecodeError as broken:
        # A UTF-8 file with a few bad bytes also decodes as Windows-1258, into nonsense that
        # nobody would notice in a memo. Real Vietnamese UTF-8 is full of these byte pairs.
        if wide or len(_UTF8_PAIR.findall(data)) >= 3 or b"\x00" in data[:1000]:
            slug = "binary-file" if not wide and b"\x00" in data[:1000] else "bad-encoding"
            raise TextError(slug) from broken
    try:
        return data.decode("cp1258")
    except UnicodeDecodeError:
        raise TextError("bad-encoding") from None


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

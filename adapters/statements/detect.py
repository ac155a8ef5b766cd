"""Which reader a file needs, by its content alone: a name or an ending proves nothing."""

from __future__ import annotations

import re

from adapters.statements import mt940, mt940_fields, tabular
from adapters.statements.camt import CamtReader
from adapters.statements.damage import MOST_BYTES
from adapters.statements.encoding import TextError, decoded
from adapters.statements.refusals import refused
from adapters.statements.rows import DELIMITERS
from reconciliation.statement import ParsedFile, StatementReader

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf-file"),
    (b"\x1f\x8b", "other-archive"),
    (b"7z\xbc\xaf", "other-archive"),
    (b"Rar!", "other-archive"),
    (b"BZh", "other-archive"),
    (b"\x89PNG", "binary-file"),
    (b"\xff\xd8\xff", "binary-file"),
    (b"GIF8", "binary-file"),
)
_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|table|meta|script|style|div)\b", re.IGNORECASE
)


class CheckedReader:
    """A reader behind the checks every file gets: size, emptiness, and kinds nobody reads."""

    def __init__(self, reader: StatementReader) -> None:
        self._reader = reader

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """See StatementReader.read."""
        refusal = _refused_at_sight(data)
        if refusal is not None:
            return refused(refusal)
        return self._reader.read(data, name=name, profile=profile)


class ByContentReader:
    """Finds the format by content and reads it with the reader for it."""

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """See StatementReader.read."""
        if data.startswith((b"PK", _OLE)):
            return tabular.read_workbook(data, profile=profile)
        try:
            text = decoded(data)
        except TextError as unreadable:
            # An XML declares an encoding of its own; its parser may still know it.
            looks_like_xml = data.lstrip().startswith(b"<?xml")
            if looks_like_xml:
                return CamtReader().read(data)
            return refused(unreadable.slug, line=unreadable.line)
        return _read_text(text, data, profile)


class TextTableReader:
    """Reads bank tables in text: CSV, or an HTML page that holds one."""

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """See StatementReader.read."""
        try:
            text = decoded(data)
        except TextError as unreadable:
            return refused(unreadable.slug, line=unreadable.line)
        if is_html(text):
            return tabular.read_html(text, profile=profile)
        return tabular.read_csv(text, profile=profile)


class WorkbookReader:
    """Reads bank tables in XLSX or XLS workbooks."""

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """See StatementReader.read."""
        if not data.startswith((b"PK", _OLE)):
            return refused("other-format")
        return tabular.read_workbook(data, profile=profile)


def is_html(text: str) -> bool:
    """True if the text opens like a web page, whatever the file is called."""
    head = text[:2000].lstrip()
    return head.startswith("<") and bool(_HTML.search(head))


def _refused_at_sight(data: bytes) -> str | None:
    if len(data) > MOST_BYTES:
        return "too-large"
    if not data.strip(b" \t\r\n\x00\x1a") or data.strip() in {b"\xef\xbb\xbf", b"\xff\xfe"}:
        return "empty-file"
    return next((slug for magic, slug in _MAGIC if data.startswith(magic)), None)


def _read_text(text: str, data: bytes, profile: str | None) -> ParsedFile:
    if not text.strip():
        return refused("empty-file")
    if is_html(text):
        return tabular.read_html(text, profile=profile)
    if text.lstrip().startswith("<"):
        return CamtReader().read(data)
    if mt940_fields.looks_like_mt940(text):
        return mt940.read_text(text)
    result = tabular.read_csv(text, profile=profile)
    if result.error is not None and result.error.slug == "no-heading" and not _is_tabular(text):
        return refused("unknown-format")
    return result


def _is_tabular(text: str) -> bool:
    """True if several lines share a delimiter: a table, only not one we can read."""
    lines = text.splitlines()[:50]
    return any(sum(line.count(mark) >= 2 for line in lines) >= 2 for mark in DELIMITERS)

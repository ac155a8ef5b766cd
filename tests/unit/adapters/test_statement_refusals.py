"""Files that are no statement: each has its own error, in both languages."""

from __future__ import annotations

import pytest

from adapters.registry import STATEMENT_READERS
from adapters.statements import damage, refusals

SAMPLE = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"

BAD = {
    "nothing": (b"", "empty-file"),
    "blanks": (b" \r\n\t\n", "empty-file"),
    "mark only": (b"\xef\xbb\xbf", "empty-file"),
    "zeros": (b"\0" * 4000, "empty-file"),
    "prose": ("Kính gửi phụ huynh,\nĐây là thư.".encode(), "unknown-format"),
    "json": (b'{"error": "login"}', "unknown-format"),
    "another table": (b"ten,lop,diem\nA,4A2,10\nB,4A2,9\n", "no-heading"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "pdf-file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "binary-file"),
    "noise": (bytes(range(256)) * 40, "binary-file"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(50), "other-archive"),
    "cut zip": (b"PK\x03\x04" + bytes(300), "broken-archive"),
    "cut utf-8": (SAMPLE.encode().replace(b"y", b"\xff"), "bad-encoding"),
    "odd utf-16": ("\ufeff".encode("utf-16-le") + SAMPLE.encode("utf-16-le")[:-1], "bad-encoding"),
    "html": (b"<html><body>Login</body></html>", "html-page"),
    "xml": (b"<?xml version='1.0'?><a/>", "not-camt"),
    "broken xml": (b"<?xml version='1.0'?><Document><BkToCstmrStmt>", "broken-xml"),
    "too large": (b"x" * (damage.MOST_BYTES + 1), "too-large"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_statement_gets_its_own_error(case: str) -> None:
    data, slug = BAD[case]

    parsed = STATEMENT_READERS["auto"].read(data)

    assert parsed.statements == ()
    assert parsed.error is not None
    assert parsed.error.slug == slug


def test_no_two_refusals_share_their_words() -> None:
    said = [refusals.refusal(slug) for slug in refusals._REASONS]

    assert len({refusal.vi for refusal in said}) == len(said)
    assert len({refusal.en for refusal in said}) == len(said)


@pytest.mark.parametrize("format_", ["mt940", "camt", "xlsx"])
def test_a_format_that_was_asked_for_and_is_not_there_is_refused(format_: str) -> None:
    parsed = STATEMENT_READERS[format_].read(SAMPLE.encode())

    assert parsed.error is not None
    assert parsed.statements == ()


@pytest.mark.parametrize("format_", STATEMENT_READERS)
def test_an_empty_file_is_an_error_for_every_reader(format_: str) -> None:
    parsed = STATEMENT_READERS[format_].read(b"")

    assert parsed.error is not None
    assert parsed.error.slug == "empty-file"


def test_the_name_of_a_file_proves_nothing() -> None:
    text = b":20:X\n:25:9999000001\n:60F:C261120VND0,\n:62F:C261121VND0,\n-\n"

    parsed = STATEMENT_READERS["auto"].read(text, name="saoke.xlsx")

    assert parsed.format == "mt940"

"""Bad statement files: refused in words, or read as far as they go and never called whole."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.registry import SETTLEMENT_READERS, STATEMENT_READERS
from reconciliation.statement import ParsedFile
from tests.settlement_files import Settled, momo, vnpay

ABOVE = "Số tài khoản,9999000001\nSố dư đầu kỳ,1000\n"
HEAD = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"
GOOD = "21/11/2026,FT1,,5000,6000,hoc phi\n"
OTHER = "21/11/2026,FT2,,2000,8000,hoc phi\n"


def row(day: str = "21/11/2026", reference: str = "FT2", cash: str = "2000", more: str = "") -> str:
    return f"{day},{reference},,{cash},8000,hoc phi{more}\n"


def read(data: bytes | str) -> ParsedFile:
    return STATEMENT_READERS["auto"].read(data if isinstance(data, bytes) else data.encode())


BAD_ROWS: dict[str, tuple[str, str, str]] = {
    # what: (row 5 of the file, Vietnamese, English)
    "a fraction": (row(cash="1.5"), "số tiền “1.5”", "“1.5”"),
    "full-width digits": (row(cash="\uff12"), "số tiền", "amount cannot be read"),
    "a formula": (row(cash="=1+1"), "“=1+1”", "“=1+1”"),
    "more than a balance holds": (row(cash="9" * 19), "số tiền", "amount cannot be read"),
    "both sides": ("21/11/2026,FT2,5,7,8000,x\n", "tiền vào hay tiền ra", "in from money out"),
    "a separator in an amount": (row(cash="2,000"), "7 ô, tiêu đề có 6", "7 cells, the heading 6"),
    "cells too many": (row(more=",z,z"), "8 ô, tiêu đề có 6", "8 cells, the heading 6"),
    "cut off behind the amount": ("21/11/2026,FT2,,200", "bị cắt cụt", "cut off"),
    "cut off before it": ("21/11/2026,FT2", "không có số tiền", "no amount"),
    "an open quote": (row(more='"').replace("hoc", '"hoc', 1)[:-2], "ngoặc kép", "quote"),
    "no such day": (row(day="31/02/2026"), "“31/02/2026”", "“31/02/2026”"),
    "two digits of a year": (row(day="21/11/26"), "“21/11/26”", "“21/11/26”"),
    "a year no statement is from": (row(day="21/11/9999"), "“21/11/9999”", "“21/11/9999”"),
}  # fmt: skip


def test_a_bad_cell_is_told_with_its_column_what_stands_in_it_and_what_should() -> None:
    long = "mot so tien rat dai va khong ai doc duoc"
    bad = row(cash="1.5") + row(cash=long) + row(cash="1\u202e5") + row(day="31/02/2026")

    told = [one.vi for one in read(ABOVE + HEAD + bad).problems]

    wanted = "cần số đồng nguyên, như 1.234.567 hoặc 1234567. Hãy xuất lại sao kê"
    assert told[0].startswith("Cột “Số tiền ghi có”: không đọc được số tiền “1.5”; " + wanted)
    assert "“mot so tien rat dai va khong …”" in told[1]  # shortened
    assert "“1[U+202E]5”" in told[2]  # what nobody sees, and would turn the sentence round
    assert "Cột “Ngày giao dịch”" in told[3]
    assert "“31/02/2026”; cần ngày có thật dạng ngày/tháng/năm" in told[3]


@pytest.mark.parametrize("what", BAD_ROWS)
def test_a_bad_row_is_told_with_its_line_and_the_statement_is_not_whole(what: str) -> None:
    bad, vi, en = BAD_ROWS[what]

    parsed = read(ABOVE + HEAD + GOOD + bad)

    [problem] = parsed.problems
    [statement] = parsed.statements
    assert (problem.line, vi in problem.vi, en in problem.en) == (5, True, True)
    assert "tải lên lại." in problem.vi  # how to mend it
    assert "upload it." in problem.en
    assert [line.amount for line in statement.lines] == [Decimal(5000)]
    assert not statement.closes


def test_a_code_that_a_sheet_made_a_number_of_is_never_a_guess() -> None:
    parsed = read(ABOVE.replace("9999000001", "9.999E+9") + HEAD + row(reference="1.23E+15"))

    [statement] = parsed.statements
    assert (statement.account, statement.lines[0].bank_reference) == (None, None)
    assert [problem.line for problem in parsed.problems] == [1, 4]
    assert all("mất chữ số" in problem.vi for problem in parsed.problems)


def test_an_account_in_a_sheet_beyond_its_digits_is_no_account() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["Số tài khoản", 1.234e19])
    sheet.write_row(1, 0, HEAD.strip().split(","))
    sheet.write_row(2, 0, ["21/11/2026", "FT1", "", 5000, 5000, "x"])
    book.close()

    parsed = read(out.getvalue())

    assert parsed.statements[0].account is None
    assert (parsed.problems[0].line, "12340000000000000000" in parsed.problems[0].en) == (1, True)


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (HEAD + "05/09/2026,FT1,,5,5,x\n09/21/2026,FT2,,5,10,x\n", "month-first"),
        ((HEAD + GOOD).encode() + b"22/11/2026,FT2,,1,1,Tr\xe2n\n", "bad-encoding"),
        (b"Ngay,Ghi no,Ghi co,Mo ta\n21/11/2026,,5,N\xe9p ti\xd2n h\xe4c ph\xdd\n", "old-encoding"),
        ((HEAD + row(more="\ud800")).encode("utf-8", "surrogatepass"), "bad-encoding"),
        (HEAD.replace(",Số tiền ghi có", "") + GOOD, "no-heading"),
        ((HEAD + GOOD).encode() + bytes(range(32)) * 20, "binary-file"),
    ],
)  # fmt: skip
def test_a_file_that_could_be_read_in_two_ways_is_refused(data: bytes | str, slug: str) -> None:
    parsed = read(data)

    assert parsed.error is not None
    assert (parsed.error.slug, parsed.statements) == (slug, ())
    assert parsed.error.vi != parsed.error.en


@pytest.mark.parametrize(
    ("lost", "vi", "en"),
    [
        (",Số tiền ghi có", "thiếu cột: ghi có.", "Row 3 lacks: credit."),
        ("Ngày giao dịch", "thiếu cột: ngày.", "Row 3 lacks: date."),
        (",Số tiền ghi nợ,Số tiền ghi có", "thiếu cột: số tiền.", "Row 3 lacks: amount."),
    ],
)
def test_a_missing_column_is_named_with_the_row_it_is_missing_in(
    lost: str, vi: str, en: str
) -> None:
    parsed = read(ABOVE + HEAD.replace(lost, "") + GOOD)

    assert parsed.error is not None
    assert (vi in parsed.error.vi, en in parsed.error.en) == (True, True)


def test_a_file_with_one_bad_byte_says_in_which_line_it_stands() -> None:
    parsed = read((HEAD + GOOD).encode() + b"22/11/2026,FT2,,1,1,Tr\xe2n\n")

    assert parsed.error is not None
    assert parsed.error.en.endswith("(line 3)")
    assert parsed.error.vi.endswith("(dòng 3)")


@pytest.mark.parametrize("total", ["Tổng cộng,,0,7001,,\n", "Tổng cộng,,,7001,,\n"])
def test_a_line_of_totals_that_is_not_the_sum_is_told(total: str) -> None:
    parsed = read(ABOVE + HEAD + GOOD + OTHER + total)

    assert "7001" in parsed.problems[0].vi
    assert not parsed.statements[0].closes


@pytest.mark.parametrize("hidden", ["\0", "\x1b", "\u200b", "\u202e", "\u2066", "\ufeff"])
def test_what_nobody_sees_is_no_part_of_a_memo_or_reference(hidden: str) -> None:
    parsed = read(
        ABOVE + HEAD + row(reference=f"F{hidden}T2", cash="7000").replace("hoc", f"h{hidden}oc")
    )

    [line] = parsed.statements[0].lines
    assert (line.bank_reference, line.memo) == ("FT2", "hoc phi")
    assert parsed.statements[0].closes


def test_a_bad_time_behind_the_day_is_no_reference() -> None:
    parsed = read(ABOVE + HEAD + row(day="21/11/2026 25:61", cash="7000"))

    assert parsed.statements[0].lines[0].bank_reference == "FT2"


def a_camt() -> bytes:
    entries = "".join(
        f"<Ntry><Amt Ccy='VND'>{1000 * at}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
        f"<BookgDt><Dt>2026-11-21</Dt></BookgDt><AcctSvcrRef>FT{at}</AcctSvcrRef></Ntry>"
        for at in range(1, 5)
    )
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='VND'>{amount}</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>"
        for kind, amount in (("OPBD", 0), ("CLBD", 10_000))
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>'
        f"<Acct><Id><Othr><Id>9999000001</Id></Othr></Id></Acct>{balances}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def a_workbook() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    for at, line in enumerate((ABOVE + HEAD + GOOD + OTHER).strip().split("\n")):
        sheet.write_row(at, 0, line.split(","))
    book.close()
    return out.getvalue()


MT940 = (
    b":20:S\n:25:9999000001\n:28C:1/1\n:60F:C261121VND0,\n:61:2611211121C1000,NTRFNONREF//FT1\n"
    b":86:hoc phi\n:61:2611211121C2000,NTRFNONREF//FT2\n:86:hoc phi\n:62F:C261121VND3000,\n-\n"
)
WHOLE = [(ABOVE + HEAD + GOOD + OTHER).encode(), a_workbook(), MT940, a_camt()]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double", "drop"]),
        st.integers(0, 5_000),
        st.binary(min_size=1, max_size=4)
        | st.sampled_from([b",", b'"', b"\n", b"\r", b"\0", b"9", b"-", b"\xff", b"<", b":61:"]),
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


def mutated(data: bytes, steps: Sequence[tuple[str, int, bytes]]) -> bytes:
    for how, where, what in steps:
        at = where % (len(data) + 1)
        if how == "flip":
            data = data[:at] + what + data[at + len(what) :]
        elif how == "cut":
            data = data[: max(at, len(data) // 3)]
        elif how == "insert":
            data = data[:at] + what + data[at:]
        elif how == "double":
            data = data[:at] + data[max(0, at - 60) :]
        else:
            data = data[:at] + data[at + 20 :]
    return data


@settings(deadline=None)
@given(st.sampled_from(WHOLE), STEPS)
def test_no_damage_raises_and_what_closes_adds_up(
    whole: bytes, steps: list[tuple[str, int, bytes]]
) -> None:
    parsed = read(mutated(whole, steps))

    assert parsed.error is not None or parsed.statements
    for statement in parsed.statements:
        if statement.closes:
            moved = sum((line.amount for line in statement.lines), Decimal(0))
            assert statement.opening is not None
            assert statement.opening + moved == statement.closing
            assert statement.entries == len(statement.lines)


SETTLED = [Settled(str(at), 1_000 * at, 10) for at in range(1, 6)]


@settings(deadline=None)
@given(st.sampled_from([("vnpay", vnpay(SETTLED)), ("momo", momo(SETTLED))]), STEPS)
def test_no_damage_to_a_settlement_file_raises_and_each_row_adds_up(
    whole: tuple[str, bytes], steps: list[tuple[str, int, bytes]]
) -> None:
    gateway, data = whole

    report = SETTLEMENT_READERS[gateway].read(mutated(data, steps))

    assert report.error is not None or report.rows or report.problems
    assert all(one.gross - one.fee == one.net for one in report.rows)

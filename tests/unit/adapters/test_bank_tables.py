"""Bank tables: headings, encodings, footers, running balances, and rows that cannot be read."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest

from adapters.registry import STATEMENT_READERS, statement_profiles
from reconciliation.statement import ParsedFile, Statement

HEADING = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả"


def read(text: str, profile: str | None = None, encoding: str = "utf-8") -> ParsedFile:
    return STATEMENT_READERS["auto"].read(text.encode(encoding), profile=profile)


def table(*rows: str, heading: str = HEADING) -> str:
    return "\n".join((heading, *rows)) + "\n"


def the_statement(parsed: ParsedFile) -> Statement:
    (statement,) = parsed.statements
    return statement


def amounts(parsed: ParsedFile) -> list[int]:
    return [int(line.amount) for line in the_statement(parsed).lines]


HEADINGS = {
    "vietcombank": HEADING,
    "bidv": "NGÀY HIỆU LỰC,GHI NỢ,GHI CÓ,SỐ DƯ,MÔ TẢ",
    "vietinbank": (
        "Ngày hạch toán/Accounting date,Mô tả giao dịch,Nợ/ Debit,Có / Credit,"
        "Số dư TK/ Account Balance,Số giao dịch/ Transaction number"
    ),
    "agribank": "STT,Ngày giao dịch,Giờ,Số bút toán,Phát sinh nợ,Phát sinh có,Số dư,Nội dung",
    "generic": "Ngày,Mã giao dịch,Tiền ra,Tiền vào,Số dư,Nội dung,Kênh",
}


@pytest.mark.parametrize("profile", HEADINGS)
def test_a_bank_is_known_by_its_own_headings(profile: str) -> None:
    values = {"ngay": "21/11/2026", "date": "21/11/2026", "so du": "1500000", "gio": "10:17"}
    cells = []
    for heading in HEADINGS[profile].split(","):
        word = heading.lower()
        if "ngày" in word:
            cells.append(values["ngay"])
        elif "có" in word or "vào" in word:
            cells.append("1500000")
        elif "dư" in word:
            cells.append(values["so du"])
        elif "giờ" in word:
            cells.append(values["gio"])
        else:
            cells.append("" if "nợ" in word or "ra" in word else "X")
    text = table(",".join(cells), heading=HEADINGS[profile])

    statement = the_statement(read(text))

    assert statement.bank == profile
    assert statement.lines[0].amount == 1_500_000
    assert statement.lines[0].booking_date == date(2026, 11, 21)
    assert statement.closes


def test_the_banks_name_above_the_table_decides_between_alike_headings() -> None:
    heading = "STT,Ngày giao dịch,Số bút toán,Phát sinh nợ,Phát sinh có,Số dư,Nội dung"
    row = '1,21/11/2026,FT1,,"1,500","1,500",hoc phi'

    agribank = read("NGÂN HÀNG NÔNG NGHIỆP VÀ PHÁT TRIỂN NÔNG THÔN\n" + table(row, heading=heading))
    mb = read("MB Bank\n" + table(row, heading=heading))

    assert the_statement(agribank).bank == "agribank"
    assert the_statement(mb).bank == "mb"


def test_every_profile_is_offered_by_name() -> None:
    assert set(statement_profiles()) == {
        "agribank", "bidv", "generic", "mb", "techcombank", "vietcombank", "vietinbank",
    }  # fmt: skip


def test_an_unknown_profile_is_refused() -> None:
    parsed = read(table(), profile="nobank")

    assert parsed.error is not None
    assert parsed.error.slug == "unknown-profile"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_delimiter_and_encoding_are_found_by_the_heading(delimiter: str, encoding: str) -> None:
    text = table('21/11/2026,FT1,,1500000,1500000,"học phí"').replace(",", delimiter)

    statement = the_statement(read(text, encoding=encoding))

    assert statement.lines[0].memo == "học phí"
    assert statement.closes


def test_windows_1258_is_read_and_composed() -> None:
    text = table("21/11/2026,FT1,,1500000,1500000,hoc phi")
    # The code page writes some accents as marks behind their letter.
    decomposed = text.replace("ố", "ô\u0301").replace("ợ", "ơ\u0323").replace("ị", "i\u0323")
    decomposed = decomposed.replace("ế", "ê\u0301").replace("ề", "ê\u0300").replace("ả", "a\u0309")

    statement = the_statement(read(decomposed, encoding="cp1258"))

    assert statement.bank == "vietcombank"
    assert statement.closes


def test_a_heading_may_stand_in_row_32_under_a_letterhead() -> None:
    letterhead = "\n".join(f"Dòng {number},,,," for number in range(1, 32))

    parsed = read(letterhead + "\n" + table("21/11/2026,FT1,,1500000,1500000,hoc phi"))

    assert the_statement(parsed).lines[0].line == 33


def test_a_heading_of_two_rows_is_read_as_one() -> None:
    text = (
        "Ngày giao dịch,Số bút toán,Phát sinh,,Số dư,Nội dung\n"
        ",,Nợ,Có,,\n"
        "(1),(2),(3),(4),(5),(6)\n"
        '21/11/2026,FT1,,"1,500","1,500",hoc phi\n'
    )

    parsed = read(text)

    assert amounts(parsed) == [1500]
    assert parsed.problems == ()


def test_an_english_row_below_and_a_repeated_heading_are_no_entries() -> None:
    english = "Transaction Date,Reference No,Debit,Credit,Balance,Description"
    text = table(
        english,
        "21/11/2026,FT1,,1500000,1500000,mot",
        HEADING,
        "21/11/2026,FT2,500000,,1000000,hai",
    )

    parsed = read(text)

    assert amounts(parsed) == [1_500_000, -500_000]
    assert parsed.problems == ()


def test_account_currency_and_balances_are_taken_from_above_the_table() -> None:
    above = (
        "Số tài khoản: 9999000001 - TRUONG TIEU HOC HOA SEN\n"
        "Loại tiền/Currency,VND\n"
        'Số dư đầu kỳ/Opening balance,,"1,000,000 VND"\n'
    )
    text = table("21/11/2026,FT1,,1500000,,hoc phi", "Số dư cuối kỳ,,,,2500000,")

    statement = the_statement(read(above + text))

    assert statement.account == "9999000001"
    assert (statement.opening, statement.closing) == (Decimal(1_000_000), Decimal(2_500_000))
    assert statement.closes


def test_a_foreign_account_is_read_with_its_decimals() -> None:
    text = "Loại tiền: USD\n" + table('21/11/2026,FT1,,"1,234.56","1,234.56",x')

    statement = the_statement(read(text))

    assert statement.currency == "USD"
    assert statement.lines[0].amount == Decimal("1234.56")
    assert statement.closes


def test_an_entry_whose_memo_speaks_of_totals_is_an_entry() -> None:
    text = table(
        "21/11/2026,FT1,,1500000,1500000,Tong so tien hoc phi",
        "21/11/2026,FT2,,500000,2000000,Total payment so du cuoi ky",
    )

    assert amounts(read(text)) == [1_500_000, 500_000]


def test_entries_behind_a_page_total_are_still_read() -> None:
    text = table(
        "21/11/2026,FT1,,1500000,1500000,mot",
        "Cộng trang,,,1500000,,",
        "22/11/2026,FT2,,500000,2000000,hai",
        "Tổng số,,0,2000000,,",
    )

    parsed = read(text)

    assert amounts(parsed) == [1_500_000, 500_000]
    assert parsed.complete


def test_totals_that_are_not_the_sum_of_the_rows_are_reported() -> None:
    text = table("21/11/2026,FT1,,1500000,1500000,mot", "Tổng số/Total,,0,2000000,,")

    parsed = read(text)

    assert "totals" in parsed.problems[0].en
    assert not parsed.complete


def test_a_bad_amount_is_a_problem_with_its_line_and_the_rest_is_kept() -> None:
    rows = [f"21/11/2026,FT{n},,1000,{n * 1000},hoc phi" for n in range(1, 5001)]
    rows[3015] = rows[3015].replace(",,1000,", ",,1.00O,")

    parsed = read(table(*rows))
    statement = the_statement(parsed)

    assert parsed.problems[0].line == 3017
    assert "1.00O" in parsed.problems[0].en
    assert len(statement.lines) == 4999
    assert not statement.closes


@pytest.mark.parametrize("day", ["11/21/2026", "31/02/2026", "21/11/26", "2026", ""])
def test_a_row_with_money_and_no_valid_day_is_a_problem(day: str) -> None:
    text = table("21/11/2026,FT1,,1000,1000,mot", f"{day},FT2,,2000,3000,hai")

    parsed = read(text)

    assert amounts(parsed) == [1000]
    assert parsed.problems[0].line == 3
    assert not parsed.complete


@pytest.mark.parametrize(
    ("said", "day", "moment"),
    [
        ("21/11/2026 10:17:33", date(2026, 11, 21), time(10, 17, 33)),
        ("21-11-2026", date(2026, 11, 21), None),
        ("2026-11-21 10:17", date(2026, 11, 21), time(10, 17)),
        ("1/2/2026", date(2026, 2, 1), None),
        ("46347", date(2026, 11, 21), None),
    ],
)
def test_days_are_read_day_first(said: str, day: date, moment: time | None) -> None:
    (line,) = the_statement(read(table(f"{said},FT1,,1000,1000,x"))).lines

    assert (line.booking_date, line.txn_time) == (day, moment)


def test_newest_first_is_told_from_the_balances() -> None:
    text = table("22/11/2026,FT2,,500,1500,hai", "21/11/2026,FT1,,1000,1000,mot")

    statement = the_statement(read(text))

    assert (statement.opening, statement.closing) == (Decimal(0), Decimal(1500))
    assert statement.closes


def test_a_missing_row_breaks_the_running_balance() -> None:
    text = table("21/11/2026,FT1,,1000,1000,mot", "21/11/2026,FT3,,3000,6000,ba")

    parsed = read(text)

    assert "a line may be missing" in parsed.problems[0].en
    assert parsed.problems[0].line == 3
    assert not parsed.complete


def test_a_minus_inside_a_debit_column_is_still_a_debit() -> None:
    text = table('21/11/2026,FT1,"-22,000",,"-22,000",phi')

    assert amounts(read(text)) == [-22_000]


def test_a_row_with_a_day_and_no_amount_is_a_problem() -> None:
    parsed = read(table("21/11/2026,FT1,,1000,1000,mot", "21/11/2026,FT2,,"))

    assert parsed.problems[0].line == 3
    assert not parsed.complete


def test_a_memo_wrapped_into_the_next_row_is_put_together() -> None:
    text = table("21/11/2026,FT1,,1000,1000,MBVCB.1.HP7K2M", ",,,,,9QX4T chuyen tien")

    assert the_statement(read(text)).lines[0].memo == "MBVCB.1.HP7K2M 9QX4T chuyen tien"


def test_signature_lines_below_the_table_are_no_problem() -> None:
    text = table("21/11/2026,FT1,,1000,1000,mot", ",,,,,", "Người lập,,,Kế toán trưởng,,Giám đốc")

    parsed = read(text)

    assert parsed.problems == ()
    assert parsed.complete


def test_a_formula_is_text_and_a_leading_zero_survives() -> None:
    heading = "Ngày,Số tiền,Loại giao dịch,Tài khoản đối ứng,Nội dung"
    text = table("21/11/2026,1000,CR,0099000123,=HYPERLINK(1)", heading=heading)

    (line,) = the_statement(read(text)).lines

    assert line.counterparty_account == "0099000123"
    assert line.memo == "=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("kind", "said", "amount"),
    [
        ("CR", "1000", 1000),
        ("DR", "1000", -1000),
        ("DR", "-1000", -1000),
        ("Ghi nợ", "1.000", -1000),
        ("Ghi có", "1.000", 1000),
        ("+", "1000", 1000),
        ("-", "1000", -1000),
        ("D", "1000", -1000),
    ],
)
def test_one_amount_column_gets_its_side_from_the_kind(kind: str, said: str, amount: int) -> None:
    text = table(f"21/11/2026,{said},{kind},x", heading="Ngày,Số tiền,Loại giao dịch,Nội dung")

    assert amounts(read(text)) == [amount]


def test_a_signed_amount_column_needs_no_kind() -> None:
    text = table('21/11/2026,"+1,000",x', '21/11/2026,"-400",y', heading="Ngày,Số tiền,Nội dung")

    assert amounts(read(text)) == [1000, -400]


def test_an_amount_that_may_be_in_or_out_is_a_problem() -> None:
    unsigned = read(table("21/11/2026,1000,x", heading="Ngày,Số tiền,Nội dung"))
    unknown = read(table("21/11/2026,1000,Khác,x", heading="Ngày,Số tiền,Loại giao dịch,Nội dung"))

    for parsed in (unsigned, unknown):
        assert "money in from money out" in parsed.problems[0].en
        assert the_statement(parsed).lines == ()
        assert not parsed.complete


def test_a_quote_that_never_closes_costs_its_own_line_only() -> None:
    text = table(
        "21/11/2026,FT1,,1000,1000,mot",
        '21/11/2026,FT2,,1000,2000,"hai',
        "21/11/2026,FT3,,1000,3000,ba",
    )

    parsed = read(text)

    assert amounts(parsed) == [1000, 1000]
    assert parsed.problems[0].line == 3
    assert not parsed.complete


def test_a_table_cut_in_the_middle_of_a_row_is_not_complete() -> None:
    whole = table(*(f"21/11/2026,FT{n},,1000,{n * 1000},hoc phi" for n in range(1, 9)))
    start = whole.index("21/11/2026,FT8")

    for end in range(start + 1, whole.index(",8000", start) + len(",800")):
        assert not read(whole[:end]).complete, whole[start:end]


def test_two_equal_rows_are_two_entries() -> None:
    text = table("21/11/2026,FT1,,1000,1000,mot", "21/11/2026,FT1,,1000,2000,mot")

    assert amounts(read(text)) == [1000, 1000]

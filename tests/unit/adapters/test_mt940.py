"""MT940: signs, years, pages, glued and unreadable entries."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from adapters.registry import STATEMENT_READERS
from reconciliation.statement import ParsedFile


def read(text: str) -> ParsedFile:
    return STATEMENT_READERS["auto"].read(text.encode())


def a_statement(*entries: str, opening: str = "C261120VND1000,", closing: str) -> str:
    body = "".join(f"{entry}\n" for entry in entries)
    return f":20:X\n:25:9999000001\n:28C:1/1\n:60F:{opening}\n{body}:62F:{closing}\n-\n"


@pytest.mark.parametrize(
    ("mark", "amount", "is_reversal"),
    [("C", 500, False), ("D", -500, False), ("RC", -500, True), ("RD", 500, True)],
)
def test_a_reversed_credit_takes_money_out_and_a_reversed_debit_puts_it_back(
    mark: str, amount: int, is_reversal: bool
) -> None:
    text = a_statement(
        f":61:2611211121{mark}500,NTRFNONREF//FT1", closing=f"C261121VND{1000 + amount},"
    )

    (statement,) = read(text).statements

    assert statement.lines[0].amount == amount
    assert statement.lines[0].is_reversal is is_reversal
    assert statement.closes


@pytest.mark.parametrize(
    ("value", "entry", "booked"),
    [
        ("260102", "1231", date(2025, 12, 31)),
        ("251231", "0102", date(2026, 1, 2)),
        ("261121", "1122", date(2026, 11, 22)),
        ("261121", "", date(2026, 11, 21)),
        ("240301", "0229", date(2024, 2, 29)),
    ],
)
def test_the_entry_year_is_the_one_nearest_to_the_value_date(
    value: str, entry: str, booked: date
) -> None:
    text = a_statement(f":61:{value}{entry}C5,NTRFNONREF", closing="C261121VND1005,")

    (statement,) = read(text).statements

    assert statement.lines[0].booking_date == booked


def test_continuation_lines_are_squeezed_into_one_memo() -> None:
    text = a_statement(
        ":61:261121C5,NTRFHP1//FT1",
        ":86:MBVCB.1.HP7K2M9QX4T.CT tu",
        "   9999000002 NGUYEN VAN A",
        ":45 la gio, khong phai the",
        closing="C261121VND1005,",
    )

    (line,) = read(text).statements[0].lines

    assert line.memo == (
        "MBVCB.1.HP7K2M9QX4T.CT tu 9999000002 NGUYEN VAN A :45 la gio, khong phai the"
    )


def test_a_memo_behind_the_closing_balance_belongs_to_no_entry() -> None:
    text = a_statement(":61:261121C5,NTRFNONREF", ":86:hoc phi", closing="C261121VND1005,")

    (line,) = read(text.replace("\n-\n", "\n:86:/SUM/1/1/\n-\n")).statements[0].lines

    assert line.memo == "hoc phi"


@pytest.mark.parametrize(
    "entry",
    [
        ":61:2611211121C1.500,00NTRFNONREF",
        ":61:2611211121C1500.00NTRFNONREF",
        ":61:2611211121C0,50NTRFNONREF",
        ":61:2613211121C500,NTRFNONREF",
        ":61:2611211341C500,NTRFNONREF",
        ":61:2611211121X500,NTRFNONREF",
        ":61:2611211121ED500,NTRFNONREF",
        ":61:2611211121C,NTRFNONREF",
        ":61:rubbish",
        ":61:",
    ],
)
def test_an_unreadable_entry_is_a_problem_with_its_line_and_the_rest_is_kept(entry: str) -> None:
    text = a_statement(
        ":61:2611211121C5,NTRFNONREF",
        entry,
        ":61:2611211121C7,NTRFNONREF",
        closing="C261121VND1012,",
    )

    parsed = read(text)
    (statement,) = parsed.statements

    assert [line.amount for line in statement.lines] == [5, 7]
    assert statement.entries == 3
    assert [problem.line for problem in parsed.problems] == [6]
    assert not statement.closes, "the readable entries alone must not prove a statement complete"


def test_an_entry_glued_to_another_line_is_counted_and_reported() -> None:
    text = a_statement(
        ":61:2611211121C5,NTRFNONREF",
        ":86:hoc phi:61:2611211121C7,NTRFNONREF",
        closing="C261121VND1005,",
    )

    parsed = read(text)

    assert "2 entries" in parsed.problems[-1].en
    assert not parsed.complete


def test_pages_are_statements_that_follow_on() -> None:
    first = a_statement(":61:261121C5,NTRFNONREF", closing="C261121VND1005,").replace("62F", "62M")
    second = a_statement(
        ":61:261121C7,NTRFNONREF", opening="C261121VND1005,", closing="C261121VND1012,"
    ).replace("60F", "60M")

    parsed = read(first + second)

    assert [statement.closes for statement in parsed.statements] == [True, True]
    assert parsed.complete


def test_a_missing_page_is_an_error_although_the_page_there_closes() -> None:
    first = a_statement(":61:261121C5,NTRFNONREF", closing="C261121VND1005,").replace("62F", "62M")

    parsed = read(first)

    assert parsed.error is not None
    assert parsed.error.slug == "page-missing"
    assert not parsed.complete


def test_a_file_cut_before_the_closing_balance_does_not_close() -> None:
    whole = a_statement(":61:261121C5,NTRFNONREF", closing="C261121VND1005,")

    parsed = read(whole[: whole.index(":62F:")])

    assert parsed.statements[0].lines[0].amount == 5
    assert parsed.statements[0].closing is None
    assert "closing balance" in parsed.problems[0].en
    assert not parsed.complete


def test_swift_envelopes_and_windows_line_ends_are_no_part_of_the_statement() -> None:
    text = a_statement(":61:261121C5,NTRFNONREF", closing="C261121VND1005,").removesuffix("-\n")
    wrapped = "{1:F01BANKVNVXAXXX0000000000}{2:I940BANKVNVXXXXXN}{4:" + text + "-}{5:}\n"

    parsed = read((wrapped * 2).replace("\n", "\r\n"))

    assert [statement.closes for statement in parsed.statements] == [True, True]
    assert parsed.problems == ()


def test_a_second_account_in_the_same_block_is_a_statement_of_its_own() -> None:
    text = a_statement(":61:261121C5,NTRFNONREF", closing="C261121VND1005,").removesuffix("-\n")
    more = ":25:9999000002\n:60F:C261120VND0,\n:62F:C261121VND0,\n-\n"

    parsed = read(text + more)

    assert [statement.account for statement in parsed.statements] == ["9999000001", "9999000002"]


def test_the_account_is_given_without_the_currency_behind_it() -> None:
    text = a_statement(closing="C261121VND1000,").replace(":25:9999000001", ":25:9999000001VND")

    assert read(text).statements[0].account == "9999000001"


def test_a_reference_longer_than_allowed_keeps_the_bank_reference_behind_it() -> None:
    text = a_statement(
        ":61:2611211121C5,NTRFHP7K2M9QX4T00112233445//FT26325123456", closing="C261121VND1005,"
    )

    (line,) = read(text).statements[0].lines

    assert line.reference == "HP7K2M9QX4T00112233445"
    assert line.bank_reference == "FT26325123456"


def test_a_foreign_statement_keeps_its_decimals() -> None:
    text = a_statement(
        ":61:261121C12,45NTRFNONREF", opening="D261120EUR0,45", closing="C261121EUR12,00"
    )

    (statement,) = read(text).statements

    assert (statement.opening, statement.closing) == (Decimal("-0.45"), Decimal("12.00"))
    assert statement.closes


def test_the_closing_balance_names_its_day() -> None:
    (statement,) = read(a_statement(closing="C261121VND1000,")).statements

    assert statement.closing_day == date(2026, 11, 21)


def test_an_interim_report_has_a_currency_and_no_balances() -> None:
    text = ":20:X\n:25:9999000001\n:28C:1/1\n:34F:EUR0,\n:61:261121C12,45NTRFNONREF\n-\n"

    (statement,) = read(text).statements

    assert statement.currency == "EUR"
    assert statement.lines[0].amount == Decimal("12.45")
    assert not statement.closes


@pytest.mark.parametrize(
    "loose_end", ["{1:F01BANKVN", "{1:F01BANKVNVX}{2:I940}{4:", ":", ":20", "{"]
)
def test_a_loose_end_behind_statements_that_close_is_an_error(loose_end: str) -> None:
    text = a_statement(":61:261121C5,NTRFNONREF", closing="C261121VND1005,")

    parsed = read(text + loose_end)

    assert parsed.statements[0].closes
    assert parsed.error is not None
    assert parsed.error.slug == "cut-message"

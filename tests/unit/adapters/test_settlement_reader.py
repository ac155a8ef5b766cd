"""Settlement files of the three gateways, as they come and as they come damaged."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from hypothesis import given
from hypothesis import strategies as st

from adapters.momo.report import READER as MOMO
from adapters.vnpay.report import READER as VNPAY
from adapters.zalopay.report import READER as ZALOPAY
from payments.domain.calendar import HANOI
from reconciliation.settlement_report import Report, ReportRow, RowKind
from tests import settlement_files as made
from tests.settlement_files import Settled

PAID = Settled("14422574", 581_000, 6_391, ref="TP01")
BACK = Settled("14422599", -100_000, 0, "refund", ref="TP01-R1")
DISPUTED = Settled("14422601", -30_000, 0, "chargeback")


def gross(report: Report) -> list[int]:
    return [row.gross for row in report.rows]


def lines(report: Report) -> list[int]:
    return [problem.line for problem in report.problems]


def slug(report: Report) -> str:
    assert report.error is not None
    assert report.rows == ()
    return report.error.slug


def test_a_row_of_vnpay_is_read_whole() -> None:
    report = VNPAY.read(made.vnpay([PAID]), merchant="HOASEN01")

    assert report.problems == ()
    assert report.rows == (
        ReportRow(
            line=2,
            batch="VNP2026031101",
            settle_date=date(2026, 3, 11),
            kind=RowKind.PAYMENT,
            txn_id="14422574",
            merchant_ref="TP01",
            request_ref="",
            paid_at=datetime(2026, 3, 10, 9, 0, tzinfo=HANOI),
            gross=581_000,
            fee=6_391,
            net=574_609,
        ),
    )


def test_the_usual_layouts_say_the_same() -> None:
    rows = [PAID, BACK, DISPUTED]

    reports = [
        VNPAY.read(made.vnpay(rows)),
        MOMO.read(made.momo(rows)),
        ZALOPAY.read(made.zalopay(rows).encode()),
    ]

    assert [report.problems for report in reports] == [(), (), ()]
    assert reports[0].rows == reports[1].rows == reports[2].rows
    assert [row.kind.value for row in reports[0].rows] == ["payment", "refund", "chargeback"]
    assert [row.net for row in reports[0].rows] == [574_609, -100_000, -30_000]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_any_unicode_is_read(encoding: str) -> None:
    report = ZALOPAY.read(made.zalopay([PAID, BACK]).encode(encoding))

    assert gross(report) == [581_000, -100_000]


def test_windows_1258_is_read_where_it_can_only_be_that() -> None:
    # As Vietnamese Windows writes it: a base letter and its mark.
    text = made.zalopay([PAID]).replace("ợ", "\u01a1\u0323").replace("ế", "\u00ea\u0301")
    for whole, parts in (("ã", "a\u0303"), ("à", "\u00e0"), ("ạ", "a\u0323"), ("ờ", "\u01a1\u0300"),
                         ("ố", "\u00f4\u0301"), ("ề", "\u00ea\u0300"), ("í", "i\u0301"),
                         ("ự", "\u01b0\u0323"), ("ậ", "\u00e2\u0323")):  # fmt: skip
        text = text.replace(whole, parts)

    report = ZALOPAY.read(text.encode("cp1258"))

    assert gross(report) == [581_000]


def test_columns_are_found_by_name_in_any_order_and_others_are_left_alone() -> None:
    data = (
        "Note,NetAmount,Fee,Amount,Type,TransactionNo,SettleDate,Batch\n"
        "x,574609,6391,581000,PAY,14422574,20260311,VNP1\n"
    )

    report = VNPAY.read(data.encode())

    assert gross(report) == [581_000]
    assert report.rows[0].paid_at is None


def test_a_title_and_the_same_heading_in_two_languages_stand_above_the_rows() -> None:
    body = made.zalopay([PAID]).split("\r\n", 1)
    english = "Batch;Settled on;App trans;Trans;Type;Time;Gross;Fee;Net"
    text = "\r\n".join(["BẢNG KÊ QUYẾT TOÁN;;;", "", body[0], english, body[1]])

    report = ZALOPAY.read(text.encode())

    assert gross(report) == [581_000]
    assert report.problems == ()


def test_a_heading_of_two_rows_is_read_as_one() -> None:
    text = (
        "Mã đợt;Ngày quyết toán;Giao dịch;;Loại;Tiền;;\n"
        ";;app_trans_id;zp_trans_id;;Số tiền;Phí;Thực nhận\n"
        "ZLP2026031101;11/03/2026;a1;260310000001;Thanh toán;1.500.000;15.000;1.485.000\n"
    )

    report = ZALOPAY.read(text.encode())

    assert gross(report) == [1_500_000]
    assert report.problems == ()


def test_a_footer_is_no_row_and_its_total_is_compared() -> None:
    right = made.zalopay([PAID]) + "Tổng cộng;;;;;;581.000;6.391;574.609\r\nTrang 1/1\r\n"
    wrong = right.replace("574.609\r\nTrang", "574.600\r\nTrang")

    assert ZALOPAY.read(right.encode()).problems == ()
    told = ZALOPAY.read(wrong.encode())

    assert gross(told) == [581_000]
    assert lines(told) == [3]
    assert "574.609" in told.problems[0].vi


def test_a_heading_that_is_printed_on_every_page_is_no_row() -> None:
    text = made.vnpay([PAID]).decode() + made.VNPAY_HEADING + "\r\n"

    report = VNPAY.read(text.encode())

    assert (gross(report), report.problems) == ([581_000], ())


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1.500.000", 1_500_000), ("1.500.000,00", 1_500_000), ("1500000,00", 1_500_000),
     ("1,500,000", 1_500_000), ("1 500 000 đ", 1_500_000), ("1.500", 1_500)],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(written: str, amount: int) -> None:
    text = f"{made.ZALOPAY_HEADING}\nZ1;11/03/2026;a;1;Thanh toán;;{written};0;{written}\n"

    assert gross(ZALOPAY.read(text.encode())) == [amount]


BAD = {
    "amount": ("581000,6391,574609", "58l000,6391,574609"),
    "half a đồng": ("581000,6391,574609", "581000.5,6391,574609"),
    "a sum that does not fit": ("574609", "574600"),
    "an unknown type": ("PAY", "TOPUP"),
    "a day that does not exist": (",20260311,", ",20260231,"),
    "a day in another order": (",20260311,", ",11032026,"),
    "no transaction number": ("14422574", ""),
    "a formula": ("14422574", "=1+1"),
    "a payment that is negative": ("581000,6391,574609", "-581000,6391,-587391"),
    "no batch": ("VNP2026031101,", ","),
    "no net amount": ("574609", ""),
    "a number that was rounded": ("14422574", "1.4422574E+7"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_row_has_its_line_and_the_others_are_kept(what: str) -> None:
    whole = made.vnpay([Settled("1", 1_000), PAID, Settled("3", 3_000)]).decode()
    old, new = BAD[what]
    assert old in whole.splitlines()[2]
    damaged = whole.splitlines()
    damaged[2] = damaged[2].replace(old, new, 1)

    report = VNPAY.read("\n".join(damaged).encode())

    assert gross(report) == [1_000, 3_000]
    assert lines(report) == [3]
    assert report.problems[0].vi != report.problems[0].en


def test_a_file_of_another_gateway_is_named() -> None:
    report = VNPAY.read(made.momo([PAID]))

    assert slug(report) == "other-gateway"
    assert report.error is not None
    assert "MoMo" in report.error.en
    assert slug(MOMO.read(made.zalopay([PAID]).encode())) == "other-gateway"


def test_a_file_with_a_transaction_of_another_merchant_is_refused_whole() -> None:
    ours = made.vnpay([PAID]).decode()
    data = (ours + ours.splitlines()[1].replace("HOASEN01", "KHAC0001")).encode()

    report = VNPAY.read(data, merchant="HOASEN01")

    assert slug(report) == "other-merchant"
    assert "KHAC0001" in report.error.vi if report.error else False


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty-file"), (b"\xef\xbb\xbf\r\n", "empty-file"), (b"%PDF-1.7 ...", "pdf-file"),
     (b"<html><body>Sign in</body></html>", "html-page"), (b"PK\x03\x04half", "broken-archive"),
     (b"\x00\x01\x02\x03" * 50, "binary-file"), (b"a,b,c\n1,2,3\n", "no-heading"),
     (made.VNPAY_HEADING.encode(), "no-rows")],
)  # fmt: skip
def test_what_is_no_settlement_file_is_refused_with_a_reason(data: bytes, why: str) -> None:
    assert slug(VNPAY.read(data)) == why


def test_a_profile_renames_columns_words_and_formats() -> None:
    profile = """
        gateway = "vnpay"
        delimiter = "|"
        date = "%d-%m-%Y"
        time = "%d-%m-%Y %H:%M"
        negatives = false
        [columns]
        batch = ["Phiên"]
        txn_id = ["Mã GD"]
        vat = ["Thuế"]
        [types]
        payment = ["Bán"]
        refund = ["Trả lại"]
    """
    text = (
        "Phiên|SettleDate|Mã GD|Type|PayDate|Amount|Fee|Thuế|NetAmount\n"
        "P1|11-03-2026|7|Bán|10-03-2026 09:30|100000|1000|100|98900\n"
        "P1|11-03-2026|8|Trả lại|10-03-2026 09:31|100000|1000|100|98900\n"
    )

    report = VNPAY.read(text.encode(), profile=profile)

    assert report.problems == ()
    assert [(row.gross, row.fee, row.net) for row in report.rows] == [
        (100_000, 1_100, 98_900),
        (-100_000, -1_100, -98_900),
    ]


@pytest.mark.parametrize(
    "profile",
    ["nonsense", "date = 5", 'date = "%d"', 'delimiter = "xx"', 'gateway = "momo"',
     '[columns]\nbatch = ["Type"]', "[columns]\nbatch = []", 'encoding = "rot13"',
     '[columns]\nname = ["x"]', "surprise = 1", '[types]\nrefund = ["x"]', 'negatives = "yes"'],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_says_why(profile: str) -> None:
    assert slug(VNPAY.read(made.vnpay([PAID]), profile=profile)) == "bad-profile"


def a_workbook(rows: list[list[Any]]) -> bytes:
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Quyết toán")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(at, column, cell, day)
                elif isinstance(cell, str) and cell.startswith("="):
                    sheet.write_formula(at, column, cell, value="ran")
                else:
                    sheet.write(at, column, cell)
    return kept.getvalue()


def test_a_workbook_is_read_with_real_dates_and_numbers() -> None:
    heading = made.MOMO_HEADING.split(",")
    when = datetime(2026, 3, 10, 9, 0)  # noqa: DTZ001  # a sheet knows no zone
    row = ["M1", datetime(2026, 3, 11), "P", "TP1", "", 4014083433, "payment", when,  # noqa: DTZ001  # as above
           581_000, 6_391, 574_609, "Success"]  # fmt: skip

    report = MOMO.read(a_workbook([["MoMo", "", ""], heading, row]))

    assert report.problems == ()
    assert report.rows[0].txn_id == "4014083433"
    assert report.rows[0].settle_date == date(2026, 3, 11)
    assert report.rows[0].paid_at == datetime(2026, 3, 10, 9, 0, tzinfo=HANOI)


def test_a_number_that_a_sheet_has_cut_is_a_problem_and_a_formula_is_not_run() -> None:
    heading = made.MOMO_HEADING.split(",")
    usual = ["M1", "2026-03-11", "P", "", "", 1, "payment", "", 1_000, 0, 1_000, "Success"]
    cut, formula = list(usual), list(usual)
    cut[5], formula[5] = 12345678901234567890, '=HYPERLINK("http://x")'

    report = MOMO.read(a_workbook([heading, usual, cut]))
    run = MOMO.read(a_workbook([heading, formula]))

    assert (gross(report), lines(report)) == ([1_000], [3])
    assert [row.txn_id for row in run.rows] == ["ran"]  # what the sheet showed when it was saved


def test_a_row_that_the_gateway_has_not_paid_out_is_told() -> None:
    data = made.momo([PAID]).replace(b"Success", b"Pending")

    report = MOMO.read(data)

    assert (gross(report), lines(report)) == ([], [2])


@given(st.lists(st.tuples(st.integers(1, 999_999_999), st.integers(0, 9_999)), max_size=30))
def test_every_row_is_read_or_has_a_problem(amounts: list[tuple[int, int]]) -> None:
    rows = [Settled(str(at), gross, fee) for at, (gross, fee) in enumerate(amounts, 1)]

    report = VNPAY.read(made.vnpay([*rows, Settled("0", 5, net=9)]))

    assert [(row.txn_id, row.gross, row.fee) for row in report.rows] == [
        (row.txn, row.gross, row.fee) for row in rows
    ]
    assert lines(report) == [len(rows) + 2]


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    report = ZALOPAY.read(made.zalopay([PAID]).encode()[:60] + data)

    assert report.error or report.rows or report.problems


@pytest.mark.parametrize(
    ("was", "now", "column", "wanted"),
    [
        ("581000", "1.5", "Amount", "cần số đồng nguyên, không quá 12 chữ số"),
        ("20260311", "11/03/2026", "SettleDate", "cần ngày có thật viết như 20260311"),
        ("14422574", "x;y", "TransactionNo", "cần tối đa 120 chữ cái không dấu"),
        (",PAY,", ",gop,", "Type", "cần một trong: "),
    ],
)
def test_a_bad_cell_is_told_with_its_column_and_what_should_stand_there(
    was: str, now: str, column: str, wanted: str
) -> None:
    data = made.vnpay([PAID]).decode()
    assert was in data

    [problem] = VNPAY.read(data.replace(was, now).encode(), merchant="HOASEN01").problems

    assert problem.line == 2
    assert problem.vi.startswith(f"Cột “{column}”: không đọc được “{now.strip(',')}”; {wanted}")
    assert problem.vi.endswith("Hãy xuất lại tệp từ cổng rồi tải lên lại.")
    assert problem.en.endswith("Export the file from the gateway again and upload it.")

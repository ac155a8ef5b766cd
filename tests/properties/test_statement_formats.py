"""A statement written in any format is read back as it was; damage is never silent.

The writers here are the model: they know what a bank prints and share no code with readers.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.registry import STATEMENT_READERS
from reconciliation.statement import ParsedFile

DAY = date(2026, 11, 21)


@dataclass(frozen=True)
class Movement:
    """One entry as the bank knows it: whole đồng, in positive."""

    amount: int
    day: date
    memo: str
    reference: str


words = st.text("ABCDEFGHJKMNPQRTVWXY0123456789", min_size=1, max_size=12)
memos = st.lists(words, min_size=1, max_size=6).map(" ".join)
movements = st.builds(
    Movement,
    amount=st.integers(-999_999_999, 999_999_999).filter(bool),
    day=st.integers(0, 40).map(lambda days: DAY + timedelta(days=days)),
    memo=memos,
    reference=words.map(lambda word: f"FT{word}"),
)
days_work = st.lists(movements, max_size=12)
openings = st.integers(0, 10**12)


def as_mt940(opening: int, entries: list[Movement]) -> str:
    closing = opening + sum(entry.amount for entry in entries)

    def balance(amount: int) -> str:
        return f"{'D' if amount < 0 else 'C'}261121VND{abs(amount)},"

    lines = [":20:X", ":25:9999000001", ":28C:1/1", f":60F:{balance(opening)}"]
    for entry in entries:
        mark = "C" if entry.amount > 0 else "D"
        lines.append(
            f":61:{entry.day:%y%m%d}{entry.day:%m%d}{mark}{abs(entry.amount)},NTRF"
            f"NONREF//{entry.reference}"
        )
        lines += textwrap.wrap(f":86:{entry.memo}", 40)
    return "\n".join([*lines, f":62F:{balance(closing)}", "-", ""])


def as_camt(opening: int, entries: list[Movement]) -> str:
    closing = opening + sum(entry.amount for entry in entries)

    def money(amount: int) -> str:
        side = "DBIT" if amount < 0 else "CRDT"
        return f'<Amt Ccy="VND">{abs(amount)}.00</Amt><CdtDbtInd>{side}</CdtDbtInd>'

    def balance(code: str, amount: int) -> str:
        return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{money(amount)}</Bal>\n"

    body = "".join(
        f"<Ntry>{money(entry.amount)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{entry.day.isoformat()}</Dt></BookgDt>"
        f"<AcctSvcrRef>{entry.reference}</AcctSvcrRef><NtryDtls><TxDtls><RmtInf>"
        f"<Ustrd>{escape(entry.memo)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
        for entry in entries
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>\n'
        "<Acct><Id><Othr><Id>9999000001</Id></Othr></Id><Ccy>VND</Ccy></Acct>\n"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{body}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    )


def as_csv(opening: int, entries: list[Movement]) -> str:
    lines = [
        "Số tài khoản,9999000001",
        f"Số dư đầu kỳ,{opening}",
        "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả",
    ]
    balance = opening
    for entry in entries:
        balance += entry.amount
        debit, credit = ("", entry.amount) if entry.amount > 0 else (-entry.amount, "")
        lines.append(
            f"{entry.day:%d/%m/%Y},{entry.reference},{debit},{credit},{balance},{entry.memo}"
        )
    return "\n".join([*lines, f"Số dư cuối kỳ,,,,{balance},", ""])


WRITERS = {"mt940": as_mt940, "camt": as_camt, "csv": as_csv}


def read(text: str | bytes) -> ParsedFile:
    data = text.encode() if isinstance(text, str) else text
    return STATEMENT_READERS["auto"].read(data)


@pytest.mark.parametrize("form", WRITERS)
@given(opening=openings, entries=days_work)
def test_reading_gives_back_the_statement_that_was_written(
    form: str, opening: int, entries: list[Movement]
) -> None:
    parsed = read(WRITERS[form](opening, entries))
    (statement,) = parsed.statements

    assert parsed.problems == ()
    assert statement.account == "9999000001"
    assert statement.opening == opening
    assert statement.closes
    assert [
        (line.amount, line.booking_date, line.memo, line.bank_reference) for line in statement.lines
    ] == [(Decimal(entry.amount), entry.day, entry.memo, entry.reference) for entry in entries]


@pytest.mark.parametrize("form", WRITERS)
@given(opening=openings, entries=st.lists(movements, min_size=1, max_size=6), data=st.data())
def test_a_file_cut_anywhere_never_passes_for_complete_with_fewer_entries(
    form: str, opening: int, entries: list[Movement], data: st.DataObject
) -> None:
    whole = WRITERS[form](opening, entries).encode()
    cut = data.draw(st.integers(0, len(whole) - 1))

    parsed = read(whole[:cut])

    if form == "csv":
        # Cut behind a whole row, a table without printed end looks like a shorter day: the
        # rows that are there must be the true ones, in their order.
        assert_true_or_reported(parsed, entries)
    elif parsed.complete:
        assert sum(len(statement.lines) for statement in parsed.statements) == len(entries)


@pytest.mark.parametrize("form", WRITERS)
@given(
    opening=openings,
    entries=st.lists(movements, min_size=1, max_size=5),
    at=st.integers(0, 10**6),
    junk=st.binary(max_size=4),
    removed=st.integers(0, 30),
)
def test_damage_anywhere_raises_nothing_and_never_hides_an_entry(
    form: str, opening: int, entries: list[Movement], at: int, junk: bytes, removed: int
) -> None:
    whole = WRITERS[form](opening, entries).encode()
    at %= len(whole)

    parsed = read(whole[:at] + junk + whole[at + removed :])

    assert parsed.error is not None or parsed.statements
    for statement in parsed.statements:
        assert statement.entries + statement.unread >= len(statement.lines)
        if len(statement.lines) < statement.entries:
            assert parsed.problems
            assert not statement.closes or form == "camt"
    if parsed.complete:
        # Whatever still closes moved the same money: damage to a memo or reference may stay.
        moved = sum(line.amount for statement in parsed.statements for line in statement.lines)
        opened, closed = parsed.statements[0].opening, parsed.statements[-1].closing
        assert opened is not None
        assert closed is not None
        assert opened + moved == closed


@given(data=st.binary(max_size=400))
def test_any_bytes_are_refused_or_read_and_never_raise(data: bytes) -> None:
    parsed = read(data)

    assert parsed.error is not None or parsed.statements


@given(
    start=st.sampled_from(
        [b":20:", b"{1:", b"<?xml", b"<html", b"PK\x03\x04", b"\xff\xfe", b"\x00"]
    ),
    data=st.binary(max_size=300),
)
def test_bytes_that_open_like_a_format_are_refused_or_read(start: bytes, data: bytes) -> None:
    parsed = read(start + data)

    assert parsed.error is not None or parsed.statements


def assert_true_or_reported(parsed: ParsedFile, entries: list[Movement]) -> None:
    for statement in parsed.statements:
        if statement.closes:
            found = [int(line.amount) for line in statement.lines]
            assert found == [entry.amount for entry in entries][: len(found)]

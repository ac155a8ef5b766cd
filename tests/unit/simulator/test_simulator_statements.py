"""The file of a day holds the day's postings, and its arithmetic is right, or wrong as asked.

The files are read here by independent means: the mt-940 library, an XML parser, csv, a
spreadsheet reader.
"""

from __future__ import annotations

import csv
import io
import itertools
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as Xml

import mt940
import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import accounts, bank
from simulator.asks import Ask
from simulator.clock import VIETNAM
from simulator.errors import Refused
from simulator.faults import Fault, parse
from simulator.statements import day, render
from simulator.store import Store
from tests.unit.simulator.bench import Bench

MONDAY = datetime(2026, 1, 5, 8, 0, tzinfo=VIETNAM)
NAMESPACE = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"
CLOSING_FAULTS = [
    [], ["booked_next_day"], ["reversed_next_day"], ["row_next_day"], ["row_missing"],
    [{"kind": "row_twice", "balances": "printed"}],
    [{"kind": "row_twice", "balances": "printed", "file": "next"}],
]  # fmt: skip


@dataclass(frozen=True)
class Read:
    """What an independent reader found in a file: đồng, signed."""

    opening: int
    closing: int
    amounts: tuple[int, ...]

    @property
    def closes(self) -> bool:
        return self.opening + sum(self.amounts) == self.closing


def read_mt940(body: bytes) -> Read:
    found = mt940.models.Transactions()
    found.parse(body.decode())
    opening = found.data["final_opening_balance"].amount.amount
    closing = found.data["final_closing_balance"].amount.amount
    amounts = []
    for line in found:
        size, mark = int(abs(line.data["amount"].amount)), str(line.data["status"])
        amounts.append(size if mark in {"C", "RD"} else -size)
    return Read(int(opening), int(closing), tuple(amounts))


def read_camt(body: bytes) -> Read:
    root = Xml.fromstring(body)  # noqa: S314  # our own file, no entities

    def amount(of: Xml.Element) -> int:
        size = int(of.findtext(f"{NAMESPACE}Amt", ""))
        return size if of.findtext(f"{NAMESPACE}CdtDbtInd") == "CRDT" else -size

    opening, closing = (amount(balance) for balance in root.iter(f"{NAMESPACE}Bal"))
    return Read(opening, closing, tuple(amount(entry) for entry in root.iter(f"{NAMESPACE}Ntry")))


@pytest.mark.parametrize("faults", CLOSING_FAULTS, ids=str)
def test_both_formats_say_the_same_in_two_independent_readers(
    bench: Bench, faults: list[object]
) -> None:
    account = bench.account(opening=2_000_000)
    bench.transfer(account, *faults, at="2026-01-05T09:00:00+07:00")
    bench.transfer(account, at="2026-01-05T09:01:00+07:00", amount=45_000)
    bench.post("/fees", {"account": account, "amount": 22_000, "at": "2026-01-05T17:00:00+07:00"})
    bench.post("/payouts", {"account": account, "amount": 9_000, "at": "2026-01-06T08:00:00+07:00"})

    for when in ("2026-01-05", "2026-01-06", "2026-01-07"):
        where = f"/accounts/{account}/statement?date={when}&format="
        swift = read_mt940(bench.client.get(f"{where}mt940").data)
        iso = read_camt(bench.client.get(f"{where}camt053").data)

        assert swift == iso
        assert swift.closes


@dataclass(frozen=True)
class Step:
    """One thing that happens on a random account."""

    kind: str
    amount: int
    minutes: int
    faults: Sequence[object]


steps = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(["credit", "payout", "fee", "interest", "reversal"]),
        amount=st.integers(1, 999_999_999),
        minutes=st.integers(0, 4 * 24 * 60),
        faults=st.sampled_from(CLOSING_FAULTS),
    ),
    max_size=12,
)


def carried_out(db: sqlite3.Connection, number: str, trade: Sequence[Step]) -> list[int]:
    """The ids of what the bank agreed to: an account is never overdrawn by a payout or a fee."""
    made: list[int] = []
    for step in trade:
        at = MONDAY + timedelta(minutes=step.minutes)
        faults: tuple[Fault, ...] = parse(step.faults)
        ask = Ask(number, step.amount, "HP7K2M9QX4TW", at=at, faults=faults)
        try:
            if step.kind == "credit":
                made.append(bank.transfer(db, ask, now=MONDAY))
            elif step.kind == "reversal":
                if made:
                    made.append(bank.reverse(db, made[-1], at=at, now=MONDAY))
            else:
                made.append(bank.move_own(db, step.kind, ask, now=MONDAY))
        except Refused:
            continue
    return made


@settings(max_examples=40, deadline=None)
@given(steps)
def test_any_trade_gives_files_that_close_and_follow_one_another(trade: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), seed=1)
        with store.begin() as db:
            number = accounts.open_one(db, {"opening": 1_000_000}, at=MONDAY)
            carried_out(db, number, trade)
            week = [MONDAY.date() + timedelta(days=n) for n in range(8)]
            files = [day.of(db, number, first=each, last=each) for each in week]
            whole = day.of(db, number, first=week[0], last=week[-1])
        store.close()

    assert files[0].opening == 1_000_000
    for file in files:
        assert file.opening + file.credits - file.debits == file.closing
        balances = [file.opening, *(line.balance for line in file.lines)]
        for before, line in zip(balances, file.lines, strict=False):
            assert before + line.amount == line.balance
    for before_, after in itertools.pairwise(files):
        assert before_.closing == after.opening
    assert (whole.opening, whole.closing) == (files[0].opening, files[-1].closing)
    assert [line for file in files for line in file.lines] == list(whole.lines)


@settings(max_examples=25, deadline=None)
@given(steps)
def test_without_row_faults_a_day_holds_exactly_its_postings(trade: list[Step]) -> None:
    honest = [Step(step.kind, step.amount, step.minutes, []) for step in trade]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), seed=1)
        with store.begin() as db:
            number = accounts.open_one(db, {"opening": 1_000_000}, at=MONDAY)
            made = carried_out(db, number, honest)
            booked = [bank.found(db, posting) for posting in made]
            balance = accounts.balance(db, number, at=MONDAY + timedelta(days=30))
            for when in {date.fromisoformat(row["booking_date"]) for row in booked}:
                file = day.of(db, number, first=when, last=when)
                expected = [row["reference"] for row in booked if row["booking_date"] == str(when)]
                assert sorted(line.reference for line in file.lines) == sorted(expected)
            end = day.of(db, number, first=MONDAY.date(), last=MONDAY.date() + timedelta(days=9))
        store.close()

    assert end.closing == balance


def two_days(bench: Bench, *faults: object) -> tuple[Read, Read]:
    """The files of Monday and Tuesday around one transfer on Monday with these faults."""
    account = bench.account(opening=1_000_000)
    bench.transfer(account, *faults, at="2026-01-05T23:30:00+07:00")
    where = f"/accounts/{account}/statement?format=mt940&date="
    monday, tuesday = (bench.client.get(f"{where}2026-01-0{n}").data for n in (5, 6))
    return read_mt940(monday), read_mt940(tuesday)


def test_a_late_transfer_may_be_booked_the_next_day_with_its_own_value_date(bench: Bench) -> None:
    monday, tuesday = two_days(bench, "booked_next_day")

    assert (monday.amounts, tuesday.amounts) == ((), (581_000,))
    (row,) = bench.get("/transfers")["transfers"]
    assert (row["value_date"], row["booking_date"]) == ("2026-01-05", "2026-01-06")


def test_a_reversal_comes_the_next_day_and_quotes_the_old_reference(bench: Bench) -> None:
    monday, tuesday = two_days(bench, "reversed_next_day")

    assert (monday.amounts, tuesday.amounts) == ((581_000,), (-581_000,))
    back, first = bench.get("/transfers")["transfers"]
    assert back["memo"].startswith(f"HOAN TRA GD {first['reference']} ")
    assert back["reference"] != first["reference"]


@pytest.mark.parametrize(
    ("fault", "monday", "tuesday", "both_close"),
    [
        ("row_missing", (), (), True),
        ("row_missing:true", (), (), False),
        ("row_next_day", (), (581_000,), True),
        ("row_next_day:true", (), (581_000,), False),
        ("row_twice", (581_000, 581_000), (), False),
        ("row_twice:next", (581_000,), (581_000,), False),
        ({"kind": "row_twice", "balances": "printed"}, (581_000, 581_000), (), True),
    ],
    ids=str,
)
def test_a_row_is_missing_twice_or_late_as_asked(
    bench: Bench, fault: object, monday: tuple[int], tuesday: tuple[int], both_close: bool
) -> None:
    first, second = two_days(bench, fault)

    assert (first.amounts, second.amounts) == (monday, tuesday)
    assert (first.closes and second.closes) is both_close


def test_overlapping_files_repeat_a_line_and_close_all_the_same(bench: Bench) -> None:
    account = bench.account(opening=1_000_000)
    bench.transfer(account, at="2026-01-05T09:00:00+07:00")
    bench.transfer(account, at="2026-01-06T09:00:00+07:00")
    where = f"/accounts/{account}/statement?format=mt940&from=2026-01-05&date=2026-01-06"

    both = read_mt940(bench.client.get(where).data)

    assert both == Read(1_000_000, 2_162_000, (581_000, 581_000))


def test_a_file_can_be_made_not_to_close(bench: Bench) -> None:
    account = bench.account()
    bench.transfer(account, at="2026-01-05T09:00:00+07:00")
    where = f"/accounts/{account}/statement?date=2026-01-05&faults=not_closing&format="

    assert not read_mt940(bench.client.get(f"{where}mt940").data).closes
    assert not read_camt(bench.client.get(f"{where}camt053").data).closes


@pytest.mark.parametrize("name", render.FORMATS)
def test_every_format_can_be_cut_off_disguised_or_in_another_currency(
    bench: Bench, name: str
) -> None:
    account = bench.account()
    bench.transfer(account, at="2026-01-05T09:00:00+07:00")
    where = f"/accounts/{account}/statement?date=2026-01-05&format={name}"

    whole = bench.client.get(where)
    cut = bench.client.get(f"{where}&faults=truncated").data
    page = bench.client.get(f"{where}&faults=html")
    foreign = bench.client.get(f"{where}&faults=currency").data

    assert whole.data.startswith(cut)
    assert len(cut) < len(whole.data)
    assert page.data.startswith(b"<!DOCTYPE html>")
    assert page.headers["Content-Disposition"] == whole.headers["Content-Disposition"]
    assert foreign != whole.data
    assert name.startswith("xlsx") or (b"USD" in foreign and b"USD" not in whole.data)


@pytest.mark.parametrize("layout", ["vietcombank", "mb", "vietinbank"])
def test_a_layout_says_the_same_as_csv_and_as_a_workbook(bench: Bench, layout: str) -> None:
    account = bench.account(opening=1_000_000)
    bench.transfer(account, at="2026-01-05T09:00:00+07:00")
    bench.post("/fees", {"account": account, "amount": 22_000, "at": "2026-01-05T17:00:00+07:00"})
    where = f"/accounts/{account}/statement?date=2026-01-05&format="

    text = bench.client.get(f"{where}csv-{layout}").data.decode("utf-8-sig")
    book = python_calamine.CalamineWorkbook.from_filelike(
        io.BytesIO(bench.client.get(f"{where}xlsx-{layout}").data)
    )

    as_csv = [row for row in csv.reader(io.StringIO(text)) if any(row)]
    as_book = [
        [str(int(cell)) if isinstance(cell, float) else str(cell) for cell in row]
        for row in book.get_sheet_by_index(0).to_python()
    ]
    as_book = [row for row in as_book if any(row)]
    assert [[cell for cell in row if cell] for row in as_book] == [
        [cell for cell in row if cell] for row in as_csv
    ]
    assert any(account in row for row in as_csv)
    assert any("HP7K2M9QX4TW" in row for row in as_csv)


def test_an_unknown_format_or_fault_or_day_is_refused_by_name(bench: Bench) -> None:
    account = bench.account()

    for query in (
        "format=pdf",
        "faults=melted",
        "date=05/01/2026",
        "date=2026-01-05&from=2026-02-01",
    ):
        refused = bench.get(f"/accounts/{account}/statement?{query}", status=422)
        assert refused["error"]["vi"]

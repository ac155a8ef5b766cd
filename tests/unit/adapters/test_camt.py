"""camt.053 and camt.054: status, signs, batches, decimals, and documents that are refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from adapters.registry import STATEMENT_READERS
from reconciliation.statement import ParsedFile


def read(text: str) -> ParsedFile:
    return STATEMENT_READERS["auto"].read(text.encode())


def balance(code: str, amount: str, sign: str = "CRDT") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="VND">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        "<Dt><Dt>2026-11-21</Dt></Dt></Bal>"
    )


def entry(
    amount: str = "500",
    sign: str = "CRDT",
    status: str = "<Cd>BOOK</Cd>",
    more: str = "",
    currency: str = "VND",
) -> str:
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Sts>{status}</Sts><BookgDt><Dt>2026-11-21</Dt></BookgDt>{more}</Ntry>"
    )


def document(*parts: str, version: str = "053.001.08", message: str = "BkToCstmrStmt") -> str:
    holder = "Stmt" if message == "BkToCstmrStmt" else "Ntfctn"
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}">\n'
        f"<{message}><{holder}><Id>1</Id><Acct><Id><Othr><Id>9999000001</Id></Othr></Id>"
        f"<Ccy>VND</Ccy></Acct>\n" + "\n".join(parts) + f"</{holder}></{message}></Document>"
    )


@pytest.mark.parametrize("version", ["053.001.02", "053.001.04", "053.001.08", "053.001.13"])
def test_every_version_is_read_by_its_local_names(version: str) -> None:
    status = "BOOK" if version.endswith("02") else "<Cd>BOOK</Cd>"
    text = document(
        balance("OPBD", "0"), balance("CLBD", "500"), entry(status=status), version=version
    )

    parsed = read(text)

    assert parsed.format == f"camt.{version}"
    assert parsed.complete


def test_the_previous_closing_balance_opens_a_statement_without_an_opening_one() -> None:
    text = document(balance("PRCD", "1000"), balance("CLBD", "1500"), entry())

    assert read(text).statements[0].opening == 1000


@pytest.mark.parametrize(("sign", "amount"), [("CRDT", 500), ("DBIT", -500)])
def test_a_reversal_moves_money_the_way_its_indicator_says(sign: str, amount: int) -> None:
    text = document(entry(sign=sign, more="<RvslInd>true</RvslInd>"))

    (line,) = read(text).statements[0].lines

    assert line.amount == amount
    assert line.is_reversal


@pytest.mark.parametrize("status", ["<Cd>PDNG</Cd>", "<Cd>INFO</Cd>", ""])
def test_only_what_the_bank_booked_is_a_line_and_the_rest_is_listed(status: str) -> None:
    text = document(
        balance("OPBD", "0"), balance("CLBD", "500"), entry("700", status=status), entry()
    )

    parsed = read(text)
    (statement,) = parsed.statements

    assert [line.amount for line in statement.lines] == [500]
    assert "not booked" in parsed.problems[0].en
    assert statement.entries == 2
    assert statement.closes


@pytest.mark.parametrize(
    "amount", ["NaN", "INF", "1e3", "-500", "500.5", "1,500", "", "٥٠٠", "5 00"]
)
def test_an_amount_that_is_no_plain_decimal_of_its_currency_is_a_problem(amount: str) -> None:
    text = document(balance("OPBD", "0"), balance("CLBD", "500"), entry(amount), entry())

    parsed = read(text)

    assert [line.amount for line in parsed.statements[0].lines] == [500]
    assert parsed.problems[0].line > 1
    assert not parsed.complete


def test_a_whole_amount_written_with_decimals_is_the_whole_amount() -> None:
    assert read(document(entry("22000.00"))).statements[0].lines[0].amount == Decimal(22_000)


def test_an_entry_in_another_currency_is_not_added_to_the_account() -> None:
    parsed = read(document(entry(), entry(currency="USD")))

    assert len(parsed.statements[0].lines) == 1
    assert parsed.problems


def detail(amount: str, reference: str, sign: str = "") -> str:
    side = f"<CdtDbtInd>{sign}</CdtDbtInd>" if sign else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
        f'<Amt Ccy="VND">{amount}</Amt>{side}'
        f"<RmtInf><Ustrd>{reference}</Ustrd><Ustrd> hoc  phi </Ustrd></RmtInf></TxDtls>"
    )


def test_a_batch_that_adds_up_is_split_and_counted_once() -> None:
    batch = f"<NtryDtls>{detail('200', 'HP1')}{detail('300', 'HP2')}</NtryDtls>"
    text = document(balance("OPBD", "0"), balance("CLBD", "500"), entry(more=batch))

    (statement,) = read(text).statements

    assert [line.amount for line in statement.lines] == [200, 300]
    assert [line.reference for line in statement.lines] == ["HP1", "HP2"]
    assert statement.entries == 1
    assert statement.credit_total == 500
    assert statement.closes


def test_a_batch_with_a_returned_part_adds_up_with_its_sign() -> None:
    batch = f"<NtryDtls>{detail('600', 'HP1')}{detail('100', 'HP2', 'DBIT')}</NtryDtls>"

    (statement,) = read(document(entry(more=batch))).statements

    assert [line.amount for line in statement.lines] == [600, -100]
    assert statement.credit_total == 500
    assert statement.debit_total == 0


def test_a_batch_that_does_not_add_up_stays_one_line() -> None:
    batch = f"<NtryDtls>{detail('200', 'HP1')}{detail('200', 'HP2')}</NtryDtls>"

    parsed = read(document(entry(more=batch)))
    (line,) = parsed.statements[0].lines

    assert line.amount == 500
    assert line.reference is None
    assert line.memo == "HP1 hoc phi HP2 hoc phi"
    assert "do not add up" in parsed.problems[0].en


def test_a_notification_has_entries_and_no_balances() -> None:
    text = document(entry(), version="054.001.04", message="BkToCstmrDbtCdtNtfctn")

    parsed = read(text)

    assert parsed.format == "camt.054.001.04"
    assert parsed.statements[0].opening is None
    assert not parsed.statements[0].closes


def test_not_provided_is_no_reference() -> None:
    refs = "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls></NtryDtls>"

    assert read(document(entry(more=refs))).statements[0].lines[0].reference is None


def test_a_bank_that_counts_more_entries_than_it_sent_is_not_believed() -> None:
    summary = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>"
    text = document(balance("OPBD", "0"), balance("CLBD", "500"), summary, entry())

    parsed = read(text)

    assert "counts 2" in parsed.problems[0].en
    assert not parsed.complete


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE Document [<!ENTITY x "y">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_anything_is_read(prolog: str, encoding: str) -> None:
    text = document(entry()).replace("<Document", f"{prolog}<Document", 1)
    text = text.replace('<?xml version="1.0"?>', "")

    parsed = STATEMENT_READERS["auto"].read(text.encode(encoding))

    assert parsed.error is not None
    assert parsed.error.slug == "xml-doctype"
    assert parsed.statements == ()


def test_a_cut_document_keeps_what_was_read_and_says_that_it_is_cut() -> None:
    text = document(balance("OPBD", "0"), balance("CLBD", "500"), entry(), entry("700"))

    parsed = read(text[: text.index("700")])

    assert parsed.error is not None
    assert parsed.error.slug == "broken-xml"
    assert [line.amount for line in parsed.statements[0].lines] == [500]
    assert not parsed.statements[0].closes


def test_other_xml_is_told_apart_from_a_statement() -> None:
    parsed = read('<?xml version="1.0"?><Invoice><Amt>5</Amt></Invoice>')

    assert parsed.error is not None
    assert parsed.error.slug == "not-camt"


def test_the_closing_balance_names_its_day() -> None:
    (statement,) = read(document(balance("CLBD", "500"))).statements

    assert statement.closing_day == date(2026, 11, 21)

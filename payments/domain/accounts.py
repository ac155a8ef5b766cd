"""The chart of accounts: every place a đồng can be.

An account is named by a word, and by its bank account or fee kind where there are several:
`bank:9999018452`. `book_code` is the number in the biller's own books (Circular 24/2024,
configurable per biller later); names are what staff read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """On which side an account grows: assets and expenses by debit, the others by credit."""

    ASSET = "asset"
    EXPENSE = "expense"
    LIABILITY = "liability"
    INCOME = "income"
    EQUITY = "equity"


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a biller's ledger."""

    code: str
    kind: Kind
    book_code: str
    name_vi: str
    name_en: str


UNAPPLIED: Final = "unapplied"
RECEIVABLE: Final = "receivable"
CREDIT: Final = "credit"
REFUNDS_PAYABLE: Final = "refunds_payable"
REFUNDS_GIVEN: Final = "refunds_given"
BANK_CHARGES: Final = "bank_charges"
INTEREST: Final = "interest"
SUSPENSE: Final = "suspense"
OTHER_INCOME: Final = "other_income"
OTHER_EXPENSE: Final = "other_expense"
OPENING: Final = "opening"
GATEWAY_FEES: Final = "gateway_fees"


def bank(number: str) -> str:
    """Money in a bank account, as its statements say."""
    return f"bank:{number}"


def in_transit(number: str) -> str:
    """Money a notice has told of and no statement has shown yet."""
    return f"in_transit:{number}"


def gateway(name: str) -> str:
    """Money a gateway has taken for us and not settled yet."""
    return f"gateway:{name}"


def revenue(kind: str) -> str:
    """What was billed: tuition, hospital or administrative."""
    return f"revenue:{kind}"


FIXED: Final = (
    Account(UNAPPLIED, Kind.LIABILITY, "3378", "Tiền đã nhận, chưa ghi", "Received, not applied"),
    Account(RECEIVABLE, Kind.ASSET, "1383", "Phải thu", "Receivable"),
    Account(CREDIT, Kind.LIABILITY, "3388", "Số dư của người nộp", "Credit of payers"),
    Account(REFUNDS_PAYABLE, Kind.LIABILITY, "3318", "Phải hoàn trả", "Refunds to pay"),
    Account(REFUNDS_GIVEN, Kind.INCOME, "5318", "Khoản thu đã hoàn", "Fees given back"),
    Account(BANK_CHARGES, Kind.EXPENSE, "6158", "Phí ngân hàng", "Bank charges"),
    Account(INTEREST, Kind.INCOME, "5158", "Lãi tiền gửi", "Interest"),
    Account(OTHER_INCOME, Kind.INCOME, "7118", "Thu khác", "Other income"),
    Account(OTHER_EXPENSE, Kind.EXPENSE, "8118", "Chi khác", "Other expense"),
    Account(SUSPENSE, Kind.ASSET, "1388", "Dòng sao kê chờ giải thích", "Lines to be explained"),
    Account(OPENING, Kind.EQUITY, "4111", "Số dư đầu kỳ", "Opening balance"),
    Account(revenue("tuition"), Kind.INCOME, "5311", "Học phí, dịch vụ giáo dục", "Tuition"),
    Account(revenue("hospital"), Kind.INCOME, "5312", "Viện phí", "Hospital fees"),
    Account(
        revenue("administrative"), Kind.LIABILITY, "3373", "Phí, lệ phí", "Administrative fees"
    ),
)
"""What every biller has from its first day."""


def of_bank_account(number: str) -> tuple[Account, Account]:
    """The two accounts a bank account needs: what it holds, and what is on its way."""
    return (
        Account(bank(number), Kind.ASSET, "1121", f"Ngân hàng {number}", f"Bank {number}"),
        Account(
            in_transit(number),
            Kind.ASSET,
            "1131",
            f"Tiền đang về {number}",
            f"In transit to {number}",
        ),
    )


def of_gateway(name: str, label: str) -> tuple[Account, Account]:
    """The accounts a gateway that holds money needs: what it owes us, and what it keeps."""
    return (
        Account(gateway(name), Kind.ASSET, "1138", f"Tiền tại {label}", f"Money at {label}"),
        Account(
            GATEWAY_FEES, Kind.EXPENSE, "6159", "Phí cổng thanh toán", "Fees of payment gateways"
        ),
    )

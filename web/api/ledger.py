"""The ledger: accounts with their balances, and the trial balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from payments import ledger
from payments.domain import accounts
from payments.domain.people import Permission
from payments.queries import accounts as reads
from payments.queries.accounts import BankAccount
from web import context
from web.api.creating import as_json
from web.api.shapes import AccountId, Answer, Day, Sum, Vnd
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "ledger",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="ledger", description="Every place a đồng can be.")],
)

Kind = Literal["asset", "expense", "liability", "income", "equity"]


class BankAccountAnswer(Answer):
    """A bank account that money arrives on. notice_source: who tells of credits first."""

    id: AccountId
    bank_bin: str
    number: str
    holder: str
    notice_source: str | None
    opened_on: Day


class AccountAnswer(Answer):
    """An account of the ledger. balance: on its own side: what it holds, owes or earned.

    bank_account: for the accounts that stand for money at a bank.
    """

    code: str
    kind: Kind
    book_code: str
    name_vi: str
    name_en: str
    balance: Sum
    currency: Vnd = "VND"
    bank_account: BankAccountAnswer | None


class AccountList(Answer):
    """Every account, by its number in the books."""

    items: Sequence[AccountAnswer]


class TrialRow(Answer):
    """Both sides of one account."""

    code: str
    kind: Kind
    book_code: str
    name_vi: str
    name_en: str
    debits: Sum
    credits: Sum


class TrialBalance(Answer):
    """Both sides of every account; the two sums are equal, or the ledger is broken."""

    rows: Sequence[TrialRow]
    debits: Sum
    credits: Sum
    currency: Vnd = "VND"
    balanced: bool


@bp.get("/accounts", responses={200: AccountList})
@requires(Permission.READ)
def list_accounts() -> Response:
    """List the accounts of the ledger with their balances."""
    with context.transaction() as db:
        balances = ledger.trial_balance(db)
        at_banks = {accounts.bank(one.number): one for one in reads.bank_accounts(db)}
    return as_json(AccountList(items=[_account(one, at_banks) for one in balances]))


@bp.get("/trial-balance", responses={200: TrialBalance})
@requires(Permission.READ)
def get_trial_balance() -> Response:
    """Show both sides of every account."""
    with context.transaction() as db:
        balances = ledger.trial_balance(db)
    debits, credits = sum(b.debits for b in balances), sum(b.credits for b in balances)
    return as_json(
        TrialBalance(
            rows=[_row(one) for one in balances],
            debits=debits,
            credits=credits,
            balanced=debits == credits,
        )
    )


def _account(found: ledger.Balance, at_banks: Mapping[str, BankAccount]) -> AccountAnswer:
    account = found.account
    bank = at_banks.get(account.code)
    return AccountAnswer(
        code=account.code,
        kind=account.kind.value,
        book_code=account.book_code,
        name_vi=account.name_vi,
        name_en=account.name_en,
        balance=found.amount,
        bank_account=None
        if bank is None
        else BankAccountAnswer.model_validate(bank, from_attributes=True),
    )


def _row(found: ledger.Balance) -> TrialRow:
    account = found.account
    return TrialRow(
        code=account.code,
        kind=account.kind.value,
        book_code=account.book_code,
        name_vi=account.name_vi,
        name_en=account.name_en,
        debits=found.debits,
        credits=found.credits,
    )

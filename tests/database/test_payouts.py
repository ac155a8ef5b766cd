"""Payout files: one live file a refund, closed by the code in the bank's memo and nothing less."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import key_ring, payouts, refunds, vault
from payments.domain import accounts, refund_codes
from payments.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from payments.domain.people import Actor
from payments.payouts import NotForPayout
from payments.refunds import Payee
from tests.cast import a_school
from tests.databases import House, QuickHouse
from tests.payout_office import OTHER, PAYEE, Office
from tests.statement_files import Entry


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return Office(a_school(quick_house))


def test_a_file_sends_its_refunds_and_can_be_had_again_exactly(office: Office) -> None:
    first, second = office.approved(81_000), office.approved(45_000, OTHER)

    payout = office.file(first, second)

    assert office.status(first) == office.status(second) == "sent"
    with office.begin() as db:
        by = office.school.accountant
        one = payouts.file(db, payout, "csv", by=by, at=office.now)
        two = payouts.file(db, payout, "csv", by=by, at=office.now)
        sheet = payouts.file(db, payout, "xlsx", by=by, at=office.now)
    assert one == two
    said = one.data.decode("utf-8-sig")
    assert office.code(first) in said
    assert "9999003344" in said
    assert sheet.data.startswith(b"PK")
    assert office.one("SELECT total FROM payout") == 126_000
    assert office.one("SELECT count(*) FROM audit_line WHERE action = 'payout.download'") == 3


def test_the_kept_bytes_say_nothing_without_their_key(office: Office) -> None:
    office.file(office.approved())

    sealed = office.one("SELECT sealed FROM payout_file WHERE format = 'csv'")

    assert b"9999001122" not in bytes(sealed)
    with office.begin() as db:
        key_id = db.scalar(text("SELECT key_id FROM payout_file WHERE format = 'csv'"))
        with pytest.raises(key_ring.VaultError):
            vault.unseal_bytes(db, key_id, bytes(sealed), context="payout:elsewhere:csv")


def test_the_code_and_the_amount_on_the_statement_close_a_refund(office: Office) -> None:
    first, second = office.approved(81_000), office.approved(81_000)
    office.file(first, second)

    office.night(Entry(-81_000, f"{office.code(second)} HOAN TIEN", "FT00000077"))

    assert (office.status(first), office.status(second)) == ("sent", "done")
    assert office.balance(accounts.REFUNDS_PAYABLE) == 81_000
    assert office.open_kinds() == []
    assert office.gaps() == []


@pytest.mark.parametrize("damage", ["lower", "split", "glued", "look_alike"])
def test_a_code_the_bank_has_wrapped_is_still_that_code(office: Office, damage: str) -> None:
    refund = office.approved()
    office.file(refund)
    code = office.code(refund)
    memo = {
        "lower": f"{code.lower()} hoan tien",
        "split": f"{code[:7]} {code[7:]} HOAN TIEN",
        "glued": f"MBVCB.6120934418.{code}HOAN TIEN.CT tu 9999018452",
        "look_alike": code.replace("0", "O").replace("1", "I") + " HOAN TIEN",
    }[damage]

    office.night(Entry(-81_000, memo, "FT00000077"))

    assert office.status(refund) == "done"


def test_another_amount_never_closes_a_refund(office: Office) -> None:
    refund = office.approved(81_000)
    office.file(refund)

    office.night(Entry(-80_000, f"{office.code(refund)} HOAN TIEN {PAYEE.account}", "FT00000077"))

    assert office.status(refund) == "sent"
    assert office.open_kinds() == ["REFUND_UNMATCHED"]
    assert office.one("SELECT refund_id FROM discrepancy WHERE line_id IS NOT NULL") == refund
    assert office.gaps() == []


def test_a_code_nobody_issued_closes_nothing_even_beside_the_right_account(office: Office) -> None:
    refund = office.approved(81_000)
    office.file(refund)
    unknown = refund_codes.generate()
    other = "HT4W8N2RXB"

    office.night(Entry(-81_000, f"{unknown} HOAN TIEN {PAYEE.account}", "FT00000077"))
    assert office.status(refund) == "sent"
    office.night(Entry(-81_000, f"{other} HOAN TIEN {PAYEE.account}", "FT00000078"))

    assert office.status(refund) == "sent"  # a code that breaks off contradicts it just as well
    assert len(office.open_kinds()) == 2
    assert office.gaps() == []


def test_a_code_that_breaks_off_leaves_the_account_to_speak(office: Office) -> None:
    refund = office.approved(81_000)
    office.file(refund)

    office.night(Entry(-81_000, f"{office.code(refund)[:8]} {PAYEE.account}", "FT00000077"))

    assert office.status(refund) == "done"


def test_one_bank_that_pays_a_file_twice_is_found(office: Office) -> None:
    refund = office.approved(81_000)
    office.file(refund)
    memo = f"{office.code(refund)} HOAN TIEN"

    office.night(Entry(-81_000, memo, "FT00000077"), Entry(-81_000, memo, "FT00000078"))

    assert office.status(refund) == "done"
    assert office.open_kinds() == ["REFUND_UNMATCHED"]
    assert office.balance(accounts.SUSPENSE) == 81_000
    assert office.gaps() == []


def test_a_payout_that_comes_back_is_new_money_that_names_its_refund(office: Office) -> None:
    refund = office.approved(81_000)
    office.file(refund)
    code = office.code(refund)

    office.night(Entry(-81_000, f"{code} HOAN TIEN", "FT00000077"))
    office.night(Entry(81_000, f"HOAN TRA {code} SAI SO TAI KHOAN", "FT00000079"))

    assert office.status(refund) == "done"  # it left; what came back is another fact
    assert office.open_kinds() == ["REFUND_UNMATCHED"]
    assert office.one("SELECT refund_id FROM bank_line WHERE amount = 81000") == refund
    assert office.one("SELECT free FROM payment WHERE amount = 81000") == 81_000
    assert office.one("SELECT count(*) FROM message WHERE kind = 'refund.returned'") == 1
    assert office.gaps() == []


def test_out_and_back_on_one_day_is_the_same(office: Office) -> None:
    refund = office.approved(81_000)
    office.file(refund)
    code = office.code(refund)

    office.night(
        Entry(81_000, f"HOAN TRA {code}", "FT00000079"),
        Entry(-81_000, f"{code} HOAN TIEN", "FT00000077"),
    )

    assert office.status(refund) == "done"
    assert office.one("SELECT free FROM payment WHERE amount = 81000") == 81_000
    assert office.gaps() == []


def test_a_refund_is_in_one_live_file_only(office: Office) -> None:
    refund = office.approved()
    office.file(refund)

    with pytest.raises(NotForPayout):
        office.file(refund)

    assert office.one("SELECT count(*) FROM payout") == 1


def test_two_files_at_once_do_not_both_take_a_refund(house: House) -> None:
    office = Office(a_school(house))
    refund, others = office.approved(), [office.approved() for _ in range(2)]

    def make(other: UUID) -> object:
        try:
            return office.file(other, refund)
        except DomainError as refused:
            return refused

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(make, others))

    assert sum(isinstance(one, UUID) for one in made) == 1
    assert office.one("SELECT count(*) FROM payout_line WHERE live") == 2
    assert sorted(office.status(one) for one in others) == ["approved", "sent"]


def test_only_approved_bank_payouts_go_into_a_file(office: Office) -> None:
    done = office.approved()
    office.file(done)
    office.night(Entry(-81_000, f"{office.code(done)} HOAN TIEN", "FT00000077"))

    for wrong in ([done], [], [done, done]):
        with pytest.raises((NotForPayout, Invalid)):
            office.file(*wrong)
    with pytest.raises(NotFound):
        office.file(office.school.biller_id)


def test_an_account_no_bank_can_read_is_named_and_nothing_is_sent(office: Office) -> None:
    good, bad = office.approved(), office.approved(to=Payee("LE", "970436", "số 7"))

    with pytest.raises(Invalid, match="account number"):
        office.file(good, bad)

    assert office.status(good) == "approved"


def test_whoever_may_not_pay_out_makes_and_reads_no_file(office: Office) -> None:
    refund = office.approved()
    cashier = Actor(office.school.chief.id, "staff", "thu ngân", frozenset())
    with pytest.raises(Forbidden):
        office.file(refund, by=cashier)
    payout = office.file(refund)

    with office.begin() as db, pytest.raises(Forbidden):
        payouts.file(db, payout, "csv", by=cashier, at=office.now)


def test_a_file_the_bank_never_took_is_voided_and_its_refunds_start_anew(office: Office) -> None:
    refund = office.approved()
    payout = office.file(refund)
    old = office.code(refund)

    void(office, payout)
    assert office.status(refund) == "failed"
    assert office.one("SELECT failure FROM refund") == "payout_voided"
    assert office.one("SELECT refunded FROM payment") == 0
    office.again(refund)
    office.file(refund)

    assert office.status(refund) == "sent"
    assert office.code(refund) != old
    with office.begin() as db, pytest.raises(Conflict):
        payouts.file(db, payout, "csv", by=office.school.chief, at=office.now)


def void(office: Office, payout: UUID) -> None:
    with office.begin() as db:
        payouts.void(db, payout, reason="Sai ngày", by=office.school.chief, at=office.now)


def test_a_file_of_which_the_bank_paid_something_is_not_voided(office: Office) -> None:
    first, second = office.approved(), office.approved()
    payout = office.file(first, second)
    office.night(Entry(-81_000, f"{office.code(first)} HOAN TIEN", "FT00000077"))

    with pytest.raises(Conflict):
        void(office, payout)

    assert office.status(second) == "sent"


def test_a_bank_that_pays_a_voided_file_is_found_and_not_paid_again(office: Office) -> None:
    refund = office.approved(81_000)
    payout = office.file(refund)
    code = office.code(refund)
    void(office, payout)

    office.night(Entry(-81_000, f"{code} HOAN TIEN", "FT00000077"))
    assert office.status(refund) == "failed"
    assert office.open_kinds() == ["REFUND_UNMATCHED"]
    assert office.balance(accounts.SUSPENSE) == 81_000

    office.again(refund)

    assert office.status(refund) == "done"
    assert office.balance(accounts.SUSPENSE) == office.balance(accounts.REFUNDS_PAYABLE) == 0
    assert office.open_kinds() == []
    assert office.gaps() == []


def test_while_it_is_in_doubt_a_refund_is_in_no_new_file(office: Office) -> None:
    refund = office.approved(81_000)
    payout = office.file(refund)
    code = office.code(refund)
    void(office, payout)
    office.night(Entry(-80_000, f"{code} HOAN TIEN", "FT00000077"))
    office.again(refund)

    with pytest.raises(NotForPayout, match="discrepancy"):
        office.file(refund)

    assert office.status(refund) == "approved"


def test_a_single_refund_the_bank_could_not_pay_leaves_the_file(office: Office) -> None:
    first, second = office.approved(), office.approved()
    payout = office.file(first, second)
    with office.begin() as db:
        refunds.say_failed(
            db, first, reason="Sai số tài khoản", by=office.school.chief, at=office.now
        )

    assert office.one("SELECT count(*) FROM payout_line WHERE live") == 1
    office.night(Entry(-81_000, f"{office.code(second)} HOAN TIEN", "FT00000077"))
    assert office.status(second) == "done"
    assert office.one("SELECT status FROM payout WHERE id = :id", id=payout) == "made"

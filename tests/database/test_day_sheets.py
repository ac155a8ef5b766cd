"""Sheets of signed days: the same bytes again from the stored files, whatever came later."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from ops import replaying
from ops.replaying import Replayed
from payments import access, days, sealing
from payments.queries import sheets
from reconciliation import day_sheets, verdicts
from tests.cast import a_notice, a_school
from tests.consoles import DAY, Desk, Office, a_person, actions, an_office, words
from tests.databases import A_MORNING, RING, House
from tests.settlement_desk import Desk as Counter
from tests.settlement_desk import credit
from tests.settlement_files import Settled
from tests.statement_files import Entry

URL = f"/console/days/{DAY}"


@pytest.fixture
def office(house: House) -> Office:
    return an_office(house)


def tamper(house: House, *statements: str) -> None:
    """What only the owner of the tables can do, with every guard switched off."""
    with house.owner_engine.begin() as owner:
        for one in statements:
            owner.execute(text(one))


def a_signed_day(office: Office) -> Office:
    """One bill paid, one transfer that nobody knows, one notice; sealed and signed."""
    order = office.order(581_000)
    with office.begin() as db:
        a_notice(db, office.school, 250_000, "khong ro", bank_reference="FT9")
        verdicts.explain_free_money(db, at=office.school.house.clock.now())
    office.night([Entry(581_000, order.code, "FT1"), Entry(400_000, "khong ro", "FT2")])
    assert RING.signing is not None
    house = office.school.house
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())
    assert office.close().status_code == 303
    return office


def a_late_notice(db: Session, office: Office, memo: str) -> None:
    """300.000 ₫ that came on the signed day and are heard of only now."""
    then = A_MORNING.replace(hour=20)
    a_notice(db, office.school, 300_000, memo, "99001", bank_reference="FT10", received_at=then)


def replay(office: Office | Counter, day: date = DAY) -> list[Replayed]:
    with office.begin() as db:
        return replaying.replay(db, day)


def test_a_signed_day_is_drawn_up_again_byte_for_byte(office: Office) -> None:
    a_signed_day(office)

    (again,) = replay(office)

    assert (again.version, again.difference) == (1, None)
    with office.begin() as db:
        (signed,) = sheets.versions(db, DAY)
    told = json.loads(signed.text)
    assert hashlib.sha256(signed.text).hexdigest() == again.sha256
    assert (told["received"], told["applied"], told["named"]) == (1_231_000, 581_000, 650_000)
    assert told["unexplained"] == 0
    assert told["statements"][0]["closing"] == told["statements"][0]["ledger"] == 981_000
    assert told["seal"]["root"] == (signed.seal_root or b"").hex()
    assert told["discrepancies"]["open"] == 2
    assert [one["way"] for one in told["ways"]] == ["bank", "sepay"]


def test_what_comes_after_the_signature_does_not_change_the_signed_sheet(office: Office) -> None:
    a_signed_day(office)
    order = office.order(300_000, "GB-2")
    with office.begin() as db:  # late money of the signed day, and a discrepancy that ends
        a_late_notice(db, office, order.code)
    office.night([Entry(250_000, "khong ro", "FT9")], date(2026, 3, 11), opening=981_000)
    with office.begin() as db:
        now = json.loads(day_sheets.draw_up(db, DAY, at=office.school.house.clock.now()).text)

    (again,) = replay(office)

    assert again.difference is None
    assert now["received"] == 1_531_000
    assert now["version"] == 2


def test_one_changed_byte_in_a_stored_file_is_found(house: House, office: Office) -> None:
    a_signed_day(office)
    tamper(
        house,
        "ALTER TABLE statement_file DISABLE TRIGGER USER",
        """UPDATE statement_file
           SET sealed = set_byte(sealed, 40, (get_byte(sealed, 40) + 1) % 256)""",
    )

    (again,) = replay(office)

    assert again.difference is not None
    assert "its stored bytes are not what was received" in again.difference


def test_a_figure_changed_in_the_books_is_found(house: House, office: Office) -> None:
    a_signed_day(office)
    tamper(
        house,
        "ALTER TABLE transfer DISABLE TRIGGER USER",
        "UPDATE transfer SET amount = 581001 WHERE amount = 581000",
    )

    (again,) = replay(office)

    assert (again.difference or "").startswith("accounts[0]")


def test_a_gateways_day_is_drawn_up_again_from_its_settlement_file(house: House) -> None:
    desk = Counter(a_school(house))
    desk.agree()
    desk.pay("14422574")
    desk.file([Settled("14422574", 581_000, 6_391, ref="TP14422574", batch="VNP2026031101")])
    desk.night([credit("VNP2026031101", 574_609)])
    house.clock.advance(days=1)
    chief = desk.school.chief
    with desk.begin() as db:
        days.check(db, DAY, by=desk.school.accountant, at=house.clock.now())
        sheet = day_sheets.sign(db, DAY, by=chief, at=house.clock.now())

    (again,) = replay(desk)

    assert again.difference is None
    (way,) = json.loads(sheet.text)["ways"]
    assert (way["collected"], way["reported"], way["fees"]) == (581_000, 581_000, 6_391)
    assert way["arrived"] == 574_609


def test_a_corrected_sheet_is_prepared_by_one_and_signed_by_another_and_both_are_kept(
    office: Office,
) -> None:
    a_signed_day(office)
    with office.begin() as db:
        a_late_notice(db, office, "khong ro")
        verdicts.explain_free_money(db, at=office.school.house.clock.now())
    assert f"{URL}/sign-correction" not in actions(office.chief.get(URL))

    asked = office.chief.post(f"{URL}/correct", {"reason": "tiền báo muộn"}, of=URL)
    own = office.chief.post(f"{URL}/sign-correction", of=URL)
    third = a_person(office.school.house, "Nga", (office.school.biller_id, "chief_accountant"))
    nga = Desk(office.app, office.school.house.clock).sign_in(third)
    signed = nga.post(f"{URL}/sign-correction", of=URL)

    assert (asked.status_code, own.status_code, signed.status_code) == (303, 403, 303)
    page = words(nga.get(URL))
    assert "Phiên bản 2" in page
    assert "tiền báo muộn" in page
    with office.begin() as db:
        first, second = (json.loads(one.text) for one in sheets.versions(db, DAY))
    assert (first["received"], second["received"]) == (1_231_000, 1_531_000)
    assert second["reason"] == "tiền báo muộn"
    assert office.one("SELECT status FROM business_day") == "signed_off"
    assert [one.difference for one in replay(office)] == [None, None]


def test_a_correction_without_a_reason_or_of_an_open_day_is_refused(office: Office) -> None:
    early = office.accountant.post(f"{URL}/correct", {"reason": "x"}, of=URL)
    a_signed_day(office)
    blank = office.accountant.post(f"{URL}/correct", {"reason": "  "}, of=URL)
    viewer = office.viewer.post(f"{URL}/correct", {"reason": "x"}, of=URL)
    nothing = office.chief.post(f"{URL}/sign-correction", of=URL)

    assert early.status_code == nothing.status_code == 409
    assert (blank.status_code, viewer.status_code) == (422, 403)


def test_the_day_page_shows_the_hash_and_the_root_that_were_signed(office: Office) -> None:
    a_signed_day(office)
    with office.begin() as db:
        (signed,) = sheets.versions(db, DAY)

    page = words(office.viewer.get(URL))

    assert signed.sha256.hex() in page
    assert (signed.seal_root or b"").hex() in page


def a_file(office: Office, form: str, **more: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in ({"format": form} | more).items())
    return office.viewer.get(f"{URL}/export?{query}")


def test_the_workbook_says_what_was_signed(office: Office) -> None:
    a_signed_day(office)

    book = CalamineWorkbook.from_filelike(io.BytesIO(a_file(office, "xlsx").data))

    first = {str(row[0]): str(row[1]) for row in book.get_sheet_by_index(0).to_python() if row[1:]}
    assert first["Phiên bản"] == "1"
    assert first["Lập lúc"].endswith("+07:00")
    assert len(first["SHA-256 của bảng"]) == 64
    equation = {row[0]: row[1] for row in book.get_sheet_by_name("Cân đối").to_python()}
    assert equation["Đã nhận"] == 1_231_000
    assert equation["Chưa giải thích được"] == 0
    assert "Phát sinh theo tài khoản kế" in book.sheet_names  # a tab ends with a whole word
    files = book.get_sheet_by_name("Tệp gốc").to_python()
    assert {row[1] for row in files[1:]} == {"Sao kê"}
    statements = book.get_sheet_by_name("Sao kê theo tài khoản").to_python()
    assert statements[1][0] == "9999018452"  # text, however much it looks like a number


def test_csv_has_headings_in_either_language_and_a_day_that_is_not_signed_says_so(
    office: Office,
) -> None:
    draft = a_file(office, "csv").data.decode("utf-8-sig")
    a_signed_day(office)
    signed = a_file(office, "csv", language="en").data.decode("utf-8-sig")

    assert "CHƯA KÝ" in draft
    assert "Place,Amount (₫)\r\nReceived,1231000" in signed
    assert "State,Signed and locked" in signed


def test_the_pdf_is_whole_and_an_unknown_format_or_version_is_refused(office: Office) -> None:
    a_signed_day(office)

    made = a_file(office, "pdf")

    assert made.data.startswith(b"%PDF-")
    assert made.headers["Content-Disposition"].endswith('"thuphi-2026-03-10-v1.pdf"')
    assert a_file(office, "pdf").data == made.data
    assert a_file(office, "docx").status_code == 422
    assert a_file(office, "pdf", version="7").status_code == 404


def test_the_api_gives_the_sheet_and_the_file_and_takes_a_correction(office: Office) -> None:
    a_signed_day(office)
    with office.begin() as db:
        key = access.issue_key(db, ["read", "reconcile"], at=office.school.house.clock.now())
        (signed,) = sheets.versions(db, DAY)
    client, headers = office.app.test_client(), {"Authorization": f"Bearer {key}"}
    url = f"/api/v1/days/{DAY}"

    shown = client.get(url, headers=headers)
    file = client.get(f"{url}/export?format=csv&language=en", headers=headers)
    asked = client.post(f"{url}/corrections", json={"reason": "late"}, headers=headers)

    assert shown.get_json()["sha256"] == signed.sha256.hex()
    assert shown.get_json()["sheet"] == json.loads(signed.text)
    assert "Unexplained,0" in file.data.decode("utf-8-sig")
    assert (asked.status_code, asked.get_json()["version"]) == (201, 2)
    assert client.get(url).status_code == 401
    assert client.get("/api/v1/days/2026-02-30", headers=headers).status_code in (404, 422)

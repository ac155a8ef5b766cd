"""What no page sends: characters that PostgreSQL cannot hold or people cannot see, odd days."""

from __future__ import annotations

import pytest

from payments.domain import ids
from tests.consoles import Office, an_office
from tests.databases import QuickHouse
from tests.doors import a_program
from tests.statement_files import Entry

LIST = "/console/discrepancies"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    made = an_office(quick_house)
    made.night([Entry(123_000, "chuc mung", "FT26069009")])
    return made


def test_a_nul_is_a_bad_request_wherever_it_stands(office: Office, quick_house: QuickHouse) -> None:
    one = f"{LIST}/{ids.shown('dis', office.one('SELECT id FROM discrepancy'))}"
    program = a_program(office.app, quick_house, office.school.biller_id)

    assert office.chief.get(f"{one}?find=a%00b").status_code == 400
    for name in ("kind", "gateway"):
        said = program.get(f"/api/v1/discrepancies?{name}=a%00b")
        assert (said.status_code, said.json["code"]) == (422, "invalid")
    assert office.chief.get(f"{LIST}?says=a%00b&kind=%00&after=").status_code == 200


@pytest.mark.parametrize("hidden", ["a\x00b", "dung \u202egnas iahk", "\u200b", "a\x1b[31m"])
def test_a_reason_that_reads_otherwise_than_it_is_kept_is_refused(
    office: Office, hidden: str
) -> None:
    one = f"{LIST}/{ids.shown('dis', office.one('SELECT id FROM discrepancy'))}"
    payee = {"to_name": "A", "to_account": "9999000001"}

    said = office.accountant.post(f"{one}/propose", {"way": "refund", "reason": hidden} | payee)

    assert said.status_code == 422
    assert office.one("SELECT status FROM discrepancy") == "open"
    office.accountant.post(f"{one}/propose", {"way": "refund", "reason": "Trả lại"} | payee)
    assert office.chief.post(f"{one}/refuse", {"reason": hidden}).status_code == 422
    assert office.one("SELECT status FROM discrepancy") == "proposed"


def test_a_day_that_no_calendar_shows_has_no_page_and_is_not_signed(office: Office) -> None:
    for day in ("0001-01-01", "1999-12-31"):
        assert office.chief.get(f"/console/days/{day}").status_code == 404
        assert office.chief.post(f"/console/days/{day}/check").status_code == 404
    assert office.chief.get("/console/days/9999-12-31").status_code == 200
    assert office.chief.get("/console/runs/of/0001-01-01").status_code == 200
    assert office.chief.get("/console/days?month=9999-99").status_code == 404

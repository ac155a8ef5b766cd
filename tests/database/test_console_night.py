"""A night on its way: each account's step and figures, failures with their reason, then the end."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import html as parser
from sqlalchemy import text

from ops import jobs
from payments.domain import ids
from reconciliation import progress
from reconciliation.progress import Step
from tests.consoles import DAY, Office, an_office, words
from tests.databases import QuickHouse
from tests.statement_files import Entry

PART = f"/console/runs/of/{DAY}"


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def part(answer: Any) -> Any:
    """The part that follows the night, wherever it stands. Any: lxml's stubs leave much open."""
    root: Any = parser.fromstring(answer.text)
    return root.get_element_by_id("night")


def read(answer: Any) -> str:
    """What it says, blanks folded."""
    return " ".join(" ".join(part(answer).itertext()).split())


def test_a_night_is_followed_from_the_first_page_until_it_is_done(office: Office) -> None:
    house = office.school.house
    office.night([Entry(581_000, office.order().code, "FT1"), Entry(400_000, "khong ro", "FT2")])
    run_id, account = office.one("SELECT id FROM run"), office.one("SELECT id FROM bank_account")
    done = office.viewer.get()
    assert "data-follow" not in part(done).attrib
    assert "9999018452 Đã xong 2 dòng" in read(done)

    with office.begin() as db:  # as the run itself does when it begins again
        db.execute(text("UPDATE run SET finished_at = NULL, attempt = 2"))
    progress.tell(house.sessions, office.school.biller_id, run_id, Step.POST, 1, 2)
    going = office.viewer.get()

    assert part(going).get("hx-get") == PART
    assert "data-follow" in part(going).attrib
    assert "Đang chạy Ghi sổ · 1 trên 2 dòng (50,0%) · lần chạy 2" in read(going)
    bar = part(going).xpath(".//progress")[0]
    assert (bar.get("value"), bar.get("max")) == ("1", "2")

    with office.begin() as db:
        db.execute(text("UPDATE run SET error = 'No disk.', error_vi = 'Hết đĩa.'"))
        jobs.request_run(db, account, DAY, at=house.clock.now())
    failed = office.viewer.get(f"/console/runs/{ids.shown('run', run_id)}")
    assert "Dừng vì lỗi Hết đĩa. Tự chạy lại lúc" in read(failed)
    assert part(failed).get("hx-get").endswith("/progress")
    assert "Hết đĩa." in words(failed)


def test_the_part_alone_is_not_sent_again_while_nothing_moves(office: Office) -> None:
    office.night([Entry(400_000, "khong ro")])
    url = f"/console/runs/{ids.shown('run', office.one('SELECT id FROM run'))}/progress"
    for one in (PART, url):
        first = office.viewer.get(one)
        headers = {"Accept-Language": "vi", "If-None-Match": first.headers["ETag"]}

        again = office.viewer.client.get(one, headers=headers)

        assert first.headers["Cache-Control"] == "private, no-cache"
        assert (again.status_code, again.data) == (304, b"")
        assert "<html" not in first.text
        with office.begin() as db:
            db.execute(text("UPDATE run SET finished_at = finished_at + interval '1 hour'"))
        assert office.viewer.client.get(one, headers=headers).status_code == 200
    for nothing in (
        "/console/runs/of/x",
        "/console/runs/of/2026-02-30",
        "/console/runs/x/progress",
    ):
        assert office.viewer.get(nothing).status_code == 404
    assert read(office.viewer.get("/console/runs/of/2026-01-01")) == ""

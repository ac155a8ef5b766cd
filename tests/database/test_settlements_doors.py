"""Settlement files at the API and the console: whose they are, and what became of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from adapters import registry
from ops import jobs, settling
from payments import channels, outbox
from payments.domain import ids
from payments.domain.people import SERVICE, Permission
from tests import settlement_files as made
from tests.consoles import Desk, Office, actions, an_office, words
from tests.databases import QuickHouse
from tests.doors import Program, Said, a_program, a_runtime
from tests.settlement_desk import credit
from tests.settlement_files import Settled

FILES = "/console/settlements"
API = "/api/v1/settlement-files"
PAID = Settled("14422574", 581_000, 6_391, ref="TP1")
VNPAY = {"tmn_code": "HOASEN01", "hash_secret": "a secret of nobody"}


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    office = an_office(quick_house)
    with office.begin() as db:
        taken = registry.CHANNELS["vnpay"].settings
        channels.put(db, "vnpay", VNPAY, by=SERVICE, at=quick_house.clock.now(), taken=taken)
    return office


@pytest.fixture
def program(office: Office, quick_house: QuickHouse) -> Program:
    return a_program(office.app, quick_house, office.school.biller_id)


def hand_over(program: Program, data: bytes, gateway: str = "vnpay", **more: Any) -> Said:
    form = {"gateway": gateway, "file": (io.BytesIO(data), "VNP20260311.csv")} | more
    return program.post(API, data=form, content_type="multipart/form-data", idempotency_key=None)


def work(office: Office, quick_house: QuickHouse) -> None:
    """What a worker does with the messages that wait."""
    runtime = a_runtime(quick_house)
    with quick_house.system.begin() as db:
        messages = outbox.claim(db, "settlements", now=quick_house.clock.now(), limit=9)
    for message in messages:
        settling.work(runtime, message)
        settling.work(runtime, message)  # a worker that died before it said so


def test_a_worker_handles_what_the_doors_ask_for() -> None:
    assert outbox.DRAINS["settlement.received"] in jobs.handled()


# ---- the API ----


def test_a_file_is_kept_then_read_and_booked_by_a_worker(
    office: Office, program: Program, quick_house: QuickHouse
) -> None:
    answer = hand_over(program, made.vnpay([PAID]))
    assert answer.status_code == 201
    assert answer.json["status"] == "received"
    assert hand_over(program, made.vnpay([PAID])).status_code == 200

    work(office, quick_house)

    found = program.get(answer.headers["Location"]).json
    [batch] = found["batches"]
    assert (found["status"], found["problems"]) == ("read", [])
    assert (batch["due"], batch["came"], batch["standing"]) == (574_609, 0, "awaited")
    assert (batch["rows"], batch["booked"], batch["unchecked"]) == (1, 1, 1)
    assert program.get(API).json["items"][0]["id"] == found["id"]
    assert office.one("SELECT count(*) FROM payment") == 1


def test_a_contract_is_set_shown_and_used(
    office: Office, program: Program, quick_house: QuickHouse
) -> None:
    url = "/api/v1/channels/vnpay/contract"
    put = program.put(url, {"bps": 100, "fixed": 0, "from_day": "2026-01-01"})
    assert (put.status_code, put.json["rounding"]) == (200, "half up per row")
    hand_over(program, made.vnpay([PAID]))

    work(office, quick_house)

    assert office.one("SELECT amount FROM discrepancy WHERE kind = 'FEE_VARIANCE'") == 581
    assert [one["bps"] for one in program.get(url).json["items"]] == [100]
    assert program.put(url, {"bps": 10_001}).status_code == 422
    assert program.put("/api/v1/channels/sepay/contract", {"bps": 1}).status_code == 404


REFUSED: Mapping[str, tuple[bytes, str, int]] = {
    "nobody": (made.vnpay([PAID]), "sepay", 404),
    "not set up": (made.momo([PAID]), "momo", 422),
    "empty": (b"", "vnpay", 422),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_file_that_is_for_nobody_is_refused_at_the_door(program: Program, why: str) -> None:
    data, gateway, status = REFUSED[why]

    answer = hand_over(program, data, gateway)

    assert answer.status_code == status
    assert answer.json["detail"]


def test_a_file_of_another_merchant_or_gateway_books_nothing(
    office: Office, program: Program, quick_house: QuickHouse
) -> None:
    answers = [
        hand_over(program, data) for data in (made.vnpay([PAID], tmn="KHAC0001"), made.momo([PAID]))
    ]

    work(office, quick_house)

    for answer in answers:
        found = program.get(answer.headers["Location"]).json
        assert (found["status"], found["batches"]) == ("refused", [])
        assert found["error_vi"] != found["error_en"]
    assert office.one("SELECT count(*) FROM settlement_batch") == 0


def test_a_profile_comes_with_the_file(
    office: Office, program: Program, quick_house: QuickHouse
) -> None:
    data = made.vnpay([PAID]).replace(b"NetAmount", b"Thuc nhan")
    first = hand_over(program, data)
    profile = (io.BytesIO(b'[columns]\nnet = ["Thuc nhan"]'), "p.toml")
    second = hand_over(program, data, profile=profile)

    work(office, quick_house)

    assert program.get(first.headers["Location"]).json["status"] == "refused"
    found = program.get(second.headers["Location"]).json
    assert (found["status"], found["own_profile"]) == ("read", True)


def test_only_who_may_hands_files_over(office: Office, quick_house: QuickHouse) -> None:
    reader = a_program(office.app, quick_house, office.school.biller_id, Permission.READ)

    assert hand_over(reader, made.vnpay([PAID])).status_code == 403
    assert reader.put("/api/v1/channels/vnpay/contract", {"bps": 1}).status_code == 403


def test_a_zalopay_file_without_a_known_transaction_is_nobodys(
    office: Office, program: Program, quick_house: QuickHouse
) -> None:
    """Its layout does not say whose it is."""
    with office.begin() as db:
        channels.put(db, "zalopay", {"app_id": "2553"}, by=SERVICE, at=quick_house.clock.now())

    answer = hand_over(program, made.zalopay([PAID]).encode(), "zalopay")
    work(office, quick_house)

    assert "not one of its transactions" in program.get(answer.headers["Location"]).json["error_en"]


# ---- the console ----


def send(desk: Desk, data: bytes, gateway: str = "vnpay") -> TestResponse:
    form = {"file": (io.BytesIO(data), "VNP20260311.csv"), "gateway": gateway}
    return desk.post(FILES, form, of=FILES)


def test_a_person_sees_the_batches_and_what_waits(office: Office, quick_house: QuickHouse) -> None:
    assert "Tệp quyết toán của cổng" in words(office.viewer.get("/console/statements"))
    rows = [PAID, Settled("9", -30_000, 0, "chargeback")]

    answer = send(office.accountant, made.vnpay(rows))
    before = words(office.accountant.get(answer.headers["Location"]))
    work(office, quick_house)
    page = words(office.accountant.get(answer.headers["Location"]))

    assert "Các dòng đang được ghi sổ ở nền" in before
    assert "Lô VNP2026031101" in page
    assert "Phải về 544.609" in page
    assert "1 dòng chờ người xem" in page
    assert "chưa đối chiếu phí vì chưa có hợp đồng" in page
    again = send(office.accountant, made.vnpay(rows))
    assert "Tệp này đã nhận lúc" in words(office.accountant.get(again.headers["Location"]))


def test_a_line_is_taken_off_its_batch_where_the_batch_is_shown(
    office: Office, program: Program, quick_house: QuickHouse
) -> None:
    file = send(office.accountant, made.vnpay([PAID])).headers["Location"]
    work(office, quick_house)
    office.night([credit(PAID.batch, 574_609)])
    [undo] = [one for one in actions(office.accountant.get(file)) if "/undo/" in one]
    assert not [one for one in actions(office.viewer.get(file)) if "/undo/" in one]

    bare = office.accountant.post(undo, of=file)
    answer = office.accountant.post(undo, {"reason": "Nhầm lô"}, of=file)
    again = office.accountant.post(undo, {"reason": "Lần nữa"}, of=file)

    assert (bare.status_code, "Cần ghi lý do" in words(bare)) == (422, True)
    held = office.one("SELECT id FROM discrepancy WHERE amount = 574609")
    assert answer.headers["Location"].endswith(ids.shown("dis", held))
    assert (again.status_code, "đã được gỡ khỏi lô trước đó" in words(again)) == (409, True)
    page = words(office.accountant.get(file))
    assert "Đã về 0" in page
    assert "Nhầm lô" in page
    [batch] = program.get(file.replace("/console/settlements", API)).json["batches"]
    [line] = batch["lines"]
    assert (line["amount"], line["undone_at"] is not None, batch["came"]) == (574_609, True, 0)
    [back] = [one for one in actions(office.accountant.get(file)) if "/again/" in one]
    assert office.accountant.post(back, {"reason": "Gỡ nhầm"}, of=file).status_code == 303
    assert "Đã về 574.609" in words(office.accountant.get(file))


def test_what_is_wrong_with_a_file_is_said_on_the_page(office: Office) -> None:
    wrong = made.vnpay([PAID, replace(PAID, txn="2", net=5)])

    answer = send(office.accountant, wrong)

    page = words(office.accountant.get(answer.headers["Location"]))
    assert "581.000 − phí 6.391 không bằng thực nhận 5:" in page
    refused = send(office.accountant, made.vnpay([PAID]), "momo")
    assert (refused.status_code, "momo chưa được thiết lập" in words(refused)) == (422, True)


def test_a_chargeback_is_decided_at_the_console(office: Office, quick_house: QuickHouse) -> None:
    send(office.accountant, made.vnpay([PAID, Settled(PAID.txn, -581_000, 0, "chargeback")]))
    work(office, quick_house)
    url = office.url("CHARGEBACK")

    page = office.accountant.get(url)

    assert "VNPAY" in words(page)
    assert "14422574" in words(page)
    assert f"{url}/propose" in actions(page)
    preview = office.accountant.get(f"{url}?way=other_expense")
    assert "Chi khác" in words(preview)
    assert "581.000" in words(preview)


def test_a_batch_that_came_short_shows_where_the_money_is(
    office: Office, quick_house: QuickHouse
) -> None:
    send(office.accountant, made.vnpay([PAID]))
    work(office, quick_house)
    office.night([credit("VNP2026031101", 574_000)])

    page = words(office.accountant.get(office.url("BATCH_MISMATCH") + "?way=gateway_fee"))

    assert "Tiền tại VNPAY" in page
    assert "609" in page


def test_the_day_compares_orders_with_the_report_and_the_bank(
    office: Office, quick_house: QuickHouse
) -> None:
    send(office.accountant, made.vnpay([PAID]))
    work(office, quick_house)
    before = words(office.accountant.get("/console/days/2026-03-10"))
    office.night([credit("VNP2026031101", 574_609)])

    after = words(office.accountant.get("/console/days/2026-03-10"))

    assert "VNPAY 1 581.000 581.000 6.391 0" in before
    assert "VNPAY 1 581.000 581.000 6.391 574.609" in after

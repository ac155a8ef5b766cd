"""What gateways told us, at the console: why a call waits, what became of it, who may see whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.vnpay.events import VnpayEvents
from payments import orders, vault
from payments.domain import ids
from tests.calls_heard import (
    ELSEWHERE,
    LIST,
    a_listening_office,
    hear,
    set_channel,
    told,
    url,
)
from tests.cast import ACCOUNT, a_school
from tests.consoles import Desk, Office, a_person, actions, tree, words
from tests.databases import QuickHouse
from tests.sepay_calls import SECRET, Notice, a_call, with_key
from tests.vnpay_calls import SETTINGS, notice
from webhooks.event import Call

HOSTILE = '<script>alert("xin")</script> & =cmd|A1'


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return a_listening_office(quick_house)


def listed(desk: Desk, query: str = "") -> list[str]:
    """The rows of the list."""
    page = tree(desk.get(LIST + query))
    return [" ".join(" ".join(row.itertext()).split()) for row in page.xpath("//main//tbody/tr")]


# ---- the list ----


def test_no_call_yet_is_said_in_both_languages_and_leads_to_the_channels(office: Office) -> None:
    office.viewer.language = "vi"
    page = office.viewer.get(LIST)
    assert "Chưa cổng nào gọi đến." in words(page)
    assert tree(page).xpath("//p[@class='empty']/a/@href") == ["/console/channels"]
    office.viewer.language = "en"
    assert "No gateway has called yet." in words(office.viewer.get(LIST))


def test_a_call_is_listed_with_what_it_told_and_what_we_answered(office: Office) -> None:
    told(office)

    [row] = listed(office.accountant)

    for piece in ("SePay", "09:0", "Tiền vào tài khoản", "92704", "581.000", "Đã ghi"):
        assert piece in row
    assert 'HTTP 200 {"success": true}' in row
    assert "nop tien" not in row


def test_a_repeat_is_counted_and_other_content_under_the_same_number_is_said(
    office: Office,
) -> None:
    said = told(office)
    office.school.house.clock.advance(seconds=1)
    told(office)
    told(office, amount=580_000, at=said.at)

    [row] = listed(office.accountant)

    assert "báo 3 lần" in row
    assert "Cùng một tin được báo lại với nội dung khác" in row
    assert "581.000" in row


def test_the_list_is_narrowed_by_source_status_and_day_in_the_address(office: Office) -> None:
    told(office)
    told(office, number=92705, account=ELSEWHERE, reference="FT2")
    office.school.house.clock.advance(days=1)
    set_channel(office.school, "vnpay", SETTINGS)
    hear(office, Call({}, b"", notice() + "x", "GET"), VnpayEvents())
    today = office.school.house.clock.now().date()
    yesterday = today - timedelta(days=1)

    counts = {
        query: len(listed(office.accountant, f"?{query}"))
        for query in (
            "source=sepay",
            "source=vnpay",
            "status=parked",
            "status=refused&source=sepay",
            f"day={today}",
            f"day={yesterday}",
            "source=hack&status=x&day=2026-99-99",
        )
    }
    nothing = office.accountant.get(f"{LIST}?status=refused&source=sepay")

    assert list(counts.values()) == [2, 1, 1, 0, 1, 2, 3]
    assert "Bộ lọc không thấy cuộc gọi nào." in words(nothing)
    assert tree(nothing).xpath("//p[@class='empty']/a/@href") == [LIST]
    chosen = tree(nothing).xpath("//main//option[@selected]/@value")
    assert chosen == ["sepay", "refused"]


def test_a_long_list_goes_on_page_by_page_with_its_filter(office: Office) -> None:
    at = office.school.house.clock.now()
    for number in range(53):
        said = Notice(number + 1, ACCOUNT, 1_000, "a", at)
        hear(office, a_call(said.body(), at=at))

    first = tree(office.accountant.get(f"{LIST}?source=sepay"))
    [following] = first.xpath("//a[@rel='next']/@href")
    second = tree(office.accountant.get(following))

    assert "source=sepay" in following
    assert len(first.xpath("//main//tbody/tr")) == 50
    assert len(second.xpath("//main//tbody/tr")) == 3


# ---- one call ----


def test_a_booked_call_leads_to_the_bill_it_paid(office: Office) -> None:
    order: orders.Order = office.order(500_000)
    told(office, order.code)

    page = office.accountant.get(url(office))

    said = words(page)
    assert "Tiền vào tài khoản" in said
    assert order.code in said
    [bill] = tree(page).xpath("//section[@aria-labelledby='became']//th/a")
    assert bill.text == "GB-1"
    assert "Trần Gia Bảo" in words(office.accountant.get(bill.get("href")))
    assert "500.000" in said
    assert "Giữ làm số dư của người nộp 81.000" in said
    assert actions(page) == []


def test_money_in_no_place_yet_leads_to_the_queue(office: Office) -> None:
    told(office, "khong ro")

    [place] = tree(office.accountant.get(url(office))).xpath(
        "//section[@aria-labelledby='became']//th/a"
    )

    assert place.text.startswith("Chưa ghi vào đâu")
    assert place.get("href") == "/console/discrepancies"


def test_the_call_as_it_came_shows_no_key_and_no_signature(office: Office) -> None:
    set_channel(office.school, "sepay", {"api_key": SECRET})
    at = office.school.house.clock.now()
    body = Notice(92704, ACCOUNT, 581_000, "nop tien", at).body()
    hear(office, Call({**with_key(), "x-sepay-signature": "sha256=" + "ab" * 32}, body))

    page = office.accountant.get(url(office))

    raw = " ".join(tree(page).xpath("//section[@aria-labelledby='raw']")[0].itertext())
    assert "POST /webhooks/sepay/TH-HS" in raw
    assert '"transferAmount": 581000' in raw
    assert "content-type" in raw
    assert "••••" + SECRET[-4:] in raw
    assert "••••abab" in raw
    assert SECRET not in page.text
    assert "ab" * 20 not in page.text


def test_what_a_call_says_is_shown_and_never_run(office: Office) -> None:
    told(office, HOSTILE)

    page = office.accountant.get(url(office))

    assert "<script>alert" not in page.text
    assert tree(page).xpath("//p[@class='memo']/text()") == [HOSTILE]


def test_whoever_does_not_resolve_sees_nothing_of_any_person(office: Office) -> None:
    told(office, "NGUYEN THI MAI nop tien")

    page = office.viewer.get(url(office))

    assert "581.000" in words(page)
    assert "••••8452" in words(page)
    assert "chỉ hiện với người xử lý chênh lệch" in words(page)
    assert "NGUYEN" not in page.text
    assert ACCOUNT not in page.text
    assert not tree(page).xpath("//section[@aria-labelledby='raw']")


@pytest.mark.parametrize(
    ("language", "says"),
    [("vi", "Chữ ký hoặc khóa không đúng"), ("en", "Wrong signature or key")],
)
def test_a_call_that_is_not_believed_says_why_and_told_nothing(
    office: Office, language: str, says: str
) -> None:
    at = office.school.house.clock.now()
    body = Notice(92704, ACCOUNT, 581_000, "nop tien", at).body()
    hear(office, a_call(body, at=at, secret="khoa cua ai do"))
    office.accountant.language = language

    page = office.accountant.get(url(office))

    assert says in words(page)
    assert "HTTP 401" in words(page)
    assert not tree(page).xpath("//main//dl")
    assert actions(page) == []


def test_a_call_about_several_events_shows_each_beside_the_others(office: Office) -> None:
    told(office)
    first = office.one("SELECT id FROM inbound_call")
    told(office, number=92705, reference="FT2", amount=42_000)
    with office.begin() as db:
        # SePay tells of one thing at a time; Casso's lists are kept as such rows.
        second = office.one("SELECT id FROM inbound_call WHERE event_id = '92705'")
        row = db.execute(
            text("SELECT key_id, sealed FROM inbound_call WHERE id = :id"), {"id": second}
        ).one()
        event = vault.unseal(db, row.key_id, row.sealed, context=f"call:{second}")["event"]
        third = ids.new()
        db.execute(
            text("""INSERT INTO inbound_call (biller_id, id, source, call_hash, received_at,
                        verified, event_id, status, key_id, sealed, answer_status, answer_body,
                        part_of)
                    SELECT biller_id, :third, source, sha256(call_hash), received_at, true,
                        'another', 'received', key_id, :sealed, 200, '', :first
                    FROM inbound_call WHERE id = :second"""),
            {
                "third": third,
                "first": first,
                "second": second,
                "sealed": vault.seal(
                    db, row.key_id, {"event": event | {"amount": 7_000}}, context=f"call:{third}"
                ),
            },
        )

    page = office.accountant.get(f"{LIST}/{ids.shown('cal', third)}")
    beside = office.accountant.get(f"{LIST}/{ids.shown('cal', first)}")

    assert "7.000" in words(page)
    assert '"transferAmount": 581000' in page.text.replace("&#34;", '"')
    [other] = tree(page).xpath("//section[@aria-labelledby='others']//tbody/tr/th/a/@href")
    assert other == f"{LIST}/{ids.shown('cal', first)}"
    assert len(tree(beside).xpath("//section[@aria-labelledby='others']//tbody/tr")) == 1


def test_a_call_whose_data_were_erased_still_has_its_payment(office: Office) -> None:
    order = office.order(581_000)
    told(office, order.code)
    call_id = office.one("SELECT id FROM inbound_call")
    with office.begin() as db:
        key_id = office.one("SELECT key_id FROM inbound_call")
        vault.erase(db, key_id, at=office.school.house.clock.now())

    page = office.accountant.get(f"{LIST}/{ids.shown('cal', call_id)}")

    assert "đã được xóa theo yêu cầu" in words(page)
    assert "GB-1" in words(page)
    assert order.code not in page.text


def test_a_call_of_another_biller_is_not_found(office: Office, quick_house: QuickHouse) -> None:
    told(office)
    theirs = url(office)
    other = a_school(quick_house, code="TH-MAI", number="9999018453")
    person = a_person(quick_house, "Lan Do", (other.biller_id, "accountant"))
    from_there = Desk(office.app, quick_house.clock).sign_in(person)

    assert from_there.get(theirs).status_code == 404
    tried = from_there.post(f"{theirs}/again", of="/console")
    assert from_there.get(tried.headers["Location"]).status_code == 404
    assert office.accountant.get(f"{LIST}/cal_x").status_code == 404
    assert office.accountant.get(f"{LIST}?before=cal_x").status_code == 404

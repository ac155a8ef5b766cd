"""Channels at the console: set up, tried, switched; a secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from werkzeug.test import TestResponse

from adapters.registry import CHANNELS
from payments import channels
from payments.domain.people import SERVICE
from tests.cast import a_school
from tests.consoles import Desk, Office, a_person, actions, an_office, tree, words
from tests.databases import House, QuickHouse
from tests.doors import an_app
from tests.settlement_desk import Desk as Cashbox
from tests.zalopay_server import Server, zalopay_server

LIST = "/console/channels"
VNPAY = f"{LIST}/vnpay"
SECRET = "BIMAT-" + "x" * 20
GIVEN = {"tmn_code": "HSPTEST1", "hash_secret": SECRET}
NEWER = "BIMAT-" + "y" * 20


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return an_office(quick_house)


def an_admin(office: Office, house: House | QuickHouse) -> Desk:
    person = a_person(house, "An Bui", (office.school.biller_id, "admin"))
    return Desk(office.app, office.school.house.clock).sign_in(person)


@pytest.fixture
def admin(office: Office, quick_house: QuickHouse) -> Desk:
    return an_admin(office, quick_house)


def save(desk: Desk, form: dict[str, str], url: str = VNPAY) -> TestResponse:
    return desk.post(url, form, of=url)


def settings(office: Office, name: str = "vnpay") -> dict[str, str] | None:
    with office.begin() as db:
        return channels.settings_of(db, name, even_off=True)


def values(page: TestResponse) -> dict[str, str]:
    fields = tree(page).xpath("//main//input[@type!='hidden' or not(@type)][@id]")
    return {field.get("name"): field.get("value", "") for field in fields}


def read(part: Any) -> str:
    """What a person reads in a part of a page, blanks folded. Any: lxml's stubs leave it open."""
    return " ".join(" ".join(part.itertext()).split())


# ---- the list ----


def test_no_channel_yet_is_said_in_both_languages_with_who_begins(
    office: Office, admin: Desk
) -> None:
    admin.language = "vi"
    office.viewer.language = "en"

    assert "Chọn một kênh bên dưới để bắt đầu." in words(admin.get(LIST))
    seen = words(office.viewer.get(LIST))
    assert "No channel is set up" in seen
    assert "An administrator of the biller sets channels up." in seen


def test_every_company_is_there_with_the_address_it_has_to_call(admin: Desk) -> None:
    page = tree(admin.get(LIST))

    assert page.xpath("//h2/a/text()") == [one.label for one in CHANNELS.values()]
    assert page.xpath("//button/@data-copy") == [
        f"http://thuphi.example/webhooks/{name}/TH-HS" for name in CHANNELS
    ]


def test_the_list_tells_money_at_the_gateway_and_what_came_today(
    office: Office, admin: Desk
) -> None:
    save(admin, GIVEN)
    cashbox = Cashbox(office.school)
    cashbox.pay("14999001", 581_000)
    cashbox.pay("14999002", 400_000)

    [card] = tree(admin.get(LIST)).xpath("//section[@aria-labelledby='channel-vnpay']")

    said = read(card)
    assert "Đang bật" in said
    assert "Chưa thử" in said
    assert "Cổng đang giữ 981.000 ₫" in said
    assert "2 khoản · 981.000 ₫" in said
    assert "Đổi lần cuối 09:0" in said


def test_who_only_tells_of_money_holds_none(office: Office, admin: Desk) -> None:
    save(admin, {"secret": SECRET}, f"{LIST}/sepay")

    card = tree(admin.get(LIST)).xpath("//section[@aria-labelledby='channel-sepay']")[0]

    assert "Cổng đang giữ" not in card.text_content()


# ---- settings ----


def test_what_is_set_is_kept_and_a_secret_is_never_shown_again(office: Office, admin: Desk) -> None:
    answer = save(admin, GIVEN)

    page = admin.get(answer.headers["Location"])
    assert answer.status_code == 303
    assert settings(office) == GIVEN
    assert values(page)["tmn_code"] == "HSPTEST1"
    assert values(page)["hash_secret"] == ""
    assert "Đã lưu và bật kênh" in words(page)
    for url in (LIST, VNPAY):
        for desk in (admin, office.viewer):
            assert SECRET[:8] not in desk.get(url).text


def test_blanks_around_a_pasted_value_are_not_part_of_it(office: Office, admin: Desk) -> None:
    save(admin, {"tmn_code": " HSPTEST1 ", "hash_secret": f"{SECRET}\n"})

    assert settings(office) == GIVEN


def test_each_field_that_is_wrong_is_named_and_nothing_typed_in_secret_comes_back(
    office: Office, admin: Desk
) -> None:
    answer = save(admin, {"tmn_code": "<b>", "hash_secret": "ngắn", "least": "mười"})

    assert answer.status_code == 422
    page = tree(answer)
    wrong = page.xpath("//main//input[@aria-invalid='true']/@name")
    assert wrong == ["tmn_code", "hash_secret", "least"]
    summary = page.xpath("//div[@role='alert']//a/@href")
    assert sorted(summary) == ["#hash_secret", "#least", "#tmn_code"]
    assert "Mã website (vnp_TmnCode) do VNPAY cấp: chưa đúng dạng" in words(answer)
    assert values(answer)["tmn_code"] == "<b>"
    assert values(answer)["hash_secret"] == ""
    assert "ngắn" not in answer.text
    assert settings(office) is None


def test_half_filled_settings_are_refused_beside_what_is_missing(
    office: Office, admin: Desk
) -> None:
    admin.language = "en"

    answer = save(admin, {"tmn_code": "HSPTEST1"})
    either = save(admin, {}, f"{LIST}/casso")

    assert answer.status_code == either.status_code == 422
    assert "Secret of the checksum (vnp_HashSecret): is missing." in words(answer)
    assert values(answer)["tmn_code"] == "HSPTEST1"
    assert "Fill in at least one of the fields." in words(either)
    assert settings(office) is settings(office, "casso") is None


def test_an_empty_secret_keeps_the_one_that_is_there(office: Office, admin: Desk) -> None:
    save(admin, GIVEN)

    save(admin, {"tmn_code": "HSPTEST2", "hash_secret": "", "least": "10000"})

    assert settings(office) == GIVEN | {"tmn_code": "HSPTEST2", "least": "10000"}


def test_an_empty_field_that_is_no_secret_is_taken_away(office: Office, admin: Desk) -> None:
    save(admin, GIVEN | {"least": "10000"})

    save(admin, {"tmn_code": "HSPTEST1", "least": ""})

    assert settings(office) == GIVEN


def test_a_secret_that_may_be_left_out_is_dropped_only_when_asked(
    office: Office, admin: Desk
) -> None:
    sepay = f"{LIST}/sepay"
    save(admin, {"secret": SECRET, "api_key": NEWER}, sepay)

    save(admin, {}, sepay)
    kept = settings(office, "sepay")
    save(admin, {"drop-api_key": "1"}, sepay)

    assert kept == {"secret": SECRET, "api_key": NEWER}
    assert settings(office, "sepay") == {"secret": SECRET}


def test_a_merchant_of_another_biller_is_refused_beside_its_field(
    office: Office, admin: Desk, quick_house: QuickHouse
) -> None:
    other = a_school(quick_house, code="TH-MAI", number="9999018453")
    with quick_house.sessions.begin(other.biller_id) as db:
        vnpay = CHANNELS["vnpay"].settings
        at = quick_house.clock.now()
        channels.put(db, "vnpay", GIVEN, by=SERVICE, at=at, taken=vnpay)

    answer = save(admin, GIVEN | {"hash_secret": NEWER})

    assert answer.status_code == 409
    assert tree(answer).xpath("//main//input[@aria-invalid='true']/@name") == ["tmn_code"]
    assert "đã thuộc đơn vị khác" in words(answer)
    assert NEWER not in answer.text
    assert settings(office) is None


# ---- who changed what ----


def test_the_history_names_who_changed_which_fields_and_no_value(
    office: Office, admin: Desk
) -> None:
    save(admin, GIVEN | {"least": "10000"})
    save(admin, {"tmn_code": "HSPTEST1", "hash_secret": NEWER})
    save(admin, {"tmn_code": "HSPTEST1"})
    admin.post(f"{VNPAY}/switch", {"on": "0"}, of=VNPAY)

    page = admin.get(VNPAY)

    done = [read(one).split(" ", 2)[2] for one in tree(page).xpath("//ol/li")]
    assert done == [
        "Tắt kênh An Bui",
        "Lưu lại, không mục nào đổi An Bui",
        "Lưu thiết lập An Bui · hash_secret, least",
        "Lưu thiết lập An Bui · hash_secret, least, tmn_code",
    ]
    assert office.one("SELECT count(*) FROM audit_line WHERE detail::text LIKE '%BIMAT%'") == 0
    assert office.one("SELECT count(*) FROM audit_line WHERE detail::text LIKE '%HSPTEST%'") == 0


def test_a_long_history_goes_on_page_by_page(office: Office, admin: Desk) -> None:
    save(admin, GIVEN)
    with office.begin() as db:
        for turn in range(60):
            at = office.school.house.clock.now()
            channels.switch(db, "vnpay", on=bool(turn % 2), by=SERVICE, at=at)

    first = tree(admin.get(VNPAY))
    [following] = first.xpath("//a[@rel='next']/@href")
    second = tree(admin.get(following))

    assert len(first.xpath("//ol/li")) == 50
    assert len(second.xpath("//ol/li")) == 11
    assert not second.xpath("//a[@rel='next']")


# ---- switch and test ----


def test_a_channel_that_is_off_is_not_offered_and_keeps_its_settings(
    office: Office, admin: Desk
) -> None:
    save(admin, GIVEN)

    off = admin.post(f"{VNPAY}/switch", {"on": "0"}, of=VNPAY)
    with office.begin() as db:
        offered = channels.settings_of(db, "vnpay")
    page = admin.get(off.headers["Location"])
    on = admin.post(f"{VNPAY}/switch", {"on": "1"}, of=VNPAY)

    assert offered is None
    assert settings(office) == GIVEN
    assert "Đã tắt: người nộp không chọn được nữa" in words(page)
    assert "Lưu và bật lại kênh" in words(page)
    assert "Đã bật: người nộp chọn được kênh này." in words(admin.get(on.headers["Location"]))


def at_zalopay(house: House, server: Server) -> tuple[Office, Desk]:
    office = an_office(house)
    office.app = an_app(house, THUPHI_GATEWAY_ZALOPAY_API_URL=server.url)
    admin = an_admin(office, house)
    keys = {"app_id": "2553", "key1": SECRET, "key2": NEWER}
    save(admin, keys, f"{LIST}/zalopay")
    return office, admin


def test_a_gateway_is_asked_while_no_transaction_is_open(house: House) -> None:
    with zalopay_server() as server:
        _, admin = at_zalopay(house, server)
        open_: list[int] = []
        server.says({"return_code": 2, "sub_return_code": -101})
        answers: Callable[[BaseHTTPRequestHandler], None] = server.behaviour

        def looks_then_answers(handler: BaseHTTPRequestHandler) -> None:
            [(idle,)] = house.psql(
                "admin",
                """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND state LIKE 'idle in transaction%'""",
            )
            open_.append(idle)
            answers(handler)

        server.behaviour = looks_then_answers
        tried = admin.post(f"{LIST}/zalopay/test", of=f"{LIST}/zalopay")

    page = admin.get(tried.headers["Location"])
    assert open_ == [0]
    assert len(server.heard) == 1
    assert "Dùng được" in words(page)
    assert "App ID và key1 đúng" in words(page)
    assert "Thử: dùng được An Bui" in words(page)


def test_a_test_that_fails_says_what_to_look_at_in_both_languages(house: House) -> None:
    with zalopay_server() as server:
        _, admin = at_zalopay(house, server)
        server.says_nothing()
        admin.post(f"{LIST}/zalopay/test", of=f"{LIST}/zalopay")

    assert "ZaloPay không trả lời. Kiểm tra mạng" in words(admin.get(f"{LIST}/zalopay"))
    admin.language = "en"
    page = words(admin.get(LIST))
    assert "Does not work" in page
    assert "ZaloPay does not answer. Check the network" in page


def test_a_channel_that_only_tells_of_money_says_how_it_is_tried(admin: Desk) -> None:
    sepay = f"{LIST}/sepay"
    save(admin, {"secret": SECRET}, sepay)

    admin.post(f"{sepay}/test", of=sepay)

    assert "hãy gửi một thông báo thử từ trang của nhà cung cấp" in words(admin.get(sepay))


def test_settings_that_are_replaced_have_not_been_tested(admin: Desk) -> None:
    sepay = f"{LIST}/sepay"
    save(admin, {"secret": SECRET}, sepay)
    admin.post(f"{sepay}/test", of=sepay)

    save(admin, {"secret": NEWER}, sepay)

    assert "Chưa thử" in words(admin.get(sepay))


# ---- who may ----


@pytest.mark.parametrize("name", ["viewer", "accountant", "chief"])
def test_whoever_lacks_the_right_looks_and_changes_nothing(
    office: Office, admin: Desk, name: str
) -> None:
    save(admin, GIVEN)
    desk: Desk = getattr(office, name)

    page = desk.get(VNPAY)
    sent = [
        desk.post(url, form)
        for url, form in (
            (VNPAY, {"tmn_code": "HSPTEST9"}),
            (f"{VNPAY}/switch", {"on": "0"}),
            (f"{VNPAY}/test", {}),
        )
    ]

    assert actions(page) == []
    assert "HSPTEST1" in words(page)
    assert "đã có, không hiện" in words(page)
    assert [one.status_code for one in sent] == [403, 403, 403]
    assert settings(office) == GIVEN


def test_a_form_without_its_token_changes_nothing(office: Office, admin: Desk) -> None:
    answer = admin.client.post(VNPAY, data=GIVEN)

    assert answer.status_code == 400
    assert settings(office) is None


def test_a_company_that_does_not_exist_and_one_that_is_not_set_up_are_not_found(
    admin: Desk,
) -> None:
    assert admin.get(f"{LIST}/paypal").status_code == 404
    assert admin.post(f"{LIST}/paypal", GIVEN, of=LIST).status_code == 404
    assert admin.post(f"{VNPAY}/switch", {"on": "1"}, of=LIST).status_code == 404
    assert admin.post(f"{VNPAY}/test", of=LIST).status_code == 404
    assert admin.get(f"{VNPAY}?before=act_x").status_code == 404

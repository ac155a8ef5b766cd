"""A biller's credentials over the API: put, listed, tried, switched, never read again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from adapters import registry
from payments.domain.people import Permission
from tests import knocks
from tests.cast import School, a_school
from tests.databases import House, QuickHouse
from tests.doors import Program, a_program, an_app
from tests.momo_server import QUERY, a_momo, echo

URL = "/api/v1/channels"
SETTINGS = {**knocks.SETTINGS, "sepay": {"secret": "khoa-bi-mat-cua-bai-thu"}}


@pytest.fixture
def app(quick_house: QuickHouse) -> Flask:
    return an_app(quick_house)


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


@pytest.fixture
def program(app: Flask, quick_house: QuickHouse, school: School) -> Program:
    return a_program(app, quick_house, school.biller_id)


def put(program: Program, gateway: str, **changes: str) -> Any:
    return program.put(f"{URL}/{gateway}", {"settings": {**SETTINGS[gateway], **changes}})


@pytest.mark.parametrize("gateway", sorted(SETTINGS))
def test_no_secret_is_ever_shown_again(program: Program, gateway: str) -> None:
    secrets = {
        one.name for one in registry.CHANNELS[gateway].settings if one.secret
    } & set(SETTINGS[gateway])  # fmt: skip

    answers = [
        put(program, gateway), program.get(f"{URL}/{gateway}"), program.get(URL),
        program.post(f"{URL}/{gateway}/switch", {"enabled": False}),
    ]  # fmt: skip

    assert [one.status_code for one in answers] == [200] * 4
    for name in secrets:
        value = SETTINGS[gateway][name]
        assert all(value not in one.text and value[:-4] not in one.text for one in answers)
        assert answers[1].json["settings"][name].startswith("••••")
    for name in set(SETTINGS[gateway]) - secrets:
        assert answers[1].json["settings"][name] == SETTINGS[gateway][name]


def test_a_short_secret_is_masked_whole(program: Program) -> None:
    said = program.put(f"{URL}/sepay", {"settings": {"secret": "12345678"}})

    assert said.json["settings"] == {"secret": "••••"}


def test_the_list_says_of_every_channel_what_it_takes_and_how_it_stands(program: Program) -> None:
    put(program, "vnpay")
    program.post(f"{URL}/vnpay/switch", {"enabled": False})
    put(program, "sepay")

    items = {one["gateway"]: one for one in program.get(URL).json["items"]}

    assert set(items) == set(registry.CHANNELS)
    stands = {name: (one["set_up"], one["enabled"]) for name, one in items.items()}
    assert stands.pop("vnpay") == (True, False)
    assert stands.pop("sepay") == (True, True)
    assert set(stands.values()) == {(False, False)}
    assert {one["name"] for one in items["vnpay"]["takes"] if one["needed"]} == {
        "tmn_code", "hash_secret",
    }  # fmt: skip


def test_new_settings_do_not_switch_a_channel_on_again(program: Program) -> None:
    put(program, "vnpay")
    program.post(f"{URL}/vnpay/switch", {"enabled": False})

    said = put(program, "vnpay")

    assert said.json["enabled"] is False
    assert program.get(f"{URL}/vnpay").json["enabled"] is False


@pytest.mark.parametrize(("settings", "named"), [
    ({"tmn_code": "HSPTEST1"}, "hash_secret missing"),
    ({"hash_secret": "K7Q0M3XW9ZB2V5T8R1Y4U6I0O3P7A2S5"}, "tmn_code missing"),
    ({"tmn_code": "HSPTEST1", "hash_secret": "short"}, "hash_secret malformed"),
    ({"tmn_code": "HSPTEST1", "hash_secret": "x" * 32, "password": "x"}, "an unknown field"),
])  # fmt: skip
def test_credentials_that_are_half_filled_are_refused_by_field_and_never_by_value(
    program: Program, settings: dict[str, str], named: str
) -> None:
    said = program.put(f"{URL}/vnpay", {"settings": settings})

    assert said.status_code == 422
    assert named in said.json["detail"]
    assert all(value not in said.text for value in settings.values() if len(value) > 6)
    assert program.get(f"{URL}/vnpay").status_code == 404


@pytest.mark.parametrize("settings", [
    {}, {"tmn_code": 5}, {"tmn_code": None}, {"tmn_code": "a\nb"}, {"tmn_code": "Đặng"},
    {"tmn_code": "x" * 501}, {f"f{n}": "xxxxxxxx" for n in range(21)},
])  # fmt: skip
def test_settings_that_are_no_settings_are_refused(
    program: Program, settings: dict[str, Any]
) -> None:
    said = program.put(f"{URL}/vnpay", {"settings": settings})

    assert said.status_code == 422
    assert program.get(f"{URL}/vnpay").status_code == 404


@pytest.mark.parametrize("gateway", ["vnpay", "momo", "zalopay", "payos"])
def test_another_billers_merchant_is_refused_and_not_described(
    app: Flask, quick_house: QuickHouse, program: Program, gateway: str
) -> None:
    other = a_school(quick_house, code="TH-KHAC", number="9999000777")
    theirs = a_program(app, quick_house, other.biller_id)
    put(program, gateway)

    said = put(theirs, gateway)

    assert (said.status_code, said.json["type"]) == (409, "/problems/merchant-taken")
    assert "TH-HS" not in said.text
    assert theirs.get(f"{URL}/{gateway}").status_code == 404
    assert put(program, gateway).status_code == 200


def test_of_two_billers_who_claim_one_merchant_at_once_one_gets_it(house: House) -> None:
    app = an_app(house)
    keys = [
        a_program(app, house, a_school(house, code=f"TH-{n}", number=f"99990007{n}").biller_id).key
        for n in range(6)
    ]

    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda key: put(Program(app.test_client(), key), "momo"), keys))

    assert sorted(one.status_code for one in said) == [200] + [409] * 5


def test_a_channel_of_nobody_and_one_that_is_not_set_up_are_not_there(program: Program) -> None:
    assert program.put(f"{URL}/paypal", {"settings": {"a": "b"}}).status_code == 404
    for path in ("vnpay", "vnpay/switch", "vnpay/test"):
        ask = {"enabled": True} if path.endswith("switch") else {}
        said = program.get(f"{URL}/{path}") if path == "vnpay" else program.post(
            f"{URL}/{path}", ask
        )  # fmt: skip
        assert said.status_code == 404, path


def test_a_key_without_the_scope_sets_nothing_up(
    app: Flask, quick_house: QuickHouse, school: School
) -> None:
    reader = a_program(app, quick_house, school.biller_id, Permission.READ)

    assert put(reader, "vnpay").status_code == 403
    assert reader.post(f"{URL}/vnpay/switch", {"enabled": False}).status_code == 403
    assert reader.post(f"{URL}/vnpay/test").status_code == 403
    assert reader.get(URL).status_code == 200


def test_a_try_of_settings_that_nobody_answers_is_told_and_kept(program: Program) -> None:
    put(program, "sepay")

    said = program.post(f"{URL}/sepay/test")

    assert (said.status_code, said.json["ok"]) == (200, True)
    [kept] = [one for one in program.get(URL).json["items"] if one["gateway"] == "sepay"]
    assert kept["last_check_ok"] is True


@pytest.mark.parametrize(("code", "words_en"), [
    (13, "does not know the merchant"), (20, "signature is wrong"), (10, "in maintenance"),
])  # fmt: skip
def test_credentials_that_the_gateway_no_longer_takes_are_found_by_a_try_and_kept_as_bad(
    quick_house: QuickHouse, school: School, code: int, words_en: str
) -> None:
    with a_momo() as momo:
        momo.says[QUERY] = echo(resultCode=code)
        program = a_program(
            an_app(quick_house, THUPHI_GATEWAY_MOMO_API_URL=momo.url), quick_house, school.biller_id
        )
        put(program, "momo")

        said = program.post(f"{URL}/momo/test")

    assert (said.status_code, said.json["ok"]) == (200, False)
    assert words_en in said.json["message_en"]
    assert SETTINGS["momo"]["secret_key"] not in said.text
    [kept] = [one for one in program.get(URL).json["items"] if one["gateway"] == "momo"]
    assert kept["last_check_ok"] is False

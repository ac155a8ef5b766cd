"""What a biller sets at ZaloPay, how it is tried, and how things are named there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http import Client
from adapters.zalopay.config import SETTINGS as TAKEN
from adapters.zalopay.config import VARIABLES, ZalopayConfig
from adapters.zalopay.gateway import ZalopayGateway
from payments.domain.calendar import HANOI
from payments.domain.channels import checked, merchant_of
from payments.domain.errors import Invalid
from payments.domain.gateway import Gateway, Refunding
from tests.zalopay_asks import ATTEMPT, KEY1, PAID, SETTINGS, START, failed, nowhere
from tests.zalopay_server import Server, zalopay_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with zalopay_server() as running:
        yield running


@pytest.fixture
def gateway(server: Server) -> ZalopayGateway:
    server.heard.clear()
    return ZalopayGateway(ZalopayConfig(server.url), Client(seconds=5))


moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - the zone is the strategy's
    datetime(2090, 1, 1),  # noqa: DTZ001 - the zone is the strategy's
    timezones=st.sampled_from([UTC, HANOI]),
)


@given(st.uuids(), st.from_regex(r"[HVL]P[0-9A-Z]{10}", fullmatch=True), moments)
def test_a_try_is_named_by_hanois_date_and_its_code_in_forty_characters(
    attempt_id: UUID, code: str, at: datetime
) -> None:
    name = nowhere().reference(attempt_id, code, at)

    date, told, tail = name.split("_")
    assert date == (at.astimezone(UTC) + timedelta(hours=7)).strftime("%y%m%d")
    assert told == code
    assert len(tail) == 20
    assert len(name) == 40


@given(st.uuids(), st.uuids(), moments)
def test_two_tries_never_share_a_name_and_one_keeps_its_own(
    one: UUID, other: UUID, at: datetime
) -> None:
    name, again = (nowhere().reference(each, "HP7K2M9QX4TW", at) for each in (one, other))

    assert (name == again) is (one == other)


@pytest.mark.parametrize("code", ["", "HP", "HP7K|M9QX4TW", "H" * 17, "MÃ7K2M9QX4TW"])
def test_a_try_is_not_named_by_what_is_no_code(code: str) -> None:
    with pytest.raises(ValueError, match="payment code"):
        nowhere().reference(ATTEMPT, code, START)


@given(st.uuids(), st.integers(1, 999), moments, st.integers(1, 9_999_999_999))
def test_a_refund_is_named_by_hanois_date_the_app_and_its_round(
    refund_id: UUID, round_: int, at: datetime, app_id: int
) -> None:
    told = {"app_id": str(app_id)}
    name = nowhere().refund_reference(refund_id, round_, at, told)
    next_name = nowhere().refund_reference(refund_id, round_ + 1, at, told)

    date, app, digits = name.split("_")
    assert date == (at.astimezone(UTC) + timedelta(hours=7)).strftime("%y%m%d")
    assert app == str(app_id)
    assert digits.isdigit()
    assert len(name) <= 45
    assert name != next_name


@given(st.uuids(), st.uuids())
def test_two_refunds_never_share_a_name(one: UUID, other: UUID) -> None:
    name, again = (
        nowhere().refund_reference(each, round_, START, SETTINGS)
        for each, round_ in ((one, 11), (other, 1))
    )

    assert name != again


@pytest.mark.parametrize(
    ("code", "ok", "says"),
    [
        (-101, True, "key2"),
        (-92, True, "key2"),
        (-2, False, "app id"),
        (-53, False, "key1"),
        (-402, False, "key1"),
        (-403, False, "key1"),
        (-999, False, "-999"),
    ],
)
def test_a_check_says_what_is_wrong_in_both_languages(
    server: Server, gateway: ZalopayGateway, code: int, ok: bool, says: str
) -> None:
    server.says(failed(code))

    found = gateway.check(SETTINGS, START)

    assert found.ok is ok
    assert says in found.en
    assert found.vi
    assert found.vi != found.en
    (heard,) = server.heard
    assert heard.path == "/v2/query"
    assert heard.fields["app_trans_id"] == "261121_thuphi_check"


def test_a_check_that_finds_an_order_finds_something_wrong(
    server: Server, gateway: ZalopayGateway
) -> None:
    server.says(PAID)

    assert not gateway.check(SETTINGS, START).ok


def test_the_keys_are_secret_and_the_app_is_the_billers_name() -> None:
    assert {one.name: one.secret for one in TAKEN} == {"app_id": False, "key1": True, "key2": True}
    assert merchant_of(TAKEN, SETTINGS) == "909001"
    assert checked("zalopay", TAKEN, SETTINGS) == SETTINGS


@pytest.mark.parametrize("app_id", ["", "0", "09", "12a", "-1", "1" * 11, "٢٥٥٣"])
def test_an_app_id_is_a_number(app_id: str) -> None:
    with pytest.raises(Invalid, match="app_id"):
        checked("zalopay", TAKEN, SETTINGS | {"app_id": app_id})


def test_half_filled_credentials_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="key2 missing"):
        checked("zalopay", TAKEN, {"app_id": "909001", "key1": KEY1})


def test_the_address_is_the_installations_and_production_unless_it_says_otherwise() -> None:
    (name,) = VARIABLES

    assert ZalopayConfig.read({}).api_url == "https://openapi.zalopay.vn"
    sandbox = ZalopayConfig.read({name: "https://sb-openapi.zalopay.vn/"})
    assert sandbox.api_url == "https://sb-openapi.zalopay.vn"
    with pytest.raises(ValueError, match=name):
        ZalopayConfig.read({name: "http://openapi.zalopay.vn"})


def test_zalopay_is_a_gateway_that_can_give_money_back() -> None:
    gateway: Gateway = nowhere()

    assert isinstance(gateway, Refunding)
    assert gateway.holds_money
    assert gateway.limits(SETTINGS).least <= 1_000
    assert gateway.refund_limits(SETTINGS).least == 1

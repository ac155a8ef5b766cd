"""MoMo: what a biller has to tell us, and where MoMo is."""

from __future__ import annotations

import pytest

from adapters.momo.config import API_URL, REFUND_QUERY_URL, SETTINGS, VARIABLES, MomoConfig
from payments.domain import channels
from payments.domain.errors import Invalid
from tests.momo_server import SETTINGS as TOLD


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"partner_code": "a b"}, "partner_code"),
        ({"partner_code": None}, "partner_code"),
        ({"access_key": "x&y=zzzzzz"}, "access_key"),
        ({"secret_key": None}, "secret_key"),
        ({"secret_key": "with space in it"}, "secret_key"),
        ({"request_type": "payWithGold"}, "request_type"),
        ({"acces_key": "x"}, "unknown"),
    ],
)
def test_half_filled_or_malformed_settings_are_refused(
    change: dict[str, str | None], word: str
) -> None:
    given = {name: value for name, value in (TOLD | change).items() if value is not None}

    with pytest.raises(Invalid, match=word):
        channels.checked("momo", SETTINGS, given)


def test_whole_settings_are_kept_and_name_the_merchant() -> None:
    given = TOLD | {"request_type": "payWithMethod"}

    assert channels.checked("momo", SETTINGS, given) == given
    assert channels.merchant_of(SETTINGS, given) == "MOMO"
    assert [one.name for one in SETTINGS if one.secret] == ["access_key", "secret_key"]


def test_the_query_for_refunds_follows_the_api_unless_it_is_set_apart() -> None:
    simulator = {**VARIABLES, API_URL: "http://127.0.0.1:9/momo/"}
    apart = {API_URL: "https://test-payment.momo.vn", REFUND_QUERY_URL: "https://x.vn/q"}

    assert MomoConfig.read({}).refund_query_url == VARIABLES[REFUND_QUERY_URL]
    assert MomoConfig.read(simulator).refund_query_url == (
        "http://127.0.0.1:9/momo/v2/gateway/api/refund/query"
    )
    assert MomoConfig.read(apart).refund_query_url == "https://x.vn/q"
    with pytest.raises(ValueError, match=API_URL):
        MomoConfig.read({API_URL: "http://payment.momo.vn"})

"""Whatever a gateway is sent, it answers in its own words and never breaks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.gateway import gateways
from tests.unit.simulator.bench import Bench, a_bench, listening
from tests.unit.simulator.shops import Shop, a_shop
from tests.unit.simulator.wallets import (
    OPEN,
    RECORDED,
    momo_create,
    payos_create,
    zalo_create,
    zalo_day,
)

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "\x00", "²", "١", "+ & % #", "🎓", "Ợ", "-1", "1e9", "null", "0" * 300]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "partnerCode", "requestId", "orderId", "amount", "orderInfo", "redirectUrl", "ipnUrl",
    "requestType", "extraData", "lang", "signature", "transId", "description", "app_id", "mac",
    "app_trans_id", "app_user", "app_time", "item", "embed_data", "m_refund_id", "timestamp",
    "zp_trans_id", "orderCode", "cancelUrl", "returnUrl", "expiredAt", "webhookUrl",
    "vnp_TmnCode", "vnp_Command", "vnp_SecureHash", "vnp_TxnRef", "vnp_Amount", "vnp_RequestId",
]  # fmt: skip
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=12)


@pytest.fixture(scope="module")
def shops() -> Iterator[dict[str, Shop]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        a_bench(Path(folder) / "bank") as bench,
        listening() as listener,
    ):
        listener.usual = RECORDED["payos"]
        made = {
            name: a_shop(bench, name, listener, **({"app_id": "2553"} if name == "zalopay" else {}))
            for name in OPEN
        }
        for nth, (name, shop) in enumerate(made.items()):
            OPEN[name](shop, nth)
        yield made


def doors() -> list[tuple[str, str, str]]:
    return [
        (name, door.method, f"/{name}{door.path}".replace("<order>", "1003"))
        for name, gateway in gateways().items()
        for door in gateway.doors
    ]


def sane(bench: Bench, method: str, path: str, **sent: Any) -> None:
    answer = bench.client.open(path, method=method, **sent)
    assert answer.status_code in {200, 302, 400, 401}, (path, sent, answer.text)


@pytest.mark.parametrize(("name", "method", "path"), doors())
@settings(max_examples=25, deadline=None)
@given(body=BODIES)
def test_any_object_is_answered_in_the_gateways_words(
    shops: dict[str, Shop], name: str, method: str, path: str, body: dict[str, Any]
) -> None:
    shop = shops[name]
    # As if it came from the merchant, so that more than the first check is met.
    body |= {"partnerCode": shop.code, "app_id": shop.code, "vnp_TmnCode": shop.code}
    keys = {"x-client-id": shop.code, "x-api-key": shop.keys.get("api_key", "")}
    query = {key: str(value) for key, value in body.items()}

    if method == "GET":
        sane(shop.bench, method, path, query_string=query, headers=keys)
    else:
        sane(shop.bench, method, path, json=body, headers=keys)


@pytest.mark.parametrize(("name", "method", "path"), doors())
@settings(max_examples=10, deadline=None)
@given(
    raw=st.binary(max_size=60) | st.sampled_from([b"[]", b"null", b'{"a":"\\ud800"}', b"{", b""])
)
def test_any_bytes_are_answered_in_the_gateways_words(
    shops: dict[str, Shop], name: str, method: str, path: str, raw: bytes
) -> None:
    kind = "application/json"

    sane(shops[name].bench, method, path, data=raw, content_type=kind)


NASTY = ["Học phí + & % = ?", "🎓 100%", "a=b&c=d", '"\\', "<b>", " lead", "Ợ" * 20]


@pytest.mark.parametrize("text", NASTY)
def test_text_with_every_kind_of_sign_is_signed_and_told_as_it_came(
    shops: dict[str, Shop], text: str
) -> None:
    name = json.dumps(text).encode().hex()[:20]
    day = zalo_day(shops["zalopay"])

    made = [
        momo_create(shops["momo"], f"N{name}", orderInfo=text)["resultCode"],
        zalo_create(shops["zalopay"], f"{day}_N{name}", description=text)["return_code"],
        payos_create(shops["payos"], str(int(name, 16) % 10**12 + 2000), description=text)["code"],
    ]

    assert made == [0, 1, "00"]
    assert shops["momo"].order(f"N{name}")["info"] == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(field=st.sampled_from(sorted({"amount", "orderId", "orderInfo", "extraData", "lang"})),
       value=VALUES)  # fmt: skip
def test_rightly_signed_nonsense_is_refused_by_momo(
    shops: dict[str, Shop], field: str, value: Any
) -> None:
    before = len(shops["momo"].bench.get("/gateways/momo/orders?limit=1000")["orders"])

    try:
        said = momo_create(shops["momo"], **{"reference": "HP", field: value})
    except UnicodeEncodeError:
        return

    after = len(shops["momo"].bench.get("/gateways/momo/orders?limit=1000")["orders"])
    assert (said["resultCode"] == 0) is (after == before + 1)

"""ZaloPay's published cases, through the code that production runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest

from adapters.http import Client
from adapters.zalopay import signing
from adapters.zalopay.config import ZalopayConfig
from adapters.zalopay.events import ZalopayEvents
from adapters.zalopay.gateway import ZalopayGateway
from webhooks.event import Call, Event, Finding, Forged, Kind

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/zalopay.json").read_text())["cases"]
NOW = datetime(2026, 11, 21, 3, 18, tzinfo=UTC)
SOURCE = ZalopayEvents()


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == kind]


def require_signed(case: dict[str, Any], parts: tuple[str, ...], fields: dict[str, Any]) -> None:
    key1, expected = case["input"]["key1"], case["expected"]
    fields = {"app_id": case["input"]["app_id"], **fields}

    assert signing.sign_data(parts, {**fields, "key1": key1}) == expected["sign_data"]
    assert signing.signed(parts, fields, key1) == fields | {"mac": expected["mac"]}


@pytest.mark.parametrize("case", of_kind("create_request"))
def test_an_order_is_signed_over_the_very_strings_that_are_sent(case: dict[str, Any]) -> None:
    require_signed(case, signing.CREATE, case["input"]["fields"])


@pytest.mark.parametrize("case", of_kind("query_request"))
def test_the_question_about_an_order_has_the_key_in_its_message(case: dict[str, Any]) -> None:
    require_signed(case, signing.QUERY, {"app_trans_id": case["input"]["app_trans_id"]})


@pytest.mark.parametrize("case", of_kind("refund_request"))
def test_a_refund_is_signed(case: dict[str, Any]) -> None:
    require_signed(case, signing.REFUND, case["input"]["fields"])


@pytest.mark.parametrize("case", of_kind("query_refund_request"))
def test_the_question_about_a_refund_is_signed(case: dict[str, Any]) -> None:
    require_signed(case, signing.QUERY_REFUND, case["input"]["fields"])


@pytest.mark.parametrize("case", of_kind("redirect"))
def test_the_browsers_return_is_verified_and_empty_values_stay(case: dict[str, Any]) -> None:
    query, key2 = case["input"]["query_string"], case["input"]["key2"]
    fields = dict(parse_qsl(query, keep_blank_values=True))

    assert signing.sign_data(signing.REDIRECT, fields) == case["expected"]["sign_data"]
    assert signing.redirect_is_genuine(query, key2) is case["expected"]["checksum_valid"]


@pytest.mark.parametrize("case", of_kind("id_rule"))
def test_an_order_is_named_by_the_date_in_hanoi(case: dict[str, Any]) -> None:
    given = case["input"]
    at = datetime.fromisoformat(given["utc"].replace("Z", "+00:00"))
    gateway = ZalopayGateway(ZalopayConfig("https://openapi.zalopay.vn"), Client())

    name = gateway.reference(UUID(int=1), given["suffix"], at)

    assert name.startswith(case["expected"]["app_trans_id"] + "_")


def found_in(order: dict[str, Any], event: Event) -> Finding:
    """What the database of the case says, as the inbox would."""
    if event.merchant_reference != order["app_trans_id"]:
        return Finding.UNKNOWN_ORDER
    if event.amount.amount != order["amount_vnd"]:
        return Finding.WRONG_AMOUNT
    return Finding.FIRST if order["status"] == "pending" else Finding.OVER


@pytest.mark.parametrize("case", of_kind("callback"))
def test_a_call_is_believed_and_answered_as_zalopay_expects(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    settings = {"app_id": str(given["app_id"]), "key2": given["key2"]}

    verdict = SOURCE.verify(Call({}, given["http_body"].encode()), settings, now=NOW)

    assert isinstance(verdict, Forged) is not expected["mac_valid"]
    if isinstance(verdict, Forged):
        answer = SOURCE.refused(verdict)
    else:
        (event,) = verdict
        assert event.kind is Kind.PAID
        assert event.amount.amount == given["order_in_db"]["amount_vnd"]
        answer = SOURCE.accepted(event, found_in(given["order_in_db"], event))
    assert answer.status == 200
    assert json.loads(answer.body)["return_code"] == expected["return_code"]


def test_every_kind_of_case_is_tested_here() -> None:
    assert {case["kind"] for case in CASES} == {
        "create_request",
        "query_request",
        "refund_request",
        "query_refund_request",
        "callback",
        "redirect",
        "id_rule",
    }

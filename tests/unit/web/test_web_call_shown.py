"""Calls on the page: what is masked in one, and which words its refusal gets."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from payments.domain.states import CallStatus
from web.console import call_reasons, call_shown
from webhooks.event import Call
from webhooks.queries import Heard

ROOT = Path(__file__).parents[3]
KEY = "khoa-bi-mat-0123456789"


def refused(reason: str) -> Heard:
    return Heard(
        id=UUID(int=1),
        source="vnpay",
        received_at=datetime(2026, 1, 9, tzinfo=UTC),
        status=CallStatus.REFUSED,
        finding=None,
        why=None,
        refusal=reason,
        told_otherwise=False,
        times=1,
        payment_id=None,
        answer_status=200,
        answer_body="",
        event=None,
    )


@pytest.mark.parametrize(
    "header",
    ["authorization", "secure-token", "x-casso-signature", "x-api-key", "cookie", "mac"],
)
def test_a_header_that_proves_who_calls_is_masked(header: str) -> None:
    [(name, value)] = call_shown.raw(Call({header: KEY}, b"")).headers

    assert (name, value) == (header, "••••6789")


def test_a_short_secret_shows_nothing_at_all() -> None:
    assert call_shown.masked("0123456789") == "••••"


def test_other_headers_stay_as_they_came() -> None:
    headers = {"content-type": "application/json", "x-sepay-timestamp": "1767951720"}

    assert dict(call_shown.raw(Call(headers, b"")).headers) == headers


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (f'{{"accessKey":"{KEY}","amount":1}}', '{"accessKey":"••••6789","amount":1}'),
        (f'{{"secure_token": "{KEY}"}}', '{"secure_token": "••••6789"}'),
        (f"a=1&api_key={KEY}&b=2", "a=1&api_key=••••6789&b=2"),
        ('{"content":"mat khau: khong"}', '{"content":"mat khau: khong"}'),
    ],
)
def test_a_credential_within_the_body_is_masked(body: str, shown: str) -> None:
    assert call_shown.raw(Call({}, body.encode())).body == shown


def test_bytes_that_are_no_text_and_a_very_long_body_can_still_be_looked_at() -> None:
    seen = call_shown.raw(Call({}, b"\xff\x00" + b"a" * 30_000))

    assert seen.body.startswith("\ufffd\ufffd")
    assert len(seen.body) == 20_000
    assert seen.cut


def reasons() -> set[str]:
    """Every reason for which an adapter refuses a call, as it stands in the code."""
    found = set()
    for path in (ROOT / "adapters").glob("*/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Forged":
                said = node.args[0]
                if isinstance(said, ast.Constant):
                    found.add(str(said.value))
    return found


WORDS = {
    "timestamp": "đồng hồ",
    "another": "mã đơn vị khác",
    "the channel has": "chưa có khóa",
    "signed, but": "Ký đúng nhưng",
    "no signature": "Không có chữ ký",
    "wrong": "không đúng",
}


@pytest.mark.parametrize("reason", sorted(reasons()))
def test_each_reason_of_an_adapter_has_words_in_both_languages(reason: str) -> None:
    [said] = call_reasons.why(refused(reason))

    meant = next((words for piece, words in WORDS.items() if piece in reason), "Không đọc được")
    assert meant in said.vi
    assert said.en != said.vi
    assert reason not in said.vi

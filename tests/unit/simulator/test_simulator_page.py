"""The page for people, and the manual that describes the JSON door."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import simulator
from simulator.accounts import Defaults
from simulator.app import create_app
from simulator.faults import FAULTS
from simulator.manual import GATEWAY_ROUTES, ROUTES
from simulator.memo import SHAPES
from simulator.mischief import SETTLEMENT, TABLES
from simulator.statements.render import FAULTS as FILE_FAULTS
from simulator.statements.render import FORMATS
from simulator.words import WORDS
from tests.unit.simulator.bench import Bench, Listener

HOME = Path(simulator.__file__).parent
README = (HOME / "README.md").read_text()
TEMPLATES = "".join(path.read_text() for path in sorted((HOME / "templates").glob("*.html")))


def press(
    bench: Bench,
    verb: str,
    typed: dict[str, object] | None = None,
    *,
    status: int = 303,
    **form: object,
) -> str:
    answer = bench.client.post(f"/page/{verb}", data={**(typed or {}), **form})
    assert answer.status_code == status, answer.text
    return answer.text


def test_the_manual_and_the_readme_name_every_route_of_the_json_door(bench: Bench) -> None:
    rules = create_app(bench.running).url_map.iter_rules()
    real = {
        (method, rule.rule)
        for rule in rules
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}
        if rule.endpoint.startswith(("api.", "gateways."))
    }
    named = (*ROUTES, *GATEWAY_ROUTES)

    assert {(method, path) for method, path, _, _ in named} == real
    for method, path, _, _ in named:
        plain = re.sub(r"<(?:[a-z]+(?:\([^)]*\))?:)?([a-z]+)>", r"{\1}", path)
        assert f"`{method} {plain}`" in README


@pytest.mark.parametrize("name", [*FAULTS, *FILE_FAULTS, *SHAPES, *FORMATS, *SETTLEMENT])
def test_the_readme_explains_every_fault_shape_and_format(name: str) -> None:
    assert f"`{name}`" in README


def test_every_option_of_a_fault_stands_in_its_row_of_the_readme() -> None:
    kinds = [*FAULTS.values(), *(kind for table in TABLES.values() for kind in table.values())]
    for kind in kinds:
        rows = re.findall(rf"^\| `{kind.name}` \|.*$", README, re.M)
        for option, default in kind.options.items():
            said = f"{option}={str(default).lower()}" if default != "" else f"{option}"
            assert any(said in row for row in rows), (kind.name, option)


def test_every_word_has_both_languages_and_is_used() -> None:
    used = set(re.findall(r"\bw\.([a-z_]+)", TEMPLATES))

    assert used <= set(WORDS)
    for key, both in WORDS.items():
        assert all(both), key
        assert key in used or "." in key


@pytest.mark.parametrize(("language", "word"), [("vi", "Chuyển tiền"), ("en", "Send money")])
def test_the_page_speaks_both_languages(bench: Bench, language: str, word: str) -> None:
    shown = bench.text(f"/?lang={language}")

    assert f'<html lang="{language}">' in shown
    assert word in shown


def test_a_page_opened_by_hand_does_a_whole_round(bench: Bench, listener: Listener) -> None:
    press(bench, "open", holder="Trường Hoa Sen", opening="1.000.000")
    press(bench, "hook", account="9999000001", url=listener.url, secret="s")
    press(
        bench, "transfer", {"late.seconds": "0001", "only.amount": "short"},
        to_account="9999000001", amount="581.000", memo="HP7K2M9QX4TW", shape="plain",
        fault=["twice", "late"],
    )  # fmt: skip
    bench.post("/clock", {"offset_seconds": 60}, status=200)
    bench.settle()
    shown = bench.text("/")

    assert len(listener.heard) == 2
    assert "HP7K2M9QX4TW" in shown
    assert "580.000" in shown
    assert "1.580.000" in shown


def test_a_movement_is_reversed_replayed_and_forgotten_by_buttons(
    bench: Bench, listener: Listener
) -> None:
    account = bench.account(listener)
    made = bench.transfer(account, "out_of_order")

    press(bench, "release", id=made["notice"]["id"])
    bench.settle()
    press(bench, "replay", id=made["notice"]["id"])
    press(bench, "reverse", id=made["transfer"]["id"])
    press(bench, "own", kind="interest", account=account, amount="500")
    press(bench, "own", kind="forgery", account=account, amount="500", memo="a")
    bench.settle()

    assert len(listener.heard) == 4  # released, replayed, interest, forgery
    assert bench.get(f"/accounts/{account}")["balance"] == 500
    press(bench, "reset")
    assert bench.get("/transfers")["transfers"] == []
    assert bench.get(f"/accounts/{account}")["hook"] is not None


def test_the_clock_is_moved_by_buttons(bench: Bench) -> None:
    press(bench, "clock", by="86400")
    press(bench, "clock", by="3600")
    assert bench.get("/clock")["offset_seconds"] == 90_000

    press(bench, "clock", by="0")
    assert bench.get("/clock")["offset_seconds"] == 0


def test_a_refusal_is_shown_beside_what_was_typed(bench: Bench) -> None:
    account = bench.account()

    shown = press(bench, "transfer", status=422, to_account=account, amount="1,5 triệu", memo="<b>")

    assert 'role="alert"' in shown
    assert "1,5 triệu" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown.split("</header>")[1].split("</form>")[0]


def test_the_statement_form_leads_to_the_file(bench: Bench) -> None:
    account = bench.account()

    answer = bench.client.get(
        f"/page/statement?account={account}&date=2026-01-05&format=camt053", follow_redirects=True
    )

    assert account in answer.text
    assert answer.headers["Content-Disposition"].endswith('_20260105.xml"')


def test_no_button_no_verb(bench: Bench) -> None:
    press(bench, "explode", status=404)
    assert bench.get("/nowhere", status=404)["error"]["vi"]


def test_another_sites_page_cannot_press_our_buttons(bench: Bench) -> None:
    answer = bench.client.post("/page/reset", headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403


def test_the_page_asks_nothing_of_anybody_else(bench: Bench) -> None:
    answer = bench.client.get("/")

    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "<script" not in answer.text
    assert "style=" not in answer.text


def test_defaults_are_sepays_own() -> None:
    assert Defaults() == Defaults(speed=1.0, timeout=30.0)

"""A biller's program manages its endpoints, sees what they were told, and has it sent again."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from flask import Flask
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from payments import outbox, sealing
from payments.domain.people import Permission
from tests.cast import School, a_school
from tests.databases import RING, House
from tests.doors import Program, a_program, an_app
from tests.receivers import BROKEN, Receivers
from web.api import webhook_endpoints
from webhooks import delivery
from webhooks.sender import Failure

PATH = "/api/v1/webhook-endpoints"
HOOK = "https://erp.hoasen.example.vn/thuphi"


@pytest.fixture
def school(house: House) -> School:
    assert RING.signing is not None
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())
    return a_school(house)


@pytest.fixture
def app(house: House) -> Flask:
    return an_app(house, THUPHI_CALLBACKS_ANYWHERE="0")


@pytest.fixture
def program(app: Flask, house: House, school: School) -> Program:
    return a_program(app, house, school.biller_id)


def patch(program: Program, path: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {program.key}", "Accept-Language": "en"}
    return program.client.patch(path, headers=headers, json=body)


def added(program: Program, **fields: Any) -> dict[str, Any]:
    said = program.post(PATH, {"url": HOOK} | fields)
    assert said.status_code == 201, said.text
    found: dict[str, Any] = said.json
    return found


def told(house: House, school: School, receivers: Receivers, count: int = 1) -> None:
    with house.sessions.begin(school.biller_id) as db:
        bodies = [{"invoice": "inv_x"} for _ in range(count)]
        outbox.emit_many(db, "invoice.issued", bodies, at=house.clock.now())
    work(house, receivers)


def work(house: House, receivers: Receivers) -> None:
    house.wait_for_others()
    troubles: list[Exception] = []
    delivery.drain(
        house.sessions,
        house.system,
        receivers,
        clock=house.clock,
        trouble=lambda _, error: troubles.append(error),
    )
    assert troubles == []


def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(program: Program) -> None:
    said = program.post(PATH, {"url": HOOK, "kinds": ["refund.*"], "description": "ERP"})

    assert said.status_code == 201
    assert said.json["secret"].startswith("whsec_")
    assert said.json["enabled"]
    assert said.headers["Location"] == f"{PATH}/{said.json['id']}"
    seen = program.get(f"{PATH}/{said.json['id']}").json
    listed = program.get(PATH).json["items"]
    assert seen == listed[0] == {
        name: value for name, value in said.json.items() if name not in ("secret", "secret_id")
    }  # fmt: skip


def test_the_same_create_again_is_the_same_answer_and_the_secret_is_sealed(
    program: Program, house: House
) -> None:
    first = program.post(PATH, {"url": HOOK}, idempotency_key="one")
    again = program.post(PATH, {"url": HOOK}, idempotency_key="one")

    assert first.data == again.data
    assert len(program.get(PATH).json["items"]) == 1
    secret = first.json["secret"]
    tables = house.psql(
        "admin",
        """SELECT c.relname::text FROM pg_class c WHERE c.relkind = 'r'
           AND c.relnamespace = 'public'::regnamespace""",
    )
    for (name,) in tables:
        rows = house.psql("admin", f"SELECT t::text FROM {name} t")
        assert not [row for (row,) in rows if secret[10:40] in row], name


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"url": "http://erp.hoasen.example.vn/"}, "callback-address"),
        ({"url": "https://127.0.0.1/hook"}, "callback-address"),
        ({"url": "https://localhost/hook"}, "callback-address"),
        ({"url": "https://user:pw@erp.hoasen.example.vn/"}, "callback-address"),
        ({"url": "https://erp.hoasen.example.vn:22/"}, "callback-address"),
        ({"url": HOOK, "kinds": []}, "invalid"),
        ({"url": HOOK, "kinds": ["invoice.paid"]}, "invalid"),
        ({"url": HOOK, "kinds": ["Invoice"]}, "invalid"),
        ({"url": HOOK, "other": 1}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_an_endpoint_that_could_never_work_is_refused(
    program: Program, fields: dict[str, Any], code: str
) -> None:
    said = program.post(PATH, fields)

    assert (said.status_code, said.json["code"]) == (422, code)
    assert program.get(PATH).json["items"] == []


def test_managing_needs_a_scope_that_reading_does_not(
    app: Flask, house: House, school: School, program: Program
) -> None:
    made = added(program)
    reader = a_program(app, house, school.biller_id, Permission.READ)

    assert reader.get(PATH).status_code == 200
    assert reader.get(f"{PATH}/{made['id']}/deliveries").status_code == 200
    for path, body in (
        (PATH, {"url": HOOK}),
        (f"{PATH}/{made['id']}/secrets", {}),
        (f"{PATH}/{made['id']}/test", None),
    ):
        assert reader.post(path, body).json["code"] == "lacks-scope"
    assert patch(reader, f"{PATH}/{made['id']}", {"enabled": False}).status_code == 403


def test_another_billers_endpoint_is_not_found(app: Flask, house: House, program: Program) -> None:
    made = added(program)
    other = a_school(house, code="TH-HH", number="9999018460")
    stranger = a_program(app, house, other.biller_id)

    assert stranger.get(PATH).json["items"] == []
    for said in (
        stranger.get(f"{PATH}/{made['id']}"),
        stranger.get(f"{PATH}/{made['id']}/deliveries"),
        stranger.post(f"{PATH}/{made['id']}/secrets", {}),
        stranger.post(f"{PATH}/{made['id']}/test"),
        patch(stranger, f"{PATH}/{made['id']}", {"url": HOOK}),
    ):
        assert said.status_code == 404


def test_the_log_shows_each_delivery_and_each_call(
    program: Program, house: House, school: School
) -> None:
    made, receivers = added(program), Receivers()
    told(house, school, receivers, 2)
    receivers.answers[HOOK] = lambda _: BROKEN
    told(house, school, receivers)

    page = program.get(f"{PATH}/{made['id']}/deliveries").json["items"]
    failed = program.get(f"{PATH}/{made['id']}/deliveries?status=pending").json["items"]
    detail = program.get(f"{PATH}/{made['id']}/deliveries/{failed[0]['id']}").json

    assert [one["status"] for one in page] == ["pending", "delivered", "delivered"]
    assert len({one["position"] for one in page}) == 3
    assert (failed[0]["answer"], failed[0]["reason"], failed[0]["attempts"]) == (500, "status", 1)
    assert detail["calls"][0]["excerpt"] == "no"
    assert {one.headers["webhook-id"] for one in receivers.told} == {one["event"] for one in page}


def test_the_log_is_narrowed_and_read_page_by_page(
    program: Program, house: House, school: School
) -> None:
    made = added(program)
    told(house, school, Receivers(), 5)
    path = f"{PATH}/{made['id']}/deliveries"

    first = program.get(f"{path}?limit=3&kind=invoice.*").json
    rest = program.get(f"{path}?limit=3&kind=invoice.*&after={first['next']}").json

    assert len({one["id"] for one in first["items"] + rest["items"]}) == 5
    assert rest["next"] is None
    assert program.get(f"{path}?kind=refund.done").json["items"] == []
    other = added(program, url=HOOK + "/2")
    said = program.get(f"{PATH}/{other['id']}/deliveries?after={first['next']}")
    assert said.json["code"] == "bad-cursor"


def test_sending_again(program: Program, house: House, school: School) -> None:
    made, receivers = added(program), Receivers()
    told(house, school, receivers)
    [one] = program.get(f"{PATH}/{made['id']}/deliveries").json["items"]

    said = program.post(f"{PATH}/{made['id']}/deliveries/{one['id']}/replay")
    work(house, receivers)

    assert (said.status_code, said.json["status"]) == (202, "pending")
    assert len(receivers.told) == 2
    again = program.get(f"{PATH}/{made['id']}/deliveries/{one['id']}").json
    assert (again["status"], len(again["calls"])) == ("delivered", 2)


def test_a_secret_is_replaced_without_a_gap(program: Program, house: House, school: School) -> None:
    house.clock.at = house.clock.at.now(house.clock.at.tzinfo)  # the verifier reads the machine's
    made, receivers = added(program), Receivers()

    def latest(secret: str) -> bool:
        told(house, school, receivers)
        call = receivers.told[-1]
        try:
            Webhook(secret).verify(call.body, dict(call.headers))
        except WebhookVerificationError:
            return False
        return True

    assert latest(made["secret"])
    new = program.post(f"{PATH}/{made['id']}/secrets", {"overlap_hours": 1})
    assert new.status_code == 201
    assert new.json["old_secret_until"] is not None
    assert latest(new.json["secret"])
    assert latest(made["secret"])

    newest = program.post(f"{PATH}/{made['id']}/secrets", {"overlap_hours": 0}).json
    assert newest["old_secret_until"] is None
    assert not latest(new.json["secret"])
    assert not latest(made["secret"])
    assert latest(newest["secret"])


def test_the_old_secret_dies_at_its_time(program: Program, house: House, school: School) -> None:
    made, receivers = added(program), Receivers()
    program.post(f"{PATH}/{made['id']}/secrets", {})
    told(house, school, receivers)

    house.clock.advance(hours=24)
    told(house, school, receivers)

    counts = [one.headers["webhook-signature"].count("v1,") for one in receivers.told]
    assert counts == [2, 1]


def test_the_key_of_a_dead_secret_is_dropped(
    program: Program, house: House, school: School
) -> None:
    made = added(program)
    body: dict[str, Any] = {"overlap_hours": 0}
    path = f"{PATH}/{made['id']}/secrets"
    first = program.post(path, body, idempotency_key="one").json
    program.post(path, body, idempotency_key="two")

    with house.sessions.begin(school.biller_id) as db:
        dropped = db.scalar(text("SELECT count(*) FROM data_key WHERE wrapped IS NULL"))
    assert dropped == 2
    again = program.post(path, body, idempotency_key="one").json
    assert (again["secret_id"], again["secret"]) == (first["secret_id"], None)


def test_an_endpoint_is_changed_stopped_and_resumed(
    program: Program, house: House, school: School
) -> None:
    made, receivers = added(program), Receivers()
    path = f"{PATH}/{made['id']}"

    changed = patch(program, path, {"url": HOOK + "/new", "kinds": ["*"], "enabled": False})
    told(house, school, receivers)
    assert (changed.json["enabled"], changed.json["disabled_why"]) == (False, "by_hand")
    assert receivers.told == []
    assert program.post(f"{path}/test").json["code"] == "conflict"

    resumed = patch(program, path, {"enabled": True})
    work(house, receivers)
    assert resumed.json["enabled"]
    assert [one.url for one in receivers.told] == [HOOK + "/new"]
    assert patch(program, path, {"url": "http://x.example.vn/"}).status_code == 422


def test_a_test_event_reaches_the_log(program: Program, house: House) -> None:
    made, receivers = added(program, kinds=["day.signed_off"]), Receivers()

    said = program.post(f"{PATH}/{made['id']}/test")
    work(house, receivers)

    assert said.status_code == 202
    [one] = program.get(f"{PATH}/{made['id']}/deliveries").json["items"]
    assert (one["event"], one["kind"]) == (said.json["event"], "endpoint.tested")
    assert program.get("/api/v1/events").json["items"][-1]["kind"] == "endpoint.tested"


def test_the_reasons_of_the_api_are_those_of_the_sender() -> None:
    assert set(get_args(webhook_endpoints.Reason)) == {one.value for one in Failure}

"""The API against its own description: Schemathesis sends what openapi.json allows and what it
forbids, and every check it has must find nothing.

Seed and number of examples are fixed, so a run is the same every time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import schemathesis
from flask import Flask
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from sqlalchemy import text
from werkzeug.serving import WSGIRequestHandler, make_server

from payments import channels, sealing
from payments.domain import ids
from payments.domain.people import SERVICE
from tests.cast import a_bill, a_notice, a_school, an_order
from tests.databases import RING, House
from tests.doors import Program, a_program, an_app
from tests.receivers import Receivers
from web.limits import Limits
from webhooks import delivery

EXAMPLES: Final = 5  # for each address, beside those of the coverage phase
SEED: Final = 20260110
UNLIMITED: Final = Limits(key="1000000 per minute", refused="1000000 per minute")

# Rules between fields are 422 too, because no schema can say them: a reduction may not be
# larger than the charges. 403 is what a program hears where only staff may decide.
# `only_for_a_good_reason` lets nothing else pass as one of the two.
ACCEPTED: Final = ["2xx", "403", "404", "409", "422"]


@dataclass(frozen=True)
class Ground:
    """The application over a biller with one of everything, and the ids of it."""

    app: Flask
    program: Program
    known: dict[str, str]


@schemathesis.check
def only_for_a_good_reason(_: Any, response: Any, case: Any) -> None:
    """Data that fit the schema are never refused for a single field, nor for a scope."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code == 403:
        assert response.json()["code"] in ("staff-only", "second-person"), response.text
    if response.status_code == 422:
        for fault in response.json().get("errors", ()):
            if "parameter" in fault:  # of a form: a text may come as a file or twice, says nobody
                continue
            # JSON Schema calls 5.0 an integer; an amount of money that has a point is none.
            assert isinstance(_at(case.body, fault.get("pointer", "")), float), response.text


def test_every_address_does_what_the_description_says(house: House) -> None:
    ground = a_ground(house)
    told = {
        "seed": SEED,
        "headers": {"Authorization": f"Bearer {ground.program.key}"},
        "parameters": {f"path.{name}": value for name, value in ground.known.items()},
        "generation": {"max-examples": EXAMPLES, "deterministic": True},
        "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        "continue-on-failure": True,
    }
    config = SchemathesisConfig.from_dict(told)

    failures, addresses = [], set()
    with served(ground.app) as url:
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)
        for event in engine.from_schema(schema).execute():
            failures += list(_failures(event))
            if isinstance(event, events.ScenarioFinished) and event.recorder.interactions:
                addresses.add(event.label)

    assert not failures, "\n\n".join(failures[:10])
    assert {a for a in addresses if a and "/api/v1/" in a} == set(_described(ground.app))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application behind a real socket; yields its address."""
    server = make_server("127.0.0.1", 0, app, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="served", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for many requests

    def log_request(self, *_: Any, **__: Any) -> None:
        """The application has its own log."""


def _at(body: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def _failures(event: events.EngineEvent) -> Iterator[str]:
    if isinstance(event, events.NonFatalError):
        yield f"{event.label}: {event.value!r}"
    if isinstance(event, events.FatalError):
        raise event.exception
    if isinstance(event, events.ScenarioFinished):
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    info = check.failure_info
                    yield f"{event.label}: {check.name}: {info.failure}\n{info.code_sample}"


def _described(app: Flask) -> Iterator[str]:
    spec = app.test_client().get("/openapi.json").get_json()
    for uri, methods in spec["paths"].items():
        for method in methods:
            yield f"{method.upper()} {uri}"


def a_ground(house: House) -> Ground:
    """One of everything: paid and unpaid bills, an order, a payment, credit, a refund."""
    school = a_school(house)
    with house.sessions.begin(school.biller_id) as db:
        channels.put(db, "sepay", {"secret": "0" * 20}, by=SERVICE, at=house.clock.now())
        bill = a_bill(db, school, reference="GB-1")
        order = an_order(db, school, bill)
        a_notice(db, school, 600_000, order.code)
        open_bill = a_bill(db, school, reference="GB-2")
        payment = db.scalar(text("SELECT id FROM payment"))
        account = db.scalar(text("SELECT id FROM bank_account"))
    app = an_app(house, limits=UNLIMITED)
    program = a_program(app, house, school.biller_id)
    payee = {"name": "NGUYEN THI MINH HANG", "bank": "999999", "account": "9999001122"}
    shown = ids.shown("ord", order.id)
    refund = program.post(
        f"/api/v1/payment-orders/{shown}/refunds",
        {"amount": 1_000, "reason": "Nghỉ một ngày", "payee": payee},
    )
    endpoint = program.post("/api/v1/webhook-endpoints", {"url": "https://erp.example.vn/x"})
    endpoint_id = endpoint.json["id"]
    known = {
        "endpoint_id": endpoint_id,
        "delivery_id": _a_delivery(house, program, endpoint_id),
        "invoice_id": ids.shown("inv", open_bill),
        "order_id": shown,
        "payment_id": ids.shown("pay", payment),
        "refund_id": refund.json["id"],
        "account": ids.shown("acc", account),
        "gateway": "sepay",
        "channel": "vietqr",
    }
    return Ground(app, program, known)


def _a_delivery(house: House, program: Program, endpoint_id: str) -> str:
    """What the worker makes of a test event."""
    assert RING.signing is not None
    program.post(f"/api/v1/webhook-endpoints/{endpoint_id}/test")
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())
    house.wait_for_others()
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())
    delivery.drain(
        house.sessions, house.system, Receivers(), clock=house.clock, trouble=lambda *_: None
    )
    page = program.get(f"/api/v1/webhook-endpoints/{endpoint_id}/deliveries").json
    return str(page["items"][0]["id"])

"""A status moves only along its table, and a row is born only where it may be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from payments.domain import ids
from payments.domain.people import SERVICE
from payments.domain.states import BIRTHS, MACHINES
from tests.databases import House
from tests.factories import (
    NOW,
    Biller,
    a_draft_invoice,
    a_journal,
    an_attempt,
    an_issued_invoice,
    an_order,
    insert,
)
from tests.factories_money import a_payment, a_receipt, a_refund
from tests.factories_settlements import a_batch, a_row, a_settlement_file
from tests.factories_statements import (
    a_bank_line,
    a_discrepancy,
    a_sheet,
    a_statement_file,
    an_inbound_call,
    an_open_day,
)
from tests.refusals import DAY_CLOSED, ILLEGAL_MOVE, one, refused

Row = UUID | Any

MOVES = [
    (m, str(a), str(b))
    for m, table in MACHINES.items()
    for a, to in table.items()
    for b in sorted(to)
]
NOT_MOVES = [
    (machine, str(a), str(b))
    for machine, table in MACHINES.items()
    for a, to in table.items()
    for b in table
    if b is not a and b not in to
]
NOT_BIRTHS = [
    (machine, str(state))
    for machine, table in MACHINES.items()
    for state in table
    if str(state) not in BIRTHS[machine]
]


POSITION = 4_000_000_001
"""Of an event that stays: only the system gives positions, and the sealer is not at work here."""


@pytest.fixture(scope="module", autouse=True)
def an_event(stage: House, ours: Biller) -> None:
    with stage.connect("owner", biller=ours.id) as owner:
        message = ids.new()
        owner.execute(
            "INSERT INTO message (biller_id, id, kind, body, at)"
            " VALUES (%s, %s, 'invoice.issued', '{}', %s)",
            (ours.id, message, NOW),
        )
        insert(owner, "message_position", biller_id=ours.id, position=POSITION, message_id=message)
        owner.commit()


@pytest.mark.parametrize(("machine", "at", "to"), MOVES)
def test_a_move_of_the_table_is_allowed(
    app: Connection, ours: Biller, machine: str, at: str, to: str
) -> None:
    row = bring_to(app, ours, machine, at)

    move(app, ours, machine, row, to)

    assert status(app, machine, row) == to


@pytest.mark.parametrize(("machine", "at", "to"), NOT_MOVES)
def test_a_move_that_is_not_in_the_table_is_refused(
    app: Connection, ours: Biller, machine: str, at: str, to: str
) -> None:
    row = bring_to(app, ours, machine, at)

    # A signed day has a guard of its own, which speaks first.
    with refused(app, DAY_CLOSED if at == "signed_off" else ILLEGAL_MOVE):
        set_status(app, machine, row, to)

    assert status(app, machine, row) == at


@pytest.mark.parametrize(("machine", "state"), NOT_BIRTHS)
def test_nothing_is_born_in_a_later_state(
    app: Connection, ours: Biller, machine: str, state: str
) -> None:
    with refused(app, ILLEGAL_MOVE):
        born(app, ours, machine, state)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_state_that_nobody_has_named_is_refused(
    app: Connection, ours: Biller, machine: str
) -> None:
    row = bring_to(app, ours, machine, sorted(BIRTHS[machine])[0])

    for word in ("", "paid", "ISSUED"):
        with refused(app, ILLEGAL_MOVE):
            set_status(app, machine, row, word)


def born(db: Connection, biller: Biller, machine: str, state: str) -> Row:
    """A row of the machine in the state, with everything that the state asks for."""
    makers: dict[str, Callable[[], Row]] = {
        "invoice": lambda: _invoice(db, biller, state),
        "payment_order": lambda: an_order(
            db, biller, {an_issued_invoice(db, biller): 581_000}, status=state
        ),
        "attempt": lambda: an_attempt(
            db, biller, an_order(db, biller, {an_issued_invoice(db, biller): 581_000}), status=state
        ),
        "refund": lambda: a_refund(db, biller, a_payment(db, biller), status=state),
        "bank_line": lambda: a_bank_line(db, biller, status=state, reason="x"),
        "discrepancy": lambda: a_discrepancy(db, biller, amount=0, status=state),
        "business_day": lambda: _day(db, biller, state),
        "receipt": lambda: a_receipt(db, biller, an_issued_invoice(db, biller), status=state),
        "inbound_call": lambda: an_inbound_call(
            db, biller, verified=state != "refused", status=state
        ),
        "statement_file": lambda: _file(db, biller, state),
        "settlement_file": lambda: a_settlement_file(db, biller, status=state),
        "settlement_row": lambda: a_row(db, biller, a_batch(db, biller), status=state),
        "payout": lambda: _payout(db, biller, state),
        "delivery": lambda: _delivery(db, biller, state),
    }
    return makers[machine]()


def bring_to(db: Connection, biller: Biller, machine: str, state: str) -> Row:
    """A row of the machine, moved along its table from birth to the state."""
    path = way(machine, state)
    row = born(db, biller, machine, path[0])
    for step in path[1:]:
        move(db, biller, machine, row, step)
    return row


def way(machine: str, state: str) -> list[str]:
    """The shortest way from a birth to the state."""
    table = {str(a): sorted(map(str, to)) for a, to in MACHINES[machine].items()}
    paths = deque([birth] for birth in sorted(BIRTHS[machine]))
    while paths:
        path = paths.popleft()
        if path[-1] == state:
            return path
        paths += [[*path, to] for to in table[path[-1]] if to not in path]
    raise AssertionError(f"{machine} never becomes {state}")


def move(db: Connection, biller: Biller, machine: str, row: Row, to: str) -> None:
    """Set the status, together with what other guards want to see beside it."""
    known: dict[tuple[str, str], dict[str, object]] = {
        ("invoice", "issued"): {"issued_at": NOW},
        ("refund", "approved"): {"approved_by": biller.chief, "approved_at": NOW},
        ("bank_line", "ignored"): {"reason": "x"},
        ("discrepancy", "proposed"): {"proposed_by": biller.cashier, "proposal": "{}"},
        ("discrepancy", "approved"): {"approved_by": biller.chief},
        ("discrepancy", "resolved"): {"resolution": "x", "reason": "x", "resolved_at": NOW},
        ("business_day", "reconciled"): {"reconciled_by": biller.cashier},
        ("receipt", "cancelled"): {"cancel_reason": "x"},
        ("settlement_row", "suspended"): {"suspended": 581_000},
        ("payout", "voided"): {"voided_by": biller.chief, "voided_at": NOW, "void_reason": "x"},
        ("delivery", "pending"): {"due_at": NOW},
        ("delivery", "delivered"): {"due_at": None, "attempts": 1},
        ("delivery", "failed"): {"due_at": None, "attempts": 1},
    }
    beside = known.get((machine, to), {})
    if machine == "bank_line" and to in ("matched", "part_matched", "resolved"):
        beside = {"journal_id": a_journal(db, biller)}
    if (machine, to) == ("business_day", "signed_off"):
        a_sheet(db, biller)  # nothing else signs
        return
    if (machine, to) == ("settlement_row", "booked"):
        beside = {"payment_id": a_payment(db, biller), "suspended": 0}
    if (machine, to) == ("attempt", "succeeded"):
        a_payment(db, biller, attempt_id=row)
    set_status(db, machine, row, to, **beside)


def set_status(db: Connection, machine: str, row: Row, to: str, **beside: object) -> None:
    changes = ", ".join(f"{name} = %({name})s" for name in ("status", *beside))
    key = "day" if machine == "business_day" else "id"
    db.execute(
        f"UPDATE {machine} SET {changes} WHERE {key} = %(row)s".encode(),
        {"status": to, "row": row, **beside},
    )


def status(db: Connection, machine: str, row: Row) -> str:
    key = "day" if machine == "business_day" else "id"
    found: str = one(db, f"SELECT status FROM {machine} WHERE {key} = %s", row)
    return found


def _invoice(db: Connection, biller: Biller, state: str) -> UUID:
    if state == "draft":
        return a_draft_invoice(db, biller)
    values = {"reference": "HD-X", "kind": "tuition", "title": "x", "amount": 0, "created_at": NOW}
    insert(
        db,
        "invoice",
        biller_id=biller.id,
        id=biller.id,
        beneficiary_id=biller.beneficiary_id,
        status=state,
        **values,
    )
    return biller.id


def _day(db: Connection, biller: Biller, state: str) -> Any:
    if state == "open":
        return an_open_day(db, biller)
    insert(db, "business_day", biller_id=biller.id, day=NOW.date(), status=state)
    return NOW.date()


def _file(db: Connection, biller: Biller, state: str) -> UUID:
    if state == "received":
        return a_statement_file(db, biller)
    insert(
        db,
        "statement_file",
        biller_id=biller.id,
        id=biller.id,
        name="x",
        sha256=bytes(32),
        size=1,
        status=state,
        key_id=biller.key_id,
        sealed=b"x",
        received_at=NOW,
    )
    return biller.id


def _payout(db: Connection, biller: Biller, state: str) -> UUID:
    id_ = ids.new()
    insert(
        db, "payout", biller_id=biller.id, id=id_, bank_account_id=biller.account_id,
        status=state, profile="generic", refunds=1, total=81_000, made_by=biller.cashier,
        made_at=NOW,
    )  # fmt: skip
    return id_


def _delivery(db: Connection, biller: Biller, state: str) -> UUID:
    endpoint, id_ = ids.new(), ids.new()
    insert(
        db, "endpoint", biller_id=biller.id, id=endpoint, url="https://erp.hoasen.example.vn/x",
        kinds=["*"], created_at=NOW, created_by=SERVICE.id, position=0,
    )  # fmt: skip
    pending = state == "pending"
    insert(
        db, "delivery", biller_id=biller.id, id=id_, endpoint_id=endpoint, position=POSITION,
        status=state, created_at=NOW, due_at=NOW if pending else None,
        attempts=0 if pending else 1,
    )  # fmt: skip
    return id_

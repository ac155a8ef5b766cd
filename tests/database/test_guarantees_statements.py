"""A statement line is taken once, a notice settled once, and what was decided is not edited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg import Connection

from payments.domain import ids
from tests.factories import NOW, TODAY, Biller, a_journal, insert
from tests.factories_money import a_payment, a_refund
from tests.factories_statements import (
    a_bank_line,
    a_discrepancy,
    a_message,
    a_statement,
    a_statement_file,
    an_inbound_call,
)
from tests.refusals import (
    CHECK,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    NOT_NULL,
    UNIQUE,
    one,
    refused,
    touched,
)


def test_a_file_is_taken_once(app: Connection, ours: Biller) -> None:
    a_statement_file(app, ours, content=b"03/2026")

    with refused(app, UNIQUE):
        a_statement_file(app, ours, content=b"03/2026")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE statement_file SET sha256 = sha256")
    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM statement_file")


def test_a_line_is_taken_once_and_genuine_twins_are_kept(app: Connection, ours: Biller) -> None:
    first = a_statement(app, ours)
    a_bank_line(app, ours, statement=first, key=b"5.000.000 HP", occurrence=1)
    a_bank_line(app, ours, statement=first, key=b"5.000.000 HP", occurrence=2)
    again = a_statement(app, ours)

    for occurrence in (1, 2):
        with refused(app, UNIQUE):
            a_bank_line(app, ours, statement=again, key=b"5.000.000 HP", occurrence=occurrence)
    with refused(app, CHECK):
        a_bank_line(app, ours, statement=again, key=b"5.000.000 HP", occurrence=0)
    assert one(app, "SELECT count(*) FROM bank_line") == 2


def test_an_incomplete_statement_does_not_call_itself_complete(
    app: Connection, ours: Biller
) -> None:
    row = """INSERT INTO statement SELECT biller_id, gen_random_uuid(), file_id, 2,
        bank_account_id, {currency}, first_day, last_day, opening, {closing}, line_count, {closes},
        true FROM statement WHERE id = %s"""
    statement = a_statement(app, ours)

    for wrong in ({"currency": "'USD'"}, {"closing": "NULL"}, {"closes": "false"}):
        values = {"currency": "currency", "closing": "closing", "closes": "closes"} | wrong
        with refused(app, CHECK):
            app.execute(row.format(**values).encode(), (statement,))


def test_a_statement_may_be_proven_whole_later_and_never_less(
    app: Connection, ours: Biller
) -> None:
    whole, in_part = a_statement(app, ours), a_statement(app, ours, complete=False)

    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE statement SET complete = false WHERE id = %s", (whole,))
    with refused(app, CHECK):  # it does not close, so it never is
        app.execute("UPDATE statement SET complete = true WHERE id = %s", (in_part,))
    for change in ("closing = 9", "last_day = last_day + 1", "opening = NULL"):
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE statement SET complete = true, {change}".encode())


def test_which_statement_was_proven_last_is_said_by_postgresql_alone(
    app: Connection, ours: Biller
) -> None:
    first, unproven, last = (
        a_statement(app, ours, complete=complete) for complete in (True, False, True)
    )

    with refused(app, NO_RIGHT):
        app.execute("UPDATE statement SET proven = 99 WHERE id = %s", (first,))

    found = app.execute("SELECT id FROM statement ORDER BY proven").fetchall()
    assert [id_ for (id_,) in found] == [unproven, first, last]


def test_a_line_of_a_bad_file_goes_only_to_a_statement_of_its_account_that_speaks_for_its_day(
    app: Connection, ours: Biller
) -> None:
    bad, good = a_statement(app, ours, complete=False), a_statement(app, ours)
    line = a_bank_line(app, ours, statement=bad)
    other = ids.new()
    app.execute(
        """INSERT INTO bank_account SELECT (bank_account).* FROM (SELECT jsonb_populate_record(
            a, jsonb_build_object('id', %s::text, 'account_number', '9999000077')) AS bank_account
            FROM bank_account a) made""",
        (other,),
    )
    elsewhere = a_statement(app, replace(ours, account_id=other))
    tomorrow = a_statement(app, ours, day=TODAY + timedelta(days=1))
    unproven = a_statement(app, ours, complete=False)
    move = "UPDATE bank_line SET statement_id = %s WHERE id = %s"

    for wrong in (elsewhere, tomorrow, unproven):
        with refused(app, KEPT_AS_IT_IS):
            app.execute(move.encode(), (wrong, line))
    assert touched(app, move, good, line) == 1
    with refused(app, KEPT_AS_IT_IS):  # it is there to stay
        app.execute(move.encode(), (bad, line))


@pytest.mark.parametrize(
    "change", ["amount = 1", "booking_date = now()", "line_key = line_key", "occurrence = 3"]
)
def test_what_the_bank_wrote_is_not_edited(app: Connection, ours: Biller, change: str) -> None:
    a_bank_line(app, ours)

    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE bank_line SET {change}".encode())
    with refused(app, NO_RIGHT):
        app.execute("UPDATE statement SET closing = 1")


def test_a_notice_is_settled_by_one_line(app: Connection, ours: Biller) -> None:
    payment = a_payment(app, ours)
    a_bank_line(app, ours, payment_id=payment)

    with refused(app, UNIQUE):
        a_bank_line(app, ours, payment_id=payment)
    other = a_bank_line(app, ours)
    with refused(app, UNIQUE):
        app.execute("UPDATE bank_line SET payment_id = %s WHERE id = %s", (payment, other))

    a_bank_line(app, ours, amount=-581_000, payment_id=payment)  # the bank takes it back


def test_a_payout_is_proven_by_one_line(app: Connection, ours: Biller) -> None:
    refund = a_refund(app, ours, a_payment(app, ours))
    a_bank_line(app, ours, amount=-581_000, refund_id=refund)

    with refused(app, UNIQUE):
        a_bank_line(app, ours, amount=-581_000, refund_id=refund)


def test_a_line_is_not_matched_without_a_journal(app: Connection, ours: Biller) -> None:
    line = a_bank_line(app, ours)

    for status in ("matched", "part_matched"):
        with refused(app, CHECK):
            app.execute("UPDATE bank_line SET status = %s WHERE id = %s", (status, line))
    with refused(app, CHECK):
        app.execute("UPDATE bank_line SET status = 'ignored' WHERE id = %s", (line,))


@pytest.mark.parametrize("column", ["payment_id", "journal_id", "refund_id"])
def test_a_matched_line_is_not_pointed_elsewhere(
    app: Connection, ours: Biller, column: str
) -> None:
    payment = a_payment(app, ours)
    line = a_bank_line(app, ours, payment_id=payment, journal_id=a_journal(app, ours))
    app.execute("UPDATE bank_line SET status = 'matched' WHERE id = %s", (line,))
    other = {
        "payment_id": a_payment(app, ours),
        "journal_id": a_journal(app, ours),
        "refund_id": a_refund(app, ours, payment, amount=1),
    }[column]

    for value in (other, None) if column != "refund_id" else (other,):
        with refused(app, KEPT_AS_IT_IS):
            app.execute(f"UPDATE bank_line SET {column} = %s WHERE id = %s".encode(), (value, line))

    app.execute(
        "UPDATE bank_line SET status = 'imported', payment_id = NULL, journal_id = NULL"
        " WHERE id = %s",
        (line,),
    )


def test_a_payment_or_a_line_has_one_open_discrepancy(app: Connection, ours: Biller) -> None:
    payment, line = a_payment(app, ours), a_bank_line(app, ours)
    a_discrepancy(app, ours, payment=payment, holds=1)
    a_discrepancy(app, ours, line_id=line)

    with refused(app, UNIQUE):
        a_discrepancy(app, ours, payment=payment, holds=1)
    with refused(app, UNIQUE):
        a_discrepancy(app, ours, line_id=line)


def test_a_comment_is_sealed_and_stays_as_it_is(app: Connection, ours: Biller) -> None:
    found = a_discrepancy(app, ours)
    event = {
        "biller_id": ours.id,
        "id": ids.new(),
        "discrepancy_id": found,
        "what": "commented",
        "actor_id": ours.chief,
        "at": NOW,
    }
    insert(app, "discrepancy_event", **event, sealed=b"sealed")

    for wrong in (
        {"note": "in the clear"},
        {"note": "beside it", "sealed": b"sealed"},
        {"sealed": bytes(16_385)},
        {"what": "resolved", "sealed": b"sealed"},
    ):
        with refused(app, CHECK, by="discrepancy_comment_is_sealed"):
            insert(app, "discrepancy_event", **event | {"id": ids.new()} | wrong)
    for change in ("UPDATE discrepancy_event SET sealed = 'x'", "DELETE FROM discrepancy_event"):
        with refused(app, NO_RIGHT):
            app.execute(change.encode())


def test_a_verified_call_is_never_deleted(
    app: Connection, system: Connection, owner: Connection, ours: Biller
) -> None:
    an_inbound_call(owner, ours, event="E1")
    an_inbound_call(owner, ours, event="E2", verified=False)
    for way in ("DELETE FROM inbound_call", "TRUNCATE inbound_call"):
        with refused(owner, KEPT_AS_IT_IS):
            owner.execute(way.encode())
    owner.execute("DELETE FROM inbound_call WHERE NOT verified")

    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM inbound_call")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE inbound_call SET verified = false, refusal = 'x', status = 'refused'")
    with refused(system, NO_RIGHT):
        system.execute("UPDATE inbound_call SET verified = false")


def test_a_forged_call_does_not_take_the_place_of_a_real_event(
    app: Connection, ours: Biller
) -> None:
    for forgery in (b"a", b"b"):
        an_inbound_call(app, ours, event="E1", verified=False, content=forgery)

    an_inbound_call(app, ours, event="E1")

    with refused(app, UNIQUE):
        an_inbound_call(app, ours, event="E1")
    with refused(app, UNIQUE):
        an_inbound_call(app, ours, event="E9", verified=False, content=b"a")


def test_a_forged_call_is_refused_and_a_verified_one_names_its_event(
    app: Connection, ours: Biller
) -> None:
    with refused(app, CHECK):
        an_inbound_call(app, ours, verified=False, status="received")
    with refused(app, CHECK):
        an_inbound_call(app, ours, verified=True, event=None)


def test_an_audit_line_stays_as_it_is(app: Connection, owner: Connection, ours: Biller) -> None:
    line = {"id": ours.id, "action": "x", "subject": "x", "at": NOW}
    insert(app, "audit_line", biller_id=ours.id, **line)
    for change in ("UPDATE audit_line SET action = 'y'", "DELETE FROM audit_line"):
        with refused(app, NO_RIGHT):
            app.execute(change.encode())
    with refused(app, NO_RIGHT):
        insert(app, "audit_line", biller_id=None, **line | {"id": ours.key_id})
    app.rollback()

    insert(owner, "audit_line", biller_id=ours.id, **line)
    for change in (
        "UPDATE audit_line SET action = 'y'",
        "DELETE FROM audit_line",
        "TRUNCATE audit_line",
    ):
        with refused(owner, KEPT_AS_IT_IS):
            owner.execute(change.encode())


def test_a_message_is_told_as_it_was_written(app: Connection, ours: Biller) -> None:
    a_message(app, ours)

    for change in ("body = '{}'", "kind = 'y'", "xid = '1'", "at = now()"):
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE message SET {change}".encode())
    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM message")
    with refused(app, NO_RIGHT):
        a_message(app, ours, xid="9223372036854775807")


def test_an_answer_that_was_given_is_given_again_unchanged(app: Connection, ours: Biller) -> None:
    row = {"route": "orders", "key": "k", "request_hash": bytes(32), "status": 201, "body": "{}"}
    insert(app, "idempotency_answer", biller_id=ours.id, **row, created_at=NOW)

    with refused(app, UNIQUE):
        insert(app, "idempotency_answer", biller_id=ours.id, **row, created_at=NOW)
    for change in ("UPDATE idempotency_answer SET status = 200", "DELETE FROM idempotency_answer"):
        with refused(app, NO_RIGHT):
            app.execute(change.encode())


def test_an_erased_key_stays_erased_without_its_secret(app: Connection, ours: Biller) -> None:
    with refused(app, CHECK):
        app.execute("UPDATE data_key SET erased_at = now()")
    with refused(app, CHECK):
        app.execute("UPDATE data_key SET wrapped = NULL")
    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM data_key")
    with refused(app, NOT_NULL):
        app.execute("UPDATE data_key SET ring_key = NULL")

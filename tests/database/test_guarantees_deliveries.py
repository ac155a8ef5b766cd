"""An event is delivered to an endpoint once; what was told, tried and signed is not rewritten."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import Connection

from payments.domain import ids
from payments.domain.people import SERVICE
from tests.database.conftest import become
from tests.factories import NOW, Biller, insert, run
from tests.refusals import (
    CHECK,
    FOREIGN_KEY,
    ILLEGAL_MOVE,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    UNIQUE,
    one,
    refused,
    touched,
)

TABLES = ("endpoint", "endpoint_secret", "delivery", "delivery_attempt")


def an_endpoint(db: Connection, biller: Biller, **values: object) -> UUID:
    id_ = ids.new()
    usual = {
        "url": "https://erp.hoasen.example.vn/x",
        "kinds": ["*"],
        "created_at": NOW,
        "created_by": SERVICE.id,
        "position": 0,
    }
    insert(db, "endpoint", biller_id=biller.id, id=id_, **usual | values)
    return id_


def a_secret(db: Connection, biller: Biller, endpoint: UUID, **values: object) -> UUID:
    id_ = ids.new()
    insert(
        db,
        "endpoint_secret",
        biller_id=biller.id,
        id=id_,
        endpoint_id=endpoint,
        created_at=NOW,
        key_id=biller.key_id,
        sealed=b"sealed",
        **values,
    )
    return id_


def a_position(system: Connection, biller: Biller) -> int:
    message, position = ids.new(), int(ids.new().int >> 66)
    run(
        system,
        """INSERT INTO message (biller_id, id, kind, body, at)
           VALUES (%(biller)s, %(id)s, 'invoice.issued', '{}', %(at)s)""",
        biller=biller.id,
        id=message,
        at=NOW,
    )
    insert(system, "message_position", biller_id=biller.id, position=position, message_id=message)
    return position


def a_delivery(
    db: Connection, biller: Biller, endpoint: UUID, position: int, **values: object
) -> UUID:
    id_ = ids.new()
    usual = {"status": "pending", "created_at": NOW, "due_at": NOW, "endpoint_id": endpoint}
    insert(db, "delivery", biller_id=biller.id, id=id_, position=position, **usual | values)
    return id_


@pytest.fixture
def position(owner: Connection, ours: Biller) -> int:
    """Of an event that stays; the sealer is not at work here."""
    given = a_position(owner, ours)
    owner.commit()
    return given


@pytest.fixture
def endpoint(app: Connection, ours: Biller) -> UUID:
    return an_endpoint(app, ours)


def test_an_event_has_one_delivery_to_an_endpoint(
    app: Connection, ours: Biller, endpoint: UUID, position: int
) -> None:
    a_delivery(app, ours, endpoint, position)
    a_delivery(app, ours, an_endpoint(app, ours), position)

    with refused(app, UNIQUE, by="delivery_is_one"):
        a_delivery(app, ours, endpoint, position)


def test_only_an_event_with_a_position_is_delivered(
    app: Connection, ours: Biller, endpoint: UUID
) -> None:
    with refused(app, FOREIGN_KEY):
        a_delivery(app, ours, endpoint, 2**40)


def test_a_delivery_moves_along_its_table(
    app: Connection, ours: Biller, endpoint: UUID, position: int
) -> None:
    delivery = a_delivery(app, ours, endpoint, position)

    with refused(app, CHECK):
        app.execute("UPDATE delivery SET status = 'delivered', due_at = NULL")
    app.execute("UPDATE delivery SET status = 'delivered', due_at = NULL, attempts = 1")
    with refused(app, ILLEGAL_MOVE):
        app.execute("UPDATE delivery SET status = 'failed' WHERE id = %s", (delivery,))
    with refused(app, CHECK):
        app.execute("UPDATE delivery SET status = 'pending' WHERE id = %s", (delivery,))
    app.execute("UPDATE delivery SET status = 'pending', due_at = %s", (NOW,))


def test_a_delivery_is_not_born_delivered(
    app: Connection, ours: Biller, endpoint: UUID, position: int
) -> None:
    with refused(app, ILLEGAL_MOVE):
        a_delivery(app, ours, endpoint, position, status="delivered", due_at=None, attempts=1)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("delivery", "position = position + 1"),
        ("delivery", "endpoint_id = gen_random_uuid()"),
        ("delivery", "id = gen_random_uuid()"),
        ("delivery", "biller_id = gen_random_uuid()"),
        ("delivery", "created_at = now()"),
        ("endpoint", "id = gen_random_uuid()"),
        ("endpoint", "biller_id = gen_random_uuid()"),
        ("endpoint", "created_by = gen_random_uuid()"),
        ("endpoint_secret", "sealed = 'other'"),
        ("endpoint_secret", "key_id = gen_random_uuid()"),
        ("endpoint_secret", "endpoint_id = gen_random_uuid()"),
        ("delivery_attempt", "answer = 200"),
        ("delivery_attempt", "excerpt = ''"),
    ],
)
def test_what_was_told_to_whom_is_not_changed(
    app: Connection, ours: Biller, table: str, change: str
) -> None:
    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE {table} SET {change}".encode())


@pytest.mark.parametrize("table", TABLES)
def test_the_application_deletes_none_of_it(app: Connection, table: str) -> None:
    with refused(app, NO_RIGHT):
        app.execute(f"DELETE FROM {table}".encode())
    with refused(app, NO_RIGHT):
        app.execute(f"TRUNCATE {table} CASCADE".encode())


@pytest.mark.parametrize("table", ["endpoint", "endpoint_secret", "delivery"])
def test_not_even_the_owner_deletes_endpoints_secrets_and_deliveries(
    owner: Connection, ours: Biller, table: str
) -> None:
    endpoint = an_endpoint(owner, ours)
    a_secret(owner, ours, endpoint)
    a_delivery(owner, ours, endpoint, a_position(owner, ours))

    with refused(owner, KEPT_AS_IT_IS):
        owner.execute(f"DELETE FROM {table}".encode())


def test_the_log_of_calls_is_not_rewritten_by_anybody(owner: Connection, ours: Biller) -> None:
    delivery = a_delivery(owner, ours, an_endpoint(owner, ours), a_position(owner, ours))
    values = {"biller_id": ours.id, "delivery_id": delivery, "at": NOW, "milliseconds": 7}
    insert(owner, "delivery_attempt", number=1, **values)

    with refused(owner, KEPT_AS_IT_IS):
        owner.execute("UPDATE delivery_attempt SET answer = 200")
    with refused(owner, KEPT_AS_IT_IS):
        owner.execute("TRUNCATE delivery_attempt")
    with refused(owner, UNIQUE):
        insert(owner, "delivery_attempt", number=1, **values)


def test_an_endpoint_does_not_go_back_to_events_it_has_had(app: Connection, ours: Biller) -> None:
    endpoint = an_endpoint(app, ours, position=7)

    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE endpoint SET position = 6 WHERE id = %s", (endpoint,))


def test_a_replaced_secret_is_not_given_a_longer_life(
    app: Connection, ours: Biller, endpoint: UUID
) -> None:
    secret = a_secret(app, ours, endpoint, expires_at=NOW)

    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE endpoint_secret SET expires_at = NULL WHERE id = %s", (secret,))
    with refused(app, KEPT_AS_IT_IS):
        app.execute(
            "UPDATE endpoint_secret SET expires_at = expires_at + interval '1s' WHERE id = %s",
            (secret,),
        )
    app.execute("UPDATE endpoint_secret SET expires_at = expires_at - interval '1s'")


def test_one_secret_is_in_use(app: Connection, ours: Biller, endpoint: UUID) -> None:
    a_secret(app, ours, endpoint)

    with refused(app, UNIQUE, by="endpoint_secret_in_use"):
        a_secret(app, ours, endpoint)


def test_why_an_endpoint_is_disabled_is_always_said(
    app: Connection, ours: Biller, endpoint: UUID
) -> None:
    with refused(app, CHECK):
        app.execute("UPDATE endpoint SET disabled_at = now() WHERE id = %s", (endpoint,))
    with refused(app, CHECK):
        app.execute(
            "UPDATE endpoint SET disabled_at = now(), disabled_why = 'mood' WHERE id = %s",
            (endpoint,),
        )


def test_nothing_of_another_biller_is_seen_changed_or_pointed_to(
    app: Connection, owner: Connection, ours: Biller, theirs: Biller, position: int
) -> None:
    become(app, theirs)
    foreign = an_endpoint(app, theirs)
    a_secret(app, theirs, foreign)
    become(app, ours)

    seen = [one(app, f"SELECT count(*) FROM {name} WHERE biller_id <> %s", ours.id)
            for name in TABLES]  # fmt: skip
    assert seen == [0, 0, 0, 0]
    assert touched(app, "UPDATE endpoint SET url = 'https://evil.example.vn/' WHERE id = %s",
                   foreign) == 0  # fmt: skip
    with refused(app, FOREIGN_KEY):
        a_delivery(app, ours, foreign, position)
    with refused(app, FOREIGN_KEY):
        a_secret(app, ours, foreign)
    with refused(app, NO_RIGHT):
        an_endpoint(app, theirs)
    with refused(app, NO_RIGHT):
        a_delivery(app, theirs, foreign, position)


def test_a_position_wakes_the_endpoints_of_its_biller_and_no_other(
    owner: Connection, ours: Biller, theirs: Biller
) -> None:
    mine, off = an_endpoint(owner, ours), an_endpoint(
        owner, ours, disabled_at=NOW, disabled_why="by_hand"
    )  # fmt: skip
    other = an_endpoint(owner, theirs)

    a_position(owner, ours)

    woken = run(owner, "SELECT id FROM endpoint WHERE due_at = 'epoch'")
    assert (mine,) in woken
    assert (off,) not in woken
    assert (other,) not in woken


def test_the_system_moves_the_queue_and_nothing_else(system: Connection) -> None:
    system.execute("UPDATE endpoint SET due_at = now(), leased_until = now()")

    for change in ("url = 'https://evil.example.vn/'", "position = 9", "disabled_at = NULL"):
        with refused(system, NO_RIGHT):
            system.execute(f"UPDATE endpoint SET {change}".encode())
    for statement in (
        "SELECT * FROM endpoint_secret",
        "UPDATE delivery SET attempts = 0",
        "DELETE FROM delivery",
    ):
        with refused(system, NO_RIGHT):
            system.execute(statement.encode())

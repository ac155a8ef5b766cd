"""The tables of moves in Python and in PostgreSQL are one."""

from __future__ import annotations

from typing import Final

import pytest

from payments.domain.states import BIRTHS, MACHINES
from tests.databases import House

IN_PYTHON: Final = {
    (machine, str(at), str(to))
    for machine, table in MACHINES.items()
    for at, follow in table.items()
    for to in follow
} | {(machine, "", birth) for machine, births in BIRTHS.items() for birth in births}


def test_postgresql_allows_exactly_the_moves_of_the_domain(house: House) -> None:
    stored = set(house.psql("app", "SELECT machine, from_status, to_status FROM status_move"))

    assert stored - IN_PYTHON == set()
    assert IN_PYTHON - stored == set()


def test_every_machine_is_a_table_whose_status_is_guarded(house: House) -> None:
    guarded = house.psql(
        "owner",
        """SELECT c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
           JOIN pg_proc p ON p.oid = t.tgfoid
           WHERE p.proname = 'guard_status' AND t.tgenabled = 'O'""",
    )
    with_status = house.psql(
        "owner",
        """SELECT table_name::text FROM information_schema.columns
           WHERE table_schema = 'public' AND column_name = 'status' AND data_type = 'text'""",
    )

    assert {name for (name,) in guarded} == set(MACHINES)
    # A signed sheet remembers how discrepancies stood: a fact of that moment, which never moves.
    remembered = {"discrepancy_standing"}
    assert {name for (name,) in with_status} - remembered == set(MACHINES)


def test_nobody_but_the_owner_changes_the_table_of_moves(house: House) -> None:
    for role in ("app", "system"):
        rights = house.psql(
            role,
            """SELECT p FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
               WHERE has_table_privilege('status_move', p)""",
        )
        assert rights == []


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_a_key_and_can_be_reached(machine: str) -> None:
    table = {str(at): {str(to) for to in follow} for at, follow in MACHINES[machine].items()}
    states = {str(state) for state in type(next(iter(MACHINES[machine])))}
    reached: set[str] = set()
    ahead = set(BIRTHS[machine])
    while ahead:
        reached |= ahead
        ahead = set().union(*(table[state] for state in ahead)) - reached

    assert set(table) == states
    assert reached == states

"""Whatever order notices, settlement files and statements come in, and however often: one truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cast import a_school
from tests.databases import House, a_transaction
from tests.servers import Addresses
from tests.settlement_desk import DAY, Desk, credit
from tests.settlement_files import Settled
from tests.statement_files import Entry

ONE, TWO = "VNP2026031101", "VNP2026031201"
A = Settled("1", 581_000, 6_391, ref="TP1", batch=ONE)
B = Settled("2", 200_000, 2_200, ref="TP2", batch=ONE)
C = Settled("3", 100_000, 1_101, ref="TP3", batch=TWO, day="2026-03-12")  # one đồng too much
AGAIN = replace(A, batch=TWO, day="2026-03-12")
BACK = Settled("2", -200_000, 0, "chargeback", batch=TWO, day="2026-03-12")
NET_ONE = A.comes_to + B.comes_to
NET_TWO = C.comes_to + AGAIN.comes_to + BACK.comes_to

NIGHTS = (
    [credit(ONE, 500_000, "FT1")],
    [credit(TWO, NET_TWO, "FT2"), Entry(-11_000, "Phi SMS", "FT3")],
    [credit(ONE, NET_ONE - 500_000, "FT4")],
)
FILES = ([A], [A, B], [B, A, A], [C, AGAIN, BACK], [AGAIN, C])
STEPS = (
    *(("file", number) for number in range(len(FILES))),
    *(("tell", number) for number in (1, 2)),
    *(("night", number) for number in range(len(NIGHTS))),
)


def what_became(
    house: House, addresses: Addresses, steps: list[tuple[str, int]]
) -> Mapping[str, object]:
    """Play the steps in this order, then everything once more; what the books say."""
    with a_transaction(house, addresses) as quick:
        desk = Desk(a_school(quick))
        desk.agree()
        tried = {
            int(row.txn): desk.attempt(desk.order(row.gross), row.ref, amount=row.gross)
            for row in (A, B, C)
        }
        amounts = {int(row.txn): row.gross for row in (A, B)}
        acts: dict[str, Callable[[int], object]] = {
            "file": lambda number: desk.file(FILES[number]),
            "tell": lambda number: desk.pay(str(number), amounts[number], attempt=tried[number]),
            # Statements of a bank follow one another, whatever comes between them.
            "night": lambda _: desk.night(NIGHTS[(desk.day - DAY).days]),
        }
        for kind, number in steps:
            acts[kind](number)
            assert desk.gaps() == []
        for kind, number in STEPS:
            if kind != "night":
                acts[kind](number)
        assert desk.gaps() == []
        return {
            "balances": desk.balances(),
            "queue": desk.queue(),
            "batches": desk.rows(
                "SELECT reference, row_count, due, came FROM settlement_batch ORDER BY reference"
            ),
            "orders": desk.rows("SELECT amount, payment_state FROM payment_order ORDER BY amount"),
        }


USUAL: dict[str, object] = {}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.permutations(STEPS))
def test_any_order_of_files_and_repeats_ends_in_the_same_books(
    shared_house: House, addresses: Addresses, steps: list[tuple[str, int]]
) -> None:
    if not USUAL:
        USUAL.update(what_became(shared_house, addresses, list(STEPS)))

    assert what_became(shared_house, addresses, steps) == USUAL

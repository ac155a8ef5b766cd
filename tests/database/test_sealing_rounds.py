"""The sealer against real transactions: nothing missed, nothing twice, no gap."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, text

from payments import ledger, outbox, sealing
from payments.domain import seals
from tests.databases import A_MORNING, House
from tests.ledgers import Books, a_biller, a_journal


@pytest.fixture
def books(house: House) -> Books:
    return a_biller(house)


def test_a_round_gives_positions_without_gaps_and_seals_them(books: Books) -> None:
    journals = books.post(5)

    done = _seal(books)

    assert (done.journals, done.seals, done.more) == (5, 1, False)
    assert [position for position, _ in _positions(books)] == [1, 2, 3, 4, 5]
    assert {journal for _, journal in _positions(books)} == set(journals)


def test_a_second_round_finds_nothing_and_writes_no_seal(books: Books) -> None:
    books.post(3)
    _seal(books)

    again = _seal(books)

    assert (again.journals, again.seals) == (0, 0)
    assert len(_seals(books)) == 1


def test_what_is_still_being_written_waits_and_is_sealed_after_its_commit(books: Books) -> None:
    _seal(books)
    with books.sessions.begin(books.biller) as slow:
        early = ledger.post(slow, a_journal(), at=A_MORNING).journal_id
        late = books.post()[0]  # committed first, but its transaction began later

        before = _seal(books)

    after = _seal(books)
    assert (before.journals, after.journals) == (0, 2)
    assert [journal for _, journal in _positions(books)] == [early, late]


def test_a_posting_that_is_rolled_back_leaves_no_gap(books: Books) -> None:
    books.post()
    with books.sessions.begin(books.biller) as db:
        ledger.post(db, a_journal(), at=A_MORNING)
        db.rollback()
    books.post()

    _seal(books)

    assert [position for position, _ in _positions(books)] == [1, 2]


def test_a_small_limit_takes_several_rounds_and_loses_nothing(books: Books) -> None:
    journals = books.post(7) + books.post(1) + books.post(5)

    with books.system.begin() as db:
        first = sealing.seal(db, key=books.key, at=A_MORNING, limit=3)
    rest = sealing.seal_all(books.system, key=books.key, at=A_MORNING)

    assert first.more
    assert first.journals + rest.journals == 13
    assert {journal for _, journal in _positions(books)} == set(journals)


def test_messages_get_positions_without_gaps_even_when_they_outnumber_a_round(
    books: Books,
) -> None:
    books.post()
    with books.sessions.begin(books.biller) as db:
        outbox.emit_many(db, "test.happened", [{"n": n} for n in range(7)], at=A_MORNING)

    rounds: list[sealing.Sealed] = []
    while not rounds or rounds[-1].more:
        with books.system.begin() as db:
            rounds.append(sealing.seal(db, key=books.key, at=A_MORNING, limit=3))

    found = books.house.psql("admin", "SELECT position FROM message_position ORDER BY position")
    assert sum(done.messages for done in rounds) == 7
    assert [position for (position,) in found] == list(range(1, 8))


def test_billers_have_their_own_positions_and_chains(house: House) -> None:
    one = a_biller(house)
    other = a_biller(house, one.ring)
    one.post(2)
    other.post(3)

    done = _seal(one)

    assert (done.journals, done.seals) == (5, 2)
    assert [position for position, _ in _positions(one)] == [1, 2]
    assert [position for position, _ in _positions(other)] == [1, 2, 3]


def test_balances_are_the_same_before_and_after_sealing(books: Books) -> None:
    books.post(3, amount=500)
    before = _balances(books)

    _seal(books)
    books.post(1, amount=70)

    assert before["unapplied"] == 500 + 501 + 502
    assert _balances(books)["unapplied"] == before["unapplied"] + 70
    _seal(books)
    assert _balances(books)["unapplied"] == before["unapplied"] + 70


def test_seals_are_chained_signed_and_prove_each_journal(books: Books) -> None:
    first = books.post(3)
    _seal(books)
    second = books.post(4)
    _seal(books)

    rows = _seals(books)
    assert rows[0].previous == seals.FIRST_PREVIOUS
    assert rows[1].previous == rows[0].chained
    with books.sessions.begin(books.biller) as db:
        for journal in first + second:
            proof = sealing.proof(db, journal)
            assert proof is not None
            assert sealing.verify(proof, _leaf(books, journal), books.public_key)
            assert not sealing.verify(proof, bytes(32), books.public_key)
            assert not sealing.verify(proof, _leaf(books, journal), bytes(32))


def test_an_unsealed_journal_has_no_proof_yet(books: Books) -> None:
    journal = books.post()[0]

    with books.sessions.begin(books.biller) as db:
        assert sealing.proof(db, journal) is None
        assert sealing.latest(db) is None


def test_of_two_sealers_at_once_one_steps_aside(books: Books) -> None:
    books.post(2)

    with books.system.begin() as mine:
        done = sealing.seal(mine, key=books.key, at=A_MORNING)
        with books.system.begin() as theirs:
            other = sealing.seal(theirs, key=books.key, at=A_MORNING)

    assert (done.journals, other.busy, other.journals) == (2, True, 0)


def test_a_copy_restored_into_another_cluster_misses_nothing(books: Books) -> None:
    old = books.post(3)
    _seal(books)
    restored = books.post(2)
    # In a copy these numbers come from elsewhere: below the mark, and far beyond any here.
    books.house.admin.execute("SET session_replication_role = replica")
    books.house.admin.execute("UPDATE journal SET xid = '3' WHERE id = %s", (restored[0],))
    books.house.admin.execute("UPDATE journal SET xid = '9000000000' WHERE id = %s", (restored[1],))
    books.house.admin.execute("UPDATE sealer_mark SET cluster = 'another', sealed_below = '8000'")
    books.house.admin.execute("SET session_replication_role = origin")

    with books.system.begin() as db:
        first = sealing.seal(db, key=books.key, at=A_MORNING, limit=1)
    rest = sealing.seal_all(books.system, key=books.key, at=A_MORNING)
    new = books.post(1)
    last = _seal(books)

    assert (first.journals, rest.journals, last.journals) == (1, 1, 1)
    assert sorted(journal for _, journal in _positions(books)) == sorted(old + restored + new)
    assert [position for position, _ in _positions(books)] == [1, 2, 3, 4, 5, 6]


def test_parallel_postings_and_sealers_miss_nothing_and_repeat_nothing(books: Books) -> None:
    posted: list[UUID] = []
    failures: list[BaseException] = []
    posting = threading.Event()
    posting.set()

    def post(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # spreads commits; not a secret
        for _ in range(12):
            with books.sessions.begin(books.biller) as db:
                mine = [ledger.post(db, a_journal(), at=A_MORNING).journal_id for _ in range(2)]
                # Transactions that overlap and end in another order than they began.
                db.execute(text("SELECT pg_sleep(:s)"), {"s": chance.random() / 50})
            posted.extend(mine)

    def keep_sealing() -> None:
        while posting.is_set():
            sealing.seal_all(books.system, key=books.key, at=A_MORNING)

    _together([partial(post, seed) for seed in range(4)], [keep_sealing] * 2, posting, failures)
    sealing.seal_all(books.system, key=books.key, at=A_MORNING)

    assert failures == []
    positions = _positions(books)
    assert len(posted) == 96
    assert [position for position, _ in positions] == list(range(1, 97))
    assert sorted(journal for _, journal in positions) == sorted(posted)


Work = Callable[[], None]


def _together(
    work: Sequence[Work],
    background: Sequence[Work],
    going: threading.Event,
    failures: list[BaseException],
) -> None:
    """Run all at once; `going` is cleared when the work is over."""

    def caught(do: Work) -> None:
        try:
            do()
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=caught, args=(do,)) for do in work]
    others = [threading.Thread(target=caught, args=(do,)) for do in background]
    for thread in [*workers, *others]:
        thread.start()
    for thread in workers:
        thread.join()
    going.clear()
    for thread in others:
        thread.join()


def _seal(books: Books) -> sealing.Sealed:
    with books.system.begin() as db:
        return sealing.seal(db, key=books.key, at=A_MORNING)


def _positions(books: Books) -> list[tuple[int, UUID]]:
    rows = books.house.psql(
        "admin",
        "SELECT position, journal_id FROM journal_position WHERE biller_id = %s ORDER BY position",
        (books.biller,),
    )
    return [(position, journal) for position, journal in rows]


def _seals(books: Books) -> list[Row[Any]]:
    with books.system.begin() as db:
        return list(
            db.execute(
                text("SELECT * FROM seal WHERE biller_id = :b ORDER BY number"), {"b": books.biller}
            )
        )


def _leaf(books: Books, journal: UUID) -> bytes:
    rows = books.house.psql(
        "admin", "SELECT leaf FROM journal_position WHERE journal_id = %s", (journal,)
    )
    leaf: bytes = rows[0][0]
    return leaf


def _balances(books: Books) -> dict[str, int]:
    with books.sessions.begin(books.biller) as db:
        return {b.account.code: b.amount for b in ledger.trial_balance(db)}

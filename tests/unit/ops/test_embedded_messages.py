"""What people read when an embedded server cannot start, and what decides it."""

import errno
import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.embedded import journal, ports
from ops.embedded.addresses import Urls
from ops.embedded.errors import AlreadyRunning, StartError, explained
from ops.embedded.folder import (
    ROOM_BYTES,
    ROOM_FIRST_BYTES,
    has_room,
    passwords_in,
    ports_in,
    usual_place,
)

FOLDER = Path("/srv/thuphi")
FATAL = "2026-01-05 08:00:00.000 UTC [7] FATAL:  could not {} : {}\n"


def why(log: str) -> str:
    return journal.explain("PostgreSQL", log, folder=FOLDER, port=15432).en


@pytest.mark.parametrize("reason", ["No space left on device", "Disk quota exceeded"])
def test_a_full_disk_is_named_whatever_the_server_was_writing(reason: str) -> None:
    log = FATAL.format('write to file "pg_wal/xlogtemp.7"', reason)

    assert why(log) == (
        "The disk that holds /srv/thuphi is full: free some space, or set THUPHI_HOME to another "
        "disk"
    )


def test_full_shared_memory_is_not_taken_for_a_full_disk() -> None:
    log = FATAL.format("resize shared memory segment", "No space left on device")

    assert "shared memory segment" in why(log)


def test_a_taken_port_is_named() -> None:
    log = 'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nHINT: …\n'

    assert why(log).startswith("Cannot open port 15432 on 127.0.0.1 (in use)")


def test_any_other_end_shows_the_last_three_lines_on_one_line() -> None:
    log = "one\ntwo\n\nthree\nfour\n"

    error = journal.explain("Valkey", log, folder=FOLDER, port=1)

    assert error.log == ("two", "three", "four")
    assert error.en == "Valkey did not start; the last lines of its log: [two | three | four]"
    assert error.vi.endswith("[two | three | four]")


def test_a_server_that_is_too_slow_is_told_with_the_time_it_had() -> None:
    error = journal.too_slow("PostgreSQL", "redo in progress\n", seconds=90)

    assert error.en == (
        "PostgreSQL was not ready after 90 seconds; the last lines of its log: [redo in progress]"
    )


def test_a_log_of_any_size_is_read_from_its_end_and_renewed_once(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("x" * 100_000 + "\nlast\n")

    tail = journal.tail(log)
    renewed = journal.renew(log)

    assert journal.last_lines(tail)[-1] == "last"
    assert len(tail) <= journal.TAIL_BYTES
    assert journal.tail(renewed) == ""
    assert (tmp_path / "server.log.1").stat().st_size > journal.TAIL_BYTES


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "is full: free some space"),
        (errno.EDQUOT, "is full: free some space"),
        (errno.EACCES, "permission to read and write"),
        (errno.EROFS, "permission to read and write"),
        (errno.ENOTDIR, "set THUPHI_HOME to another folder"),
    ],
)
def test_every_refusal_of_the_system_says_what_to_do(number: int, said: str) -> None:
    with pytest.raises(StartError) as refusal, explained(FOLDER):
        raise OSError(number, "reason")

    assert said in refusal.value.en
    assert "THUPHI_HOME" in refusal.value.vi
    assert "\n" not in refusal.value.en + refusal.value.vi


def test_the_other_instance_is_named_where_its_pid_is_known() -> None:
    known, unknown = AlreadyRunning(FOLDER, 4321), AlreadyRunning(FOLDER, None)

    assert "(process 4321)" in known.en
    assert "(tiến trình 4321)" in known.vi
    assert "None" not in unknown.en + unknown.vi


def test_laying_out_data_needs_more_room_than_starting_again() -> None:
    assert has_room(ROOM_FIRST_BYTES, first=True)
    assert not has_room(ROOM_FIRST_BYTES - 1, first=True)
    assert has_room(ROOM_BYTES, first=False)
    assert not has_room(ROOM_BYTES - 1, first=False)


def test_the_usual_place_is_never_in_the_home_of_root() -> None:
    place = usual_place(Path("/home/lan/.local/share"))

    ours = "/var/lib/thuphi" if os.geteuid() == 0 else "/home/lan/.local/share/thuphi"
    assert place == Path(ours)


def test_a_kept_port_stays_while_it_is_free_and_never_serves_two() -> None:
    first = ports.choose(None)
    second = ports.choose(None, taken=[first])

    assert ports.choose(first) == first
    assert ports.choose(first, taken=[first]) != first
    assert first != second


def test_a_taken_port_is_left_to_whoever_has_it() -> None:
    with socket.create_server((ports.HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]

        assert not ports.is_free(taken)
        assert ports.choose(taken) != taken


def test_new_ports_are_outside_the_range_of_outgoing_connections() -> None:
    lowest_outgoing = int(ports.KERNEL_RANGE.read_text().split()[0])

    assert ports.LOWEST <= ports.choose(None) < lowest_outgoing


@given(st.binary(max_size=200) | st.just(b"[1, 2]") | st.just(b'{"postgres": null}'))
def test_damaged_state_files_count_as_none(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("passwords.json", "ports.json"):
            Path(folder, name).write_bytes(content)

        assert passwords_in(Path(folder)) is None
        assert ports_in(Path(folder)) == {}


def test_every_login_has_an_address_of_its_own() -> None:
    passwords = {
        "postgres": "a",
        "thuphi_owner": "b",
        "thuphi_app": "c",
        "thuphi_system": "d",
        "valkey": "e",
    }

    urls = Urls.of(passwords, postgres=1, valkey=2)

    assert urls == Urls(
        owner="postgresql://thuphi_owner:b@127.0.0.1:1/thuphi",
        app="postgresql://thuphi_app:c@127.0.0.1:1/thuphi",
        system="postgresql://thuphi_system:d@127.0.0.1:1/thuphi",
        admin="postgresql://postgres:a@127.0.0.1:1/postgres",
        redis="redis://:e@127.0.0.1:2/0",
    )

"""Families of real processes: how they start, end, come back and die together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.embedded.children import ChildEvent, ChildSpec, Family, NotYet, What
from ops.embedded.errors import StartError

ROOT = Path(__file__).parents[2]
SLEEP = ("/bin/sleep", "60")
PATIENCE_SECONDS = 20


def until(true: Callable[[], object]) -> None:
    """Wait for something that must come, however slow the machine is."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def caught_by(pid: int) -> int:
    """The signals that a process handles itself, as the kernel's bit mask."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1], 16) for line in status.splitlines() if "SigCgt" in line)


# Whoever runs the tests may ignore signals, as nohup does, and a child would inherit that.
AS_FROM_A_TERMINAL = """
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
"""


@contextmanager
def supervisor(tmp_path: Path, body: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Run a program of ours with a family in it, and read the pids of its children."""
    code = (
        "import signal, sys\nfrom pathlib import Path\n"
        f"{AS_FROM_A_TERMINAL}"
        "from ops.embedded.children import ChildSpec, Family\n"
        f"here = Path({str(tmp_path)!r})\n{body}"
    )
    program = subprocess.Popen(
        python(code), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with program:
        assert program.stdout
        yield program, [int(pid) for pid in program.stdout.readline().split()]
        if program.poll() is None:
            program.kill()


TWO_CHILDREN = """
family = Family([ChildSpec("a", ("/bin/sleep", "60")), ChildSpec("b", ("/bin/sleep", "60"))])
family.start()
print(*family.pids().values(), flush=True)
sys.exit(family.wait())
"""


def test_the_first_child_that_ends_for_good_ends_the_family_and_gives_its_code() -> None:
    family = Family([ChildSpec("stays", SLEEP), ChildSpec("goes", python("raise SystemExit(7)"))])

    with family:
        stays = family.pids()["stays"]
        code = family.wait()

    assert code == 7
    assert not alive(stays)


def test_a_child_that_a_signal_ended_gives_the_code_a_shell_would_show() -> None:
    with Family([ChildSpec("a", SLEEP)]) as family:
        os.kill(family.pids()["a"], signal.SIGKILL)

        assert family.wait() == 128 + signal.SIGKILL


def test_a_killed_child_comes_back_and_every_step_is_heard() -> None:
    heard: list[ChildEvent] = []
    family = Family([ChildSpec("a", SLEEP, restart=True)], heard=heard.append)

    with family:
        first = family.pids()["a"]
        os.kill(first, signal.SIGKILL)
        until(lambda: family.restarts()["a"] == 1)
        second = family.pids()["a"]

    assert first != second
    assert [(event.what, event.pid) for event in heard] == [
        (What.STARTED, first),
        (What.ENDED, first),
        (What.STARTED, second),
        (What.ENDED, second),
    ]


def test_a_child_that_never_lives_long_is_given_up_with_its_code() -> None:
    heard: list[ChildEvent] = []
    hopeless = ChildSpec("a", python("raise SystemExit(3)"), restart=True, quick_deaths_max=2)

    with Family([hopeless], heard=heard.append) as family:
        code = family.wait()

    assert code == 3
    assert [event.what for event in heard].count(What.STARTED) == 2
    assert heard[-1].what is What.GAVE_UP


def test_a_missing_program_ends_its_child_as_in_a_shell(capfd: pytest.CaptureFixture[str]) -> None:
    with Family([ChildSpec("a", ("/no/such/program",))]) as family:
        code = family.wait()

    assert code == 127
    assert capfd.readouterr().err == "cannot run /no/such/program: No such file or directory\n"


def test_a_child_that_cannot_be_made_is_refused_and_the_others_are_stopped() -> None:
    heard: list[ChildEvent] = []
    impossible = ChildSpec("b", SLEEP, cwd=Path("/no/such/folder"))
    family = Family([ChildSpec("a", SLEEP), impossible], heard=heard.append)

    with pytest.raises(StartError, match="/no/such/folder"):
        family.start()

    assert not alive(heard[0].pid)


def test_a_child_waits_until_what_it_needs_is_free(tmp_path: Path) -> None:
    asked: list[int] = []

    @contextmanager
    def third_time() -> Iterator[tuple[int, ...]]:
        asked.append(1)
        if len(asked) < 3:
            raise NotYet
        yield ()

    with Family([ChildSpec("a", SLEEP, prepare=third_time)]) as family:
        until(family.pids)

    assert len(asked) == 3


def test_a_child_gets_the_environment_input_and_output_it_was_given(tmp_path: Path) -> None:
    echo = "import os, sys; print(os.environ['WORD'], sys.stdin.read())"
    spec = ChildSpec(
        "a", python(echo), {"WORD": "chào"}, stdin=b"hello", output=tmp_path / "output"
    )

    with Family([spec]) as family:
        code = family.wait()

    assert code == 0
    assert (tmp_path / "output").read_text() == "chào hello\n"


def test_children_share_our_process_group_unless_they_ask_for_their_own() -> None:
    with Family([ChildSpec("a", SLEEP), ChildSpec("b", SLEEP, own_group=True)]) as family:
        pids = family.pids()

        assert os.getpgid(pids["a"]) == os.getpgid(0)
        assert os.getpgid(pids["b"]) == pids["b"]


def test_a_child_that_will_not_stop_is_killed_after_its_time(tmp_path: Path) -> None:
    deaf = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(tmp_path / 'deaf')!r}).touch(); time.sleep(60)"
    )
    heard: list[ChildEvent] = []

    with Family([ChildSpec("a", python(deaf), stop_seconds=0.1)], heard=heard.append):
        until((tmp_path / "deaf").exists)

    assert heard[-1].code == 128 + signal.SIGKILL


def test_children_outlive_the_thread_that_asked_for_them() -> None:
    family = Family([ChildSpec("a", SLEEP)])
    passing = threading.Thread(target=family.start)
    passing.start()
    passing.join()
    until(lambda: not any(thread is passing for thread in threading.enumerate()))
    seen_again = ChildSpec("b", python("pass"))

    with Family([seen_again]) as other:
        other.wait()  # long enough for the kernel to have sent a signal

    assert alive(family.pids()["a"])
    family.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_polite_signal_stops_every_child_and_counts_as_success(
    tmp_path: Path, number: signal.Signals
) -> None:
    with supervisor(tmp_path, TWO_CHILDREN) as (program, children):
        until(lambda: caught_by(program.pid) >> (signal.SIGHUP - 1) & 1)
        program.send_signal(number)
        code = program.wait(PATIENCE_SECONDS)

    assert code == 0
    assert not any(map(alive, children))


def test_a_program_that_leaves_politely_leaves_every_with_block(tmp_path: Path) -> None:
    body = """
from ops.embedded.signals import leave_politely
import time
with leave_politely(), Family([ChildSpec("a", ("/bin/sleep", "60"))]) as family:
    try:
        print(*family.pids().values(), flush=True)
        time.sleep(60)
    finally:
        (here / "left").touch()
"""
    with supervisor(tmp_path, body) as (program, children):
        program.terminate()
        code = program.wait(PATIENCE_SECONDS)

    assert code == 128 + signal.SIGTERM
    assert (tmp_path / "left").exists()
    assert not any(map(alive, children))


def test_no_child_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with supervisor(tmp_path, TWO_CHILDREN) as (program, children):
        assert len(children) == 2
        program.kill()

        until(lambda: not any(map(alive, children)))

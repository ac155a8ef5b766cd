"""PostgreSQL and Valkey on a state folder: started, killed, refused, restarted; as any user."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
import redis

from ops.embedded import leftovers, programs, servers
from ops.embedded.children import NotYet
from ops.embedded.errors import AlreadyRunning, StartError
from ops.embedded.folder import StateFolder

ROOT = Path(__file__).parents[2]
PACKAGES = Path(psycopg.__file__).parents[1]
PATIENCE_SECONDS = 60
CLOSED = 0o700

pytestmark = pytest.mark.slow


def runs_as(user: str, python: str) -> bool:
    probe = subprocess.run([python, "-c", "import ssl"], user=user, check=False, cwd="/")
    return probe.returncode == 0


@cache
def python_for(user: str) -> str | None:
    """A Python of our version that the user can reach; ours may lie in root's own folder."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [sys.executable, *(f"{folder}/{name}" for folder in ("/usr/local/bin", "/usr/bin"))]
    for python in found:
        try:
            if runs_as(user, python):
                return python
        except OSError:
            continue
    return None


# Who runs the supervisor: None is ourselves. An ordinary user cannot become another one.
USERS = [None, "nobody"] if os.geteuid() == 0 and python_for("nobody") else [None]

SUPERVISOR = """
import json, sys
from pathlib import Path
from ops.embedded import servers
from payments.domain.errors import DomainError
try:
    running = servers.start(Path(sys.argv[1]))
except DomainError as error:
    sys.exit(f"{type(error).__name__}: {error.en}")
with running:
    urls = {name: getattr(running.urls, name) for name in running.urls.__slots__}
    print(json.dumps({"urls": urls, "pids": running.pids()}), flush=True)
    sys.stdin.readline()
"""


class Supervisor:
    """A program of its own that holds the servers of a folder."""

    def __init__(self, folder: Path, user: str | None = None) -> None:
        python = (python_for(user) if user else None) or sys.executable
        self.program = subprocess.Popen(
            [python, "-c", SUPERVISOR, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"},
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        assert self.program.stdout
        said = self.program.stdout.readline()
        self.facts = json.loads(said) if said else {"urls": {}, "pids": {}}
        self.urls: dict[str, str] = self.facts["urls"]
        self.pids: dict[str, int] = self.facts["pids"]

    def stop(self) -> str:
        """Ask it to stop; what it had to complain about."""
        return self.program.communicate("\n", PATIENCE_SECONDS)[1]

    def kill(self) -> None:
        self.program.kill()
        self.program.communicate()


@contextmanager
def supervised(folder: Path, user: str | None = None) -> Iterator[Supervisor]:
    supervisor = Supervisor(folder, user)
    try:
        assert supervisor.urls, supervisor.stop()
        yield supervisor
    finally:
        if supervisor.program.poll() is None:
            supervisor.stop()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can pass through (pytest's own is closed to others)."""
    made = Path(tempfile.mkdtemp(prefix="thuphi-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def state_folder(place: Path, user: str | None) -> Path:
    folder = place / "thư mục dữ liệu"
    folder.mkdir(mode=0o700)
    if user:
        shutil.chown(folder, user)
    return folder


def until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.02)


def processes_in(folder: Path) -> list[int]:
    """Processes that work below the folder: PostgreSQL with its backends, and Valkey."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def remember(urls: dict[str, str], word: str) -> None:
    with psycopg.connect(urls["owner"]) as db:
        db.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        db.execute("INSERT INTO memory VALUES (%s)", [word])
    with redis.Redis.from_url(urls["redis"]) as valkey:
        valkey.rpush("memory", word)


def remembered(urls: dict[str, str]) -> tuple[list[str], list[str]]:
    with psycopg.connect(urls["owner"]) as db:
        rows = [str(word) for (word,) in db.execute("SELECT word FROM memory ORDER BY ctid")]
    with redis.Redis.from_url(urls["redis"], decode_responses=True) as valkey:
        return rows, [str(word) for word in valkey.lrange("memory", 0, -1)]


@pytest.mark.parametrize("user", USERS)
def test_what_was_written_is_there_after_a_stop_on_the_same_ports(
    place: Path, user: str | None
) -> None:
    folder = state_folder(place, user)
    with supervised(folder, user) as first:
        remember(first.urls, "một")
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in first.pids.values()}

    with supervised(folder, user) as second:
        kept = remembered(second.urls)

    assert kept == (["một"], ["một"])
    assert second.urls == first.urls
    assert 0 not in owners
    assert processes_in(folder) == []


@pytest.mark.parametrize("user", USERS)
def test_a_killed_supervisor_leaves_no_server_and_the_data_survive(
    place: Path, user: str | None
) -> None:
    folder = state_folder(place, user)
    with supervised(folder, user) as first:
        remember(first.urls, "một")
        assert len(processes_in(folder)) >= 2
        first.kill()

        until(lambda: not processes_in(folder))

    with supervised(folder, user) as second:
        assert remembered(second.urls) == (["một"], ["một"])
        second.kill()

    # At once, while the servers of the killed one may still be ending.
    with supervised(folder, user) as third:
        assert remembered(third.urls) == (["một"], ["một"])


def test_a_stale_pid_file_neither_stops_a_start_nor_harms_the_process_it_names(
    place: Path,
) -> None:
    folder = place / "state"
    with servers.start(folder):
        pid_file = folder / "postgres" / "data" / "postmaster.pid"
        said = pid_file.read_text()
        owner = pid_file.stat()
    # Of the same user, because PostgreSQL overlooks the processes of others by itself.
    ids = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["/bin/sleep", "60"], **ids)  # type: ignore[call-overload]  # ids are user and group
    try:
        pid_file.write_text(said.replace(said.split()[0], str(stranger.pid), 1))
        os.chown(pid_file, owner.st_uid, owner.st_gid)

        with servers.start(folder) as running:
            psycopg.connect(running.app_url).close()

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.fixture(scope="module")
def cluster() -> Iterator[servers.Servers]:
    """One pair of servers for the tests that leave it as good as new."""
    folder = Path(tempfile.mkdtemp(prefix="thuphi-test-"))
    with servers.start(folder) as running:
        yield running
    shutil.rmtree(folder)


def test_root_may_start_the_servers_of_another_user_who_goes_on_with_them(place: Path) -> None:
    user = USERS[-1]
    folder = state_folder(place, user)
    with servers.start(folder) as ours:
        urls = {"owner": ours.owner_url, "redis": ours.redis_url}
        remember(urls, "một")

    with supervised(folder, user) as theirs:
        assert remembered(theirs.urls) == (["một"], ["một"])


def test_a_second_instance_is_refused_and_told_who_runs(cluster: servers.Servers) -> None:
    second = Supervisor(cluster.folder)

    complaint = second.stop()

    assert complaint.startswith("AlreadyRunning: Thuphi is already running on the folder ")
    assert f"(process {os.getpid()})" in complaint
    with pytest.raises(AlreadyRunning, match="already running"):
        servers.start(cluster.folder)


def test_other_commands_find_the_servers_that_run(cluster: servers.Servers, place: Path) -> None:
    assert servers.running(cluster.folder) == cluster.urls
    assert servers.running(place) is None


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_a_killed_server_comes_back_with_its_port_its_password_and_its_data(
    cluster: servers.Servers, server: str
) -> None:
    urls = {"owner": cluster.owner_url, "redis": cluster.redis_url}
    remember(urls, server)
    before, restarts = remembered(urls), cluster.restarts()[server]

    os.kill(cluster.pids()[server], signal.SIGKILL)
    until(lambda: cluster.restarts()[server] == restarts + 1)
    cluster.wait_ready()

    assert remembered(urls) == before
    assert server in before[0]
    assert server in before[1]


def port_in(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def test_what_outlives_a_killed_server_is_found_by_its_lock_and_ended(place: Path) -> None:
    folder = StateFolder.take(place / "state")
    with folder.alone("postgres") as inherited:
        busy = subprocess.Popen(["/bin/sleep", "60"], pass_fds=inherited)
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        with pytest.raises(NotYet), folder.alone("postgres"):
            pass

        ended = leftovers.end(folder.path / "postgres.lock")

        assert ended == [busy.pid]
        assert busy.wait() == -signal.SIGKILL
        with folder.alone("postgres") as inherited:
            assert inherited
        assert stranger.poll() is None
    finally:
        for process in (busy, stranger):
            process.kill()
            process.wait()
        folder.release()


def test_a_port_that_somebody_took_meanwhile_is_changed(place: Path) -> None:
    with servers.start(place / "state") as first:
        urls = first.urls
    somebody = socket.create_server(("127.0.0.1", port_in(urls.app)))
    with somebody, servers.start(place / "state") as second:
        psycopg.connect(second.app_url).close()

        assert second.app_url != urls.app
        assert second.redis_url == urls.redis


def test_programs_in_a_closed_folder_are_used_all_the_same(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=CLOSED)
    bundled = programs.find(None).postgres.parent.parent
    shutil.copytree(bundled, closed / "pg", ignore=programs.NOT_COPIED)

    with servers.throwaway(place, pg_bin=closed / "pg" / "bin") as running:
        psycopg.connect(running.app_url).close()
        program = Path(os.readlink(f"/proc/{running.pids()['postgres']}/exe"))

    expected = running.folder / "programs" if os.geteuid() == 0 else closed
    assert program.is_relative_to(expected)
    assert closed.stat().st_mode & 0o777 == CLOSED


def test_a_folder_that_cannot_be_used_is_named_and_left_as_it_is(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=CLOSED if os.geteuid() == 0 else 0o500)
    before = closed.stat().st_mode

    with pytest.raises(StartError, match="closed") as refusal:
        servers.start(closed / "state")

    expected = "chmod o+x" if os.geteuid() == 0 else "permission to read and write"
    assert expected in refusal.value.en
    assert "THUPHI_HOME" in refusal.value.vi
    assert closed.stat().st_mode == before


def test_missing_programs_are_named(place: Path) -> None:
    with pytest.raises(StartError, match=f"{place}/initdb is missing: set THUPHI_PG_BIN"):
        servers.start(place / "state", pg_bin=place)


def test_data_of_another_major_version_damaged_data_and_lost_passwords_are_refused(
    place: Path,
) -> None:
    folder = place / "state"
    servers.start(folder).stop()
    data = folder / "postgres" / "data"

    (data / "global" / "pg_control").rename(data / "global" / "elsewhere")
    with pytest.raises(StartError, match=r"did not start; .*pg_control") as damaged:
        servers.start(folder)
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(StartError, match="are of PostgreSQL 16, the program is PostgreSQL 17"):
        servers.start(folder)
    (folder / "passwords.json").unlink()
    with pytest.raises(StartError, match=r"passwords\.json is missing or damaged"):
        servers.start(folder)

    assert damaged.value.log
    assert "\n" not in damaged.value.en
    assert processes_in(folder) == []


def test_throwaway_servers_leave_nothing(place: Path) -> None:
    with servers.throwaway(place) as running:
        folder = running.folder
        remember({"owner": running.owner_url, "redis": running.redis_url}, "một")
        os.kill(running.pids()["postgres"], signal.SIGKILL)

    assert list(place.iterdir()) == []
    assert processes_in(folder) == []

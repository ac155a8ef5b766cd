"""Who gets in: passwords, roles and addresses of servers that run."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.embedded import servers


@pytest.fixture(scope="module")
def cluster() -> Iterator[servers.Servers]:
    """One pair of servers for all tests here, which leave it as good as new."""
    with servers.throwaway() as running:
        yield running


def port_in(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_right_password(cluster: servers.Servers, password: str) -> None:
    once = Retry(NoBackoff(), 0)

    for login in ("postgres", "thuphi_owner", "thuphi_app", "thuphi_system"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host="127.0.0.1",
                port=port_in(cluster.app_url),
                user=login,
                password=password,
                dbname="thuphi",
            )
    stranger = redis.Redis(port=port_in(cluster.redis_url), password=password or None, retry=once)
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_passwords_are_kept_as_scram_and_readable_by_the_owner_alone(
    cluster: servers.Servers,
) -> None:
    with psycopg.connect(cluster.admin_url) as db:
        kept = db.execute("SELECT rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()

    file = cluster.folder / "passwords.json"
    passwords = json.loads(file.read_text()).values()
    written = [*(cluster.folder / "logs").iterdir(), cluster.folder / "pg_hba.conf"]

    assert [row[0].split("$")[0] for row in kept] == ["SCRAM-SHA-256"] * 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [word for path in written for word in passwords if word in path.read_text()]


def listeners(pids: list[int]) -> set[str]:
    """The addresses on which these processes listen, as the kernel writes them."""
    inodes = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            inodes.add(os.readlink(file).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            cells = row.split()
            if cells[9] in inodes and (cells[3] == "0A" or table.startswith("udp")):
                found.add(cells[1].partition(":")[0])
    for row in Path("/proc/net/unix").read_text().splitlines()[1:]:
        cells = row.split()
        if cells[6] in inodes and len(cells) > 7:
            found.add(cells[7])
    return found


def test_the_servers_listen_on_this_machine_alone_and_on_no_unix_socket(
    cluster: servers.Servers,
) -> None:
    this_machine = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), sys.byteorder):08X}"

    assert listeners(list(cluster.pids().values())) == {this_machine}


def test_the_three_roles_have_no_power_over_the_cluster(cluster: servers.Servers) -> None:
    with psycopg.connect(cluster.admin_url) as db:
        roles = db.execute(
            "SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication "
            "OR rolbypassrls FROM pg_roles WHERE rolname LIKE 'thuphi%' ORDER BY 1"
        ).fetchall()
        owner = db.execute(
            "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database "
            "WHERE datname = 'thuphi'"
        ).fetchone()
        settings = db.execute(
            "SELECT current_setting('TimeZone'), current_setting('data_checksums')"
        ).fetchone()

    assert roles == [("thuphi_app", False), ("thuphi_owner", False), ("thuphi_system", False)]
    assert owner == ("thuphi_owner", "UTF8")
    assert settings == ("UTC", "on")
    with psycopg.connect(cluster.app_url) as db:
        db.execute("CREATE TEMPORARY TABLE scratch (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("CREATE TABLE public.mine (n int)")

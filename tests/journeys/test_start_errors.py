"""What keeps a process from starting is one line that says what to do, in both languages, and 2.

Everything here is a real process on real servers; tests/journeys/test_ops_commands.py has the
database that is away, tests/unit/ops/test_ops_config.py the settings that cannot be read.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from ops.embedded import ports
from tests.databases import House
from tests.dealing import dealt
from tests.serving import a_home

PROJECT = Path(__file__).resolve().parent.parent.parent
KEYS = {
    "THUPHI_KEY_RING": "k1:" + "A" * 43 + "=",
    "THUPHI_SEALING_KEY": "B" * 42 + "A=",
    "THUPHI_WEB_SECRET": "x" * 32,
}
SECONDS = 60

pytestmark = pytest.mark.slow

LANGUAGES = ("vi_VN.UTF-8", "en_US.UTF-8")
both_languages = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture
def home() -> Iterator[Path]:
    with a_home() as made:
        yield made


def on(house: House, home: Path) -> dict[str, str]:
    return KEYS | {
        "DATABASE_URL": house.app_url,
        "THUPHI_SYSTEM_URL": house.system_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "THUPHI_HOME": str(home),
        "THUPHI_PORT": str(ports.choose(None)),
    }


def refusal(*arguments: str, lang: str, env: dict[str, str]) -> str:
    """The one line that a process which cannot start says; fails if it is anything else."""
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": lang} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    told = done.stderr.splitlines()
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    # A log line may come before it, such as that a server was stopped; people read the last.
    said = told[-1]
    assert said.startswith("thuphi: ")
    is_vietnamese = re.search(r"[ăâđêôơưàáạảãèéẹẻẽìíịỉĩòóọỏõùúụủũỳýỵỷỹ]", said) is not None
    assert is_vietnamese is lang.startswith("vi"), said
    return said


def with_password(url: str, password: str) -> str:
    return re.sub(r"//([^:]+):[^@]+@", rf"//\1:{password}@", url)


@pytest.mark.parametrize(("command", "lang"), dealt(["web", "worker"], LANGUAGES))
def test_a_wrong_password_is_named_and_never_shown(
    house: House, home: Path, command: str, lang: str
) -> None:
    told = on(house, home) | {"DATABASE_URL": with_password(house.app_url, "sai-mat-khau")}

    said = refusal(command, lang=lang, env=told)

    assert "DATABASE_URL" in said
    assert "password authentication failed" in said
    assert "sai-mat-khau" not in said


@pytest.mark.parametrize(
    ("command", "variable", "lang"),
    [("web", "DATABASE_URL", LANGUAGES[0]), ("relay", "THUPHI_SYSTEM_URL", LANGUAGES[1])],
)
def test_a_database_that_was_never_migrated_says_how(
    house: House, home: Path, command: str, variable: str, lang: str
) -> None:
    empty = f"{house.name}_empty_{secrets.token_hex(4)}"
    house.admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(empty)))
    role = "app" if variable == "DATABASE_URL" else "system"
    url = getattr(house, f"{role}_url").replace(f"/{house.name}", f"/{empty}")

    said = refusal(command, lang=lang, env=on(house, home) | {variable: url})

    assert "`thuphi migrate`" in said


@pytest.mark.parametrize(("role", "lang"), dealt(["owner", "admin"], LANGUAGES))
def test_the_web_never_starts_as_somebody_who_could_see_every_biller(
    house: House, home: Path, role: str, lang: str
) -> None:
    told = on(house, home) | {"DATABASE_URL": getattr(house, f"{role}_url")}

    said = refusal("web", lang=lang, env=told)

    assert "DATABASE_URL" in said
    assert "thuphi_app" in said


@both_languages
def test_a_port_that_is_taken_is_named(house: House, home: Path, lang: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = str(somebody.getsockname()[1])

        said = refusal("web", lang=lang, env=on(house, home) | {"THUPHI_PORT": port})

    assert port in said
    assert "THUPHI_PORT" in said


@both_languages
def test_an_address_that_is_not_this_machines_is_named(house: House, home: Path, lang: str) -> None:
    said = refusal("web", lang=lang, env=on(house, home) | {"THUPHI_HOST": "203.0.113.1"})

    assert "THUPHI_HOST" in said


@both_languages
def test_a_home_that_cannot_be_written_is_named(lang: str) -> None:
    said = refusal("serve", lang=lang, env={"THUPHI_HOME": "/sys/thuphi"})

    assert "/sys/thuphi" in said
    assert "THUPHI_HOME" in said


@contextmanager
def a_small_disk(megabytes: int) -> Iterator[Path]:
    with a_home() as place:
        place.mkdir(mode=0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(place)]
        subprocess.run(mount, check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
@both_languages
def test_a_disk_without_room_is_said_before_anything_is_written(lang: str) -> None:
    with a_small_disk(16) as disk:
        said = refusal("serve", lang=lang, env={"THUPHI_HOME": str(disk / "home")})

        assert str(disk / "home") in said
        assert not (disk / "home" / "postgres").exists()


@both_languages
def test_a_key_file_that_others_can_read_is_refused(home: Path, lang: str) -> None:
    home.mkdir()
    (home / "secrets.json").write_text("{}")
    (home / "secrets.json").chmod(0o644)

    said = refusal("serve", lang=lang, env={"THUPHI_HOME": str(home)})

    assert f"chmod 600 {home}/secrets.json" in said

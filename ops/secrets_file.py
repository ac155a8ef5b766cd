"""The keys of an installation that keeps them in a file instead of the environment.

    {"key_ring": "k1:…", "sealing_key": "…", "web_secret": "…"}

Only its owner may read it. Beside embedded servers it is made on the first start; elsewhere an
administrator writes it. Whoever loses it loses the personal fields in every backup.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ops.errors import StartError

NAMES: Final = ("key_ring", "sealing_key", "web_secret")


def read(path: Path) -> Mapping[str, str]:
    """What the file holds, empty if there is none. Raises StartError if it is open to others."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {}
    except OSError as refusal:
        raise StartError(
            f"Không đọc được tệp khóa {path} ({refusal.strerror})",
            f"Cannot read the key file {path} ({refusal.strerror})",
        ) from None
    with os.fdopen(file, encoding="utf-8") as opened:
        if stat.S_IMODE(os.fstat(file).st_mode) & 0o077:
            raise StartError(
                f"Tệp khóa {path} cho người khác đọc: hãy chạy `chmod 600 {path}`",
                f"The key file {path} is open to others: run `chmod 600 {path}`",
            )
        return _checked(opened.read(), path)


def read_or_make(path: Path) -> Mapping[str, str]:
    """What the file holds; fresh keys are made and kept when there is none."""
    if found := read(path):
        return found
    made = {
        "key_ring": f"k1:{_random()}",
        "sealing_key": _random(),
        "web_secret": _random(),
    }
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of ours was quicker
        return read(path)
    except OSError as refusal:
        raise StartError(
            f"Không ghi được tệp khóa {path} ({refusal.strerror})",
            f"Cannot write the key file {path} ({refusal.strerror})",
        ) from None
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        json.dump(made, opened, indent=2)
        opened.flush()
        os.fsync(file)
    return made


def _checked(written: str, path: Path) -> Mapping[str, str]:
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    if not isinstance(found, dict) or any(not isinstance(found.get(n, ""), str) for n in NAMES):
        raise StartError(
            f"Tệp khóa {path} không phải JSON với các trường {', '.join(NAMES)}",
            f"The key file {path} is not JSON with the fields {', '.join(NAMES)}",
        )
    return {name: found[name] for name in NAMES if name in found}


def _random() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()

"""Addresses of a gateway: what the installation says, or the provider's own.

They belong to the installation and not to a biller's settings: whoever may enter credentials
must not be able to send our calls to a machine of their choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_OURSELVES = ("127.0.0.1", "localhost", "::1")


def read(told: Mapping[str, str], usual: Mapping[str, str]) -> dict[str, str]:
    """Variable -> address without a slash at its end. usual: variable -> the provider's own.

    Raises ValueError that names the variable, for what is no https address (http only for this
    machine, where the simulator is).
    """
    found = {name: told.get(name, "").strip() or address for name, address in usual.items()}
    for name, address in found.items():
        parts = urlsplit(address)
        plain = parts.scheme == "http" and parts.hostname in _OURSELVES
        if not (plain or parts.scheme == "https") or not parts.hostname:
            raise ValueError(f"{name} must be an address like https://gateway.example.vn/path")
        if parts.query or parts.fragment or not re.fullmatch(r"[\x21-\x7e]+", address):
            raise ValueError(f"{name} must be an address without ? and #")
    return {name: address.rstrip("/") for name, address in found.items()}

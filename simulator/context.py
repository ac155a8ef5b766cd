"""All that a running simulator holds open, and how its doors reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request

from simulator.accounts import Defaults
from simulator.clock import Clock
from simulator.courier import Courier
from simulator.errors import Refused
from simulator.store import Store

KEY = "simulator"


@dataclass(frozen=True, slots=True)
class Running:
    """The open parts. defaults: what a hook gets when it does not say."""

    store: Store
    clock: Clock
    courier: Courier
    defaults: Defaults


def running() -> Running:
    """The simulator of this app."""
    found: Running = current_app.extensions[KEY]
    return found


def asked() -> Any:
    """The JSON of the request. Raises Refused when it is none."""
    body = request.get_json(force=True, silent=True)
    if body is None:
        raise Refused("Cần nội dung JSON", "A JSON body is needed", status=400)
    return body

"""`thuphi relay`."""

from __future__ import annotations

from ops import checks, relay
from ops.commands.process import working


def command() -> None:
    """Wake the workers whenever something is due. Any number may run.

    Example: thuphi relay
    """
    with working() as (runtime, stop):
        checks.require_system(runtime.system.engine)
        relay.run(runtime, stop)

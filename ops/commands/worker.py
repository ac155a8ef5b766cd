"""`thuphi worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.process import working


def command(
    burst: Annotated[bool, typer.Option("--burst", help="End when the queues are empty.")] = False,
    queue: Annotated[
        list[str] | None, typer.Option(help="Only this queue; may be given twice.")
    ] = None,
) -> None:
    """Do the work that the relay and the schedule ask for. Run as many as there are cores.

    Example: thuphi worker --queue thuphi-quick
    """
    from ops import queues, worker  # noqa: PLC0415  # `thuphi worker --help` needs neither

    unknown = set(queue or ()) - set(queues.ORDER)
    if unknown:
        raise typer.BadParameter(f"queues are {', '.join(queues.ORDER)}", param_hint="--queue")
    with working() as (runtime, stop):
        worker.run(runtime, burst=burst, only=tuple(queue or queues.ORDER), stop=stop)

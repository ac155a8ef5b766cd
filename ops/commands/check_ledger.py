"""`thuphi check-ledger`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from ops.check_ledger import Outcome, check
from ops.commands.process import working
from ops.commands.speaking import give, say, watched
from ops.runtime import Runtime


def command(
    as_json: Annotated[bool, typer.Option("--json", help="One object a check.")] = False,
) -> None:
    """Prove the ledger: every account, counter and seal recomputed from the transfers.

    Ends with 1 on the first difference. Example: thuphi check-ledger
    """
    with working() as (runtime, _):
        holds = proved(runtime, as_json=as_json)
    sys.exit(0 if holds else 1)


def proved(runtime: Runtime, *, as_json: bool) -> bool:
    """Run the checks, print each outcome, and stop at the first difference."""
    for outcome in _checked(runtime):
        difference = outcome.difference
        if as_json:
            told = None if difference is None else asdict(difference)
            give({"check": outcome.check, "difference": told}, as_json=True)
        elif difference is None:
            sys.stdout.write(f"ok    {outcome.check}\n")
        else:
            sys.stdout.write(
                f"WRONG {outcome.check}: {difference.biller} {difference.subject}: "
                f"{difference.expected} != {difference.found}\n"
            )
        if difference is not None:
            say("Sổ cái không khớp", "The ledger does not add up")
            return False
    return True


def _checked(runtime: Runtime) -> Iterator[Outcome]:
    def watch(names: Iterable[str], count: int) -> Iterable[str]:
        return watched(names, what="check-ledger", total=count)

    return check(runtime.system, keys=runtime.ring.believed(), watch=watch)

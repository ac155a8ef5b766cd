"""`thuphi verify-receipt`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops import verify_receipt
from ops.commands.process import working
from ops.config import Config, language
from ops.runtime import Runtime
from ops.verify_receipt import Verdict


def command(
    receipt: Annotated[str, typer.Argument(help="A receipt file, or the code printed on it.")],
    public_key: Annotated[
        list[str] | None,
        typer.Option(help="The issuer's key in hexadecimal; without it, this installation's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Test whether a receipt is genuine: its signature, its content, its place in a seal.

    A file needs no database. Ends with 1 if a test fails.
    Example: thuphi verify-receipt receipt.json --public-key 3b6a…
    """
    path = Path(receipt)
    verdict = _of_file(path, public_key or []) if path.is_file() else _of_code(receipt)
    _print(verdict, as_json=as_json)
    sys.exit(0 if verdict.genuine else 1)


def _of_file(path: Path, given: list[str]) -> Verdict:
    keys = [verify_receipt.public_key(key) for key in given]
    if not keys:
        config = Config.from_env()
        keys = list(Runtime(config).ring.believed()) if config.key_ring else []
    return verify_receipt.of_file(path, keys=keys)


def _of_code(code: str) -> Verdict:
    with working() as (runtime, _):
        return verify_receipt.of_code(runtime.sessions, code)


def _print(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(verdict.as_json(), ensure_ascii=False) + "\n")
        return
    words = {True: "ok   ", False: "WRONG", None: "-    "}
    for one in verdict.findings:
        sys.stdout.write(f"{words[one.ok]} {one.vi if language() == 'vi' else one.en}\n")

"""`python -m simulator --port 8100 --data DIR`: open the bank and keep it open."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from werkzeug.serving import make_server

from simulator.accounts import Defaults
from simulator.app import create_app
from simulator.clock import Clock
from simulator.context import Running
from simulator.courier import Courier
from simulator.errors import Refused
from simulator.store import Store


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Exit codes: 0 asked to stop, 1 cannot start, 2 wrong use."""
    told = _arguments(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no line for every request
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        store = Store(told.data, seed=told.seed)
    except (Refused, OSError) as error:
        said = f"{error.vi}\n{error.en}" if isinstance(error, Refused) else str(error)
        print(said, file=sys.stderr)  # noqa: T201  # a command says why it does not start
        return 1
    clock = Clock(store, told.clock_file)
    courier = Courier(store, clock)
    running = Running(store, clock, courier, Defaults(told.speed, told.timeout))
    try:
        server = make_server(told.host, told.port, create_app(running), threaded=True)
    except (OSError, SystemExit) as error:  # werkzeug exits where a port is taken
        print(f"{told.host}:{told.port}: {error}", file=sys.stderr)  # noqa: T201  # as above
        return 1
    courier.start()
    where = f"http://{told.host}:{server.server_port}/"
    print(f"simulator: {where} data={told.data}", flush=True)  # noqa: T201  # tests read the port
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        return 0
    finally:
        courier.stop()
        server.server_close()
        store.close()
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A pretend bank and pretend gateways that misbehave on request.",
        epilog="Example: python -m simulator --port 8100 --data /tmp/bank --speed 60 --seed 1",
    )
    add = parser.add_argument
    add("--port", type=int, default=8100, help="0 takes a free one and prints it")
    add("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    add("--data", type=Path, default=_home(), help="folder of its state (default: %(default)s)")
    add("--clock-file", type=Path, default=_shared_clock(), help="offset shared with others")
    add("--speed", type=_positive, default=1.0, help="repeat calls this many times faster")
    add("--timeout", type=_positive, default=30.0, help="seconds until a call counts as failed")
    add("--seed", type=int, help="the same seed and the same asks give the same data")
    return parser.parse_args(argv)


def _home() -> Path:
    """Beside the installation's own state, where that is named."""
    home = os.environ.get("THUPHI_HOME")
    return Path(home) / "simulator" if home else Path.home() / ".local/share/thuphi-simulator"


def _shared_clock() -> Path | None:
    named = os.environ.get("THUPHI_CLOCK_FILE")
    return Path(named) if named else None


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100_000:
        raise argparse.ArgumentTypeError("must be above 0 and at most 100000")
    return value


if __name__ == "__main__":
    sys.exit(main())

"""A process of the town that a test can kill: its web, or a worker at one drain.

    python town_process.py web PORT | lookups | refunds | deliver

It works with the town's database, gateways and clock, as its environment names them.
"""

from __future__ import annotations

import sys

from werkzeug.serving import make_server

from ops import jobs
from ops.config import Config
from ops.runtime import Runtime
from web.app import create_app


def main(what: str, *arguments: str) -> None:
    """Do it, once."""
    runtime = Runtime(Config.from_env())
    if what == "web":
        make_server(
            "127.0.0.1", int(arguments[0]), create_app(runtime), threaded=True
        ).serve_forever()
    jobs.use(runtime)
    if what == "deliver":
        jobs.deliver()
    else:
        jobs.drain_calls(what)


if __name__ == "__main__":
    main(*sys.argv[1:])

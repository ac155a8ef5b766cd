"""A relay or a worker as a process of its own, with one handler of the test's: it writes a line
for every message it handles, in the transaction that marks the message done.

    python relay_program.py relay|worker SLOW_MILLISECONDS
"""

from __future__ import annotations

import sys
import threading
import time

from sqlalchemy import text
from sqlalchemy.orm import Session

from ops import jobs, logs, relay, worker
from ops.config import Config
from ops.embedded.signals import caught
from ops.runtime import Runtime
from payments.domain import ids
from payments.outbox import Claimed

POISON = "poison"


def main(what: str, slow_ms: int) -> None:
    """Run until SIGTERM."""

    def handle(runtime: Runtime, db: Session, message: Claimed) -> None:
        if message.body.get("kind") == POISON:
            raise ValueError("Nguyễn Văn Mẫu, 0000 000 001")
        db.execute(
            text("""INSERT INTO audit_line (id, biller_id, action, subject, at)
                    VALUES (:id, :biller, 'handled', :subject, :at)"""),
            {
                "id": ids.new(),
                "biller": message.biller_id,
                "subject": str(message.id),
                "at": runtime.clock.now(),
            },
        )
        time.sleep(slow_ms / 1000)

    jobs.SHORT["explain"] = handle
    config = Config.from_env()
    logs.configure(config.log_form, level=config.log_level)
    runtime, stop = Runtime(config), threading.Event()
    with caught(lambda _number: stop.set()):
        if what == "relay":
            relay.run(runtime, stop)
        else:
            worker.run(runtime, stop=stop)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

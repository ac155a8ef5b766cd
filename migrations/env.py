"""Runs the migrations as the owner, with limits so that a lock never blocks paying for long."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text


def _run(connection: Connection) -> None:
    # A migration that cannot get its lock in two seconds gives up and is tried again later.
    connection.execute(text("SET lock_timeout = '2s'"))
    connection.execute(text("SET statement_timeout = '10min'"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])

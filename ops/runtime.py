"""Runtime: everything a process holds open, made from one Config.

Connections open when they are first needed and are never shared across a fork: the child of a
gunicorn master or an RQ worker forgets what it inherited and opens its own.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Self

import redis
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from adapters import registry
from adapters.callbacks import Callbacks
from adapters.http import Client
from ops import checks, logs
from ops.clock import Clock, OffsetClock, SystemClock
from ops.config import Config
from ops.errors import StartError
from payments.domain.gateway import Gateway
from payments.key_ring import KeyRing
from payments.store.sessions import Sessions, SystemSessions
from webhooks.sender import Sender

_POOL = 5
_OVERFLOW = 10
_POOL_WAIT_SECONDS = 10
_CONNECT_SECONDS = 5
_STATEMENT_MS = 60_000
_REDIS_SECONDS = 5
_REST_SECONDS = 1.0


class Runtime:
    """What a process works with. Nothing is connected before it is used.

    config, clock: as told. Every other attribute is opened on its first use and raises
    StartError when the setting behind it is missing.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock: Clock = OffsetClock(config.clock_path) if config.clock_path else SystemClock()
        self._engines: list[Engine] = []
        _LIVE.add(self)

    @classmethod
    def for_web(cls, config: Config) -> Self:
        """The runtime of a web process, after the checks that keep a wrong one from starting.

        Raises StartError. Redis is not asked for: taking payments does not need it.
        """
        logs.configure(config.log_form, level=config.log_level)
        runtime = cls(config)
        config.need("web_secret")
        runtime.ring  # noqa: B018  # read now, so that a bad key is found before the first payer
        try:
            checks.require_application(runtime.sessions.engine)
        except StartError:
            runtime.close()
            raise
        return runtime

    @cached_property
    def sessions(self) -> Sessions:
        """Transactions as the application, one biller each."""
        return Sessions(self._engine("database_url"), ring=self.ring)

    @cached_property
    def system(self) -> SystemSessions:
        """Transactions across billers, for relay, sealer and schedule."""
        ring = self.ring if self.config.key_ring else None  # the relay needs none
        return SystemSessions(self._engine("system_url"), ring=ring)

    @cached_property
    def owner(self) -> Engine:
        """The owner of the tables, for migrations."""
        return self._engine("owner_url")

    @cached_property
    def ring(self) -> KeyRing:
        """The keys that open personal fields, and the one that signs."""
        try:
            return KeyRing.read(self.config.need("key_ring"), signing=self.config.sealing_key)
        except ValueError as wrong:  # names the pair, never shows a key
            raise StartError(
                f"THUPHI_KEY_RING hoặc THUPHI_SEALING_KEY không dùng được ({wrong}). Tạo khóa "
                "mới: openssl rand -base64 32",
                f"THUPHI_KEY_RING or THUPHI_SEALING_KEY cannot be used ({wrong}). Make a key: "
                "openssl rand -base64 32",
            ) from None

    @cached_property
    def gateways(self) -> Mapping[str, Gateway]:
        """Ways to pay that are asked over the network, by name."""
        try:
            return registry.gateways(self.config.gateways, Client())
        except ValueError as wrong:  # names the variable
            raise StartError(
                f"Địa chỉ cổng thanh toán không dùng được: {wrong}",
                f"The address of a gateway cannot be used: {wrong}",
            ) from None

    @cached_property
    def sender(self) -> Sender:
        """What calls billers' systems."""
        return Callbacks(anywhere=self.config.callbacks_anywhere)

    @cached_property
    def redis(self) -> redis.Redis:
        """The queue's server. Connects on the first command, which may raise RedisError."""
        return redis.Redis.from_url(
            self.config.need("redis_url"), socket_connect_timeout=_REDIS_SECONDS
        )

    def close(self) -> None:
        """Close every connection; each opens again if it is used again."""
        for engine in self._engines:
            engine.dispose()
        if "redis" in self.__dict__:
            self.redis.close()

    def forget_inherited(self) -> None:
        """Leave the parent's connections to the parent; called in every forked child."""
        for engine in self._engines:
            engine.dispose(close=False)
        # redis-py looks at the pid by itself.

    def _engine(self, setting: str) -> Engine:
        engine = create_engine(
            self.config.need(setting),
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=_POOL_WAIT_SECONDS,
            hide_parameters=True,  # an error must not quote a memo or a name
            connect_args={
                "connect_timeout": _CONNECT_SECONDS,
                "options": f"-c statement_timeout={_STATEMENT_MS} -c timezone=UTC",
                "application_name": "thuphi",
            },
        )
        _ask_after_rest(engine)
        self._engines.append(engine)
        return engine


def _ask_after_rest(engine: Engine) -> None:
    """Ask a connection whether it still stands, but only after it has rested.

    One that was just used is as good as asked; asking each time would be a round trip in every
    request. Whatever breaks in between fails one transaction, which is told as such.
    """

    def put_back(_: object, record: ConnectionPoolEntry) -> None:
        record.info["rested"] = time.monotonic()

    def taken(
        connection: PoolProxiedConnection | DBAPIConnection, record: ConnectionPoolEntry, _: object
    ) -> None:
        if time.monotonic() - record.info.get("rested", time.monotonic()) < _REST_SECONDS:
            return
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute("SELECT 1")
            connection.rollback()
        except Exception as broken:
            # The pool drops this one and all that are older, and connects anew.
            raise DisconnectionError() from broken

    event.listen(engine, "checkin", put_back)
    event.listen(engine, "checkout", taken)


_LIVE: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _after_fork() -> None:
    for runtime in list(_LIVE):
        runtime.forget_inherited()


os.register_at_fork(after_in_child=_after_fork)

"""Config: everything an installation can be told, read once.

The only reader of the environment. Every field has its line in `.env.example` (a test compares
them). Fields that hold a password or a key stay out of every repr.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from ops import secrets_file
from ops.embedded.addresses import Urls
from ops.embedded.folder import usual_place
from ops.errors import StartError

T = TypeVar("T")

ENVIRONMENT: Final[Mapping[str, str]] = {
    "database_url": "DATABASE_URL",
    "owner_url": "THUPHI_OWNER_URL",
    "system_url": "THUPHI_SYSTEM_URL",
    "redis_url": "REDIS_URL",
    "home": "THUPHI_HOME",
    "pg_bin": "THUPHI_PG_BIN",
    "public_url": "THUPHI_PUBLIC_URL",
    "host": "THUPHI_HOST",
    "port": "THUPHI_PORT",
    "proxy_hops": "THUPHI_PROXY_HOPS",
    "web_processes": "THUPHI_WEB_PROCESSES",
    "web_threads": "THUPHI_WEB_THREADS",
    "workers": "THUPHI_WORKERS",
    "simulator_port": "THUPHI_SIMULATOR_PORT",
    "key_ring": "THUPHI_KEY_RING",
    "sealing_key": "THUPHI_SEALING_KEY",
    "web_secret": "THUPHI_WEB_SECRET",
    "secrets_path": "THUPHI_SECRETS_FILE",
    "demo": "THUPHI_DEMO",
    "clock_path": "THUPHI_CLOCK_FILE",
    "callbacks_anywhere": "THUPHI_CALLBACKS_ANYWHERE",
    "log_form": "THUPHI_LOG_FORMAT",
    "log_level": "THUPHI_LOG_LEVEL",
}
"""Field -> the variable it is read from."""

GATEWAY_PREFIX: Final = "THUPHI_GATEWAY_"
"""What begins so belongs to an adapter, which says what it takes and what is usual."""

PORT: Final = 8000
SIMULATOR_PORT: Final = 8100

_LOG_FORMS = ("auto", "json", "console")
_LOG_LEVELS = ("debug", "info", "warning", "error")
_YES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Config:
    """What an installation was told. The fields of `secrets_file` may come from that file."""

    database_url: str | None = field(repr=False)  # the role thuphi_app; None: embedded servers
    owner_url: str | None = field(repr=False)  # for migrations and backups only
    system_url: str | None = field(repr=False)  # relay, sealer, schedule, check-ledger
    redis_url: str | None = field(repr=False)
    home: Path  # state of the embedded servers, keys, demo clock
    pg_bin: Path | None
    public_url: str  # how payers and gateways reach us; no slash at the end
    host: str
    port: int
    proxy_hops: int  # trusted proxies in front of us; 0: addresses are as they come
    web_processes: int
    web_threads: int
    workers: int
    simulator_port: int
    key_ring: str | None = field(repr=False)  # "name:base64,name:base64", the last one seals
    sealing_key: str | None = field(repr=False)  # Ed25519 seed, base64
    web_secret: str | None = field(repr=False)  # signs cookies and form tokens
    secrets_path: Path
    demo: bool
    clock_path: Path | None  # None: the machine's time
    callbacks_anywhere: bool  # call billers' systems at private addresses and without TLS, too
    log_form: str
    log_level: str
    gateways: Mapping[str, str]  # variables of the adapters (adapters/registry.py), as they are set

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Config:
        """Read the environment. Raises StartError that names the variable and what it may hold."""
        told = _Told(os.environ if env is None else env)
        home = told.path("home") or usual_place(_data_home(told.env))
        secrets_path = told.path("secrets_path") or home / "secrets.json"
        kept = secrets_file.read(secrets_path)
        demo = told.value("demo", _yes_or_no, False)
        port = told.value("port", _whole(0, 65535), PORT)
        host = told.text("host") or "127.0.0.1"
        config = cls(
            database_url=told.value("database_url", _postgres_url, None),
            owner_url=told.value("owner_url", _postgres_url, None),
            system_url=told.value("system_url", _postgres_url, None),
            redis_url=told.value("redis_url", _redis_url, None),
            home=home,
            pg_bin=told.path("pg_bin"),
            public_url=told.value("public_url", _web_url, f"http://127.0.0.1:{port}"),
            host=host,
            port=port,
            proxy_hops=told.value("proxy_hops", _whole(0, 5), 0),
            web_processes=told.value("web_processes", _whole(1, 64), 2),
            web_threads=told.value("web_threads", _whole(1, 64), 4),
            workers=told.value("workers", _whole(1, 64), 3),
            simulator_port=told.value("simulator_port", _whole(1, 65535), SIMULATOR_PORT),
            key_ring=told.text("key_ring") or kept.get("key_ring"),
            sealing_key=told.text("sealing_key") or kept.get("sealing_key"),
            web_secret=told.value("web_secret", _long_enough, None) or kept.get("web_secret"),
            secrets_path=secrets_path,
            demo=demo,
            clock_path=told.path("clock_path") or (home / "clock.json" if demo else None),
            callbacks_anywhere=told.value("callbacks_anywhere", _yes_or_no, demo),
            log_form=told.value("log_form", _one_of(_LOG_FORMS), "auto"),
            log_level=told.value("log_level", _one_of(_LOG_LEVELS), "info"),
            gateways={
                name: value for name, value in told.env.items() if name.startswith(GATEWAY_PREFIX)
            },
        )
        config._refuse_half_embedded()
        return config

    @property
    def embedded(self) -> bool:
        """Whether PostgreSQL and Valkey are ours to run."""
        return self.database_url is None

    def on(self, urls: Urls) -> Config:
        """The same installation, on embedded servers that run."""
        return replace(
            self,
            database_url=_postgres_url(urls.app),
            owner_url=_postgres_url(urls.owner),
            system_url=_postgres_url(urls.system),
            redis_url=urls.redis,
        )

    def with_kept_keys(self) -> Config:
        """The same installation with the keys of its own file, which is made if it is missing."""
        kept = secrets_file.read_or_make(self.secrets_path)
        return replace(
            self,
            key_ring=self.key_ring or kept.get("key_ring"),
            sealing_key=self.sealing_key or kept.get("sealing_key"),
            web_secret=self.web_secret or kept.get("web_secret"),
        )

    def environment(self, *, owner: bool = False) -> dict[str, str]:
        """The variables that give a child process this same Config.

        owner: only a child that migrates or backs up is told how to become the owner.
        """
        told = dict(os.environ) | dict(self.gateways)
        for name, variable in ENVIRONMENT.items():
            value = getattr(self, name)
            if value is None or (name == "owner_url" and not owner):
                told.pop(variable, None)
            else:
                told[variable] = str(int(value)) if isinstance(value, bool) else str(value)
        return told

    def need(self, name: str) -> str:
        """A text field that must be set here. Raises StartError that names its variable."""
        value = getattr(self, name)
        if value is None:
            variable = ENVIRONMENT[name]
            raise StartError(
                f"Chưa đặt {variable}. Ví dụ có trong .env.example",
                f"{variable} is not set. See .env.example for an example",
            )
        return str(value)

    def _refuse_half_embedded(self) -> None:
        if (self.database_url is None) == (self.redis_url is None):
            return
        has, lacks = ("DATABASE_URL", "REDIS_URL") if self.database_url else (
            "REDIS_URL", "DATABASE_URL",
        )  # fmt: skip
        raise StartError(
            f"Đã đặt {has} nhưng chưa đặt {lacks}: hãy đặt cả hai, hoặc bỏ cả hai để dùng máy "
            "chủ kèm theo",
            f"{has} is set but {lacks} is not: set both, or neither to use the embedded servers",
        )


def language(env: Mapping[str, str] | None = None) -> str:
    """The language of the terminal: "vi" or "en"."""
    told = os.environ if env is None else env
    said = told.get("LC_ALL") or told.get("LC_MESSAGES") or told.get("LANG") or ""
    return "vi" if said.lower().startswith("vi") else "en"


class _Told:
    """The environment, read by the names of the fields."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env

    def text(self, name: str) -> str | None:
        return self.env.get(ENVIRONMENT[name], "").strip() or None

    def path(self, name: str) -> Path | None:
        text = self.text(name)
        return Path(text).expanduser().absolute() if text else None

    def value(self, name: str, read: Callable[[str], T], otherwise: T) -> T:
        text = self.text(name)
        if text is None:
            return otherwise
        try:
            return read(text)
        except _Wrong as wrong:
            # The value itself is never repeated: it may be a password in the wrong place.
            variable = ENVIRONMENT[name]
            raise StartError(
                f"Giá trị của {variable} không dùng được: phải là {wrong.vi}",
                f"The value of {variable} cannot be used: it must be {wrong.en}",
            ) from None


class _Wrong(Exception):
    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


def _data_home(env: Mapping[str, str]) -> Path:
    told = env.get("XDG_DATA_HOME", "")
    # The XDG specification: a relative path is invalid and ignored.
    return Path(told) if Path(told).is_absolute() else Path.home() / ".local" / "share"


def _postgres_url(text: str) -> str:
    wrong = _Wrong(
        "dạng postgresql://người_dùng:mật_khẩu@máy:5432/cơ_sở_dữ_liệu",
        "like postgresql://user:password@host:5432/database",
    )
    scheme, colon, rest = text.partition("://")
    if not colon or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise wrong
    try:
        parts = urlsplit(f"postgresql://{rest}")
        port = parts.port
    except ValueError:
        raise wrong from None
    if not parts.path.strip("/") or port == 0:
        raise wrong
    return f"postgresql+psycopg://{rest}"


def _redis_url(text: str) -> str:
    wrong = _Wrong("dạng redis://:mật_khẩu@máy:6379/0", "like redis://:password@host:6379/0")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("redis", "rediss", "unix") or not (parts.hostname or parts.path):
        raise wrong
    return text


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise _Wrong("địa chỉ như https://thuphi.example.vn", "like https://thuphi.example.vn")
    return text.rstrip("/")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise _Wrong(f"số nguyên từ {low} đến {high}", f"a whole number from {low} to {high}")
        return int(text)

    return read


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            said = ", ".join(words)
            raise _Wrong(f"một trong: {said}", f"one of: {said}")
        return text.lower()

    return read


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES:
        raise _Wrong("0 hoặc 1", "0 or 1")
    return _YES[text.lower()]


def _long_enough(text: str) -> str:
    if len(text) < 32:
        raise _Wrong("chuỗi ngẫu nhiên từ 32 ký tự", "a random text of 32 characters or more")
    return text


assert set(ENVIRONMENT) | {"gateways"} == {f.name for f in fields(Config)}  # noqa: S101  # no field is forgotten

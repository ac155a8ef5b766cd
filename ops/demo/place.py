"""Where a demo lives: a folder of its own, never an installation's, and ports that are free."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from ops import seed
from ops.config import ENVIRONMENT, PORT, SIMULATOR_PORT, Config
from ops.embedded import account, ports
from ops.errors import StartError
from ops.serve import PROJECT

IN_CHECKOUT: Final = Path(".thuphi", "demo")
CLOCK: Final = "clock.json"
FOR_ROOT: Final = Path("/var/lib/thuphi-demo")
_OURS_ALONE: Final = (
    "database_url", "owner_url", "system_url", "redis_url", "key_ring", "sealing_key",
    "web_secret", "secrets_path", "clock_path", "proxy_hops",
)  # fmt: skip
"""What is never taken over from the environment: a demo must not reach a real database."""


def config(env: Mapping[str, str] | None = None) -> Config:
    """The Config of a demo. Raises StartError for a folder that holds something else, and for
    a port that was asked for and is taken."""
    told = dict(os.environ if env is None else env)
    chosen = bool(_chosen(told))
    for name in _OURS_ALONE:
        told.pop(ENVIRONMENT[name], None)
    told[ENVIRONMENT["demo"]] = "1"
    if not chosen:
        told[ENVIRONMENT["home"]] = str(_usual_home())
    found = Config.from_env(told)
    if chosen:
        _refuse_others(found.home)
    port = _port(told, "port", PORT)
    simulator_port = _port(told, "simulator_port", SIMULATOR_PORT, taken=port)
    public = found.public_url if told.get(ENVIRONMENT["public_url"]) else f"http://127.0.0.1:{port}"
    return replace(
        found,
        port=port,
        simulator_port=simulator_port,
        public_url=public,
        web_processes=found.web_processes if told.get(ENVIRONMENT["web_processes"]) else 1,
        gateways=pretend(f"http://127.0.0.1:{simulator_port}"),
    )


def pretend(base: str) -> Mapping[str, str]:
    """The variables that send every gateway's calls to the simulator. base: where it is."""
    return {
        "THUPHI_GATEWAY_VNPAY_PAGE": f"{base}/vnpay/paymentv2/vpcpay.html",
        "THUPHI_GATEWAY_VNPAY_API": f"{base}/vnpay/merchant_webapi/api/transaction",
        "THUPHI_GATEWAY_MOMO_API_URL": f"{base}/momo",
        "THUPHI_GATEWAY_ZALOPAY_API_URL": f"{base}/zalopay",
        "THUPHI_GATEWAY_PAYOS_API_URL": f"{base}/payos",
    }


def home(env: Mapping[str, str] | None = None) -> Path:
    """The folder alone, for whoever looks at a demo that runs."""
    chosen = _chosen(os.environ if env is None else env)
    return Path(chosen).expanduser().absolute() if chosen else _usual_home()


def is_fresh(home: Path) -> bool:
    """Whether no demo was ever seeded there."""
    return not (home / seed.KEPT).exists()


def _chosen(env: Mapping[str, str]) -> str:
    return env.get(ENVIRONMENT["home"], "").strip()


def _usual_home() -> Path:
    """In the checkout, so that deleting that deletes the demo too; root's database server runs
    as another user, so it needs a place which that user can reach."""
    here = PROJECT / IN_CHECKOUT
    checkout = (PROJECT / "Makefile").exists() and os.access(PROJECT, os.W_OK)
    if checkout and _is_reachable(here):
        return here
    # A checkout that was deleted and made again in the same place begins anew.
    which = f"{PROJECT} {PROJECT.stat().st_ino}"
    mark = hashlib.sha256(which.encode()).hexdigest()[:8]
    if os.geteuid() == 0:
        return FOR_ROOT / mark
    return Path.home() / ".local" / "share" / f"thuphi-demo-{mark}"


def _is_reachable(here: Path) -> bool:
    servers = account.choose(here, here / "postgres")
    above = next(folder for folder in here.parents if folder.exists())
    # Asked about something below, so that the folder itself counts as on the way.
    below = above / "anything"
    return servers is None or account.obstacles(servers, [below])[0] in (None, below)


def _refuse_others(home: Path) -> None:
    """Refuse a folder with data that no demo has written: it may be somebody's installation."""
    if (home / "postgres" / "data").exists() and not any(
        (home / name).exists() for name in (seed.KEPT, CLOCK)
    ):
        raise StartError(
            f"{home} chứa một bản cài đặt không phải bản demo: hãy đặt THUPHI_HOME sang thư mục "
            "khác",
            f"{home} holds an installation that is no demo: set THUPHI_HOME to another folder",
        )


def _port(told: Mapping[str, str], name: str, usual: int, *, taken: int = 0) -> int:
    """The port that was asked for, else the usual one, else any that is free."""
    variable = ENVIRONMENT[name]
    asked = told.get(variable, "").strip()
    if not asked:
        return ports.choose(usual, taken=(taken,))
    if ports.is_free(int(asked)):
        return int(asked)
    raise StartError(
        f"Cổng {asked} ({variable}) đang có chương trình khác dùng: hãy dừng chương trình đó, hoặc "
        f"bỏ {variable} để Thuphi tự chọn",
        f"Port {asked} ({variable}) is in use: stop the program that has it, or leave {variable} "
        "out and Thuphi takes a free one",
    )

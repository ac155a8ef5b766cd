"""Play: start everything, seed, play the day and the morning after, show, and keep serving."""

from __future__ import annotations

import json
import re
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from http.client import HTTPException
from pathlib import Path
from typing import Final

from ops import check_ledger, logs, seed, serve
from ops.backing import config_with_servers
from ops.clock import OffsetClock
from ops.config import Config
from ops.demo import day, figures, gateways, links, night, place, town
from ops.demo.calls import Json, call
from ops.demo.figures import Row
from ops.demo.story import Story
from ops.demo.teller import NotAsTold, Teller, in_words
from ops.demo.town import Town
from ops.embedded.children import ChildEvent, Family, What
from ops.runtime import Runtime

READY_SECONDS: Final = 60.0
FAILED: Final = 1
_ERROR: Final = re.compile(r"(thuphi: |[\w.]+(Error|Exception): )")
ENOUGH: Final = 2  # restarts, and it will not come up any more


def run(*, once: bool, as_json: bool) -> int:
    """Play a day and serve until asked to stop; returns the exit code.

    once: end after the table. 0 only when nothing is unexplained, bank and ledger agree, and
    the story came out as told. Raises StartError, AlreadyRunning, NotAsTold.
    """
    told = place.config()
    logs.configure(told.log_form, level="warning")
    with ExitStack() as open_:
        teller = open_.enter_context(Teller(quiet=as_json))
        fresh = place.is_fresh(told.home)
        with teller.step("PostgreSQL và Valkey", "PostgreSQL and Valkey"):
            config = open_.enter_context(config_with_servers(told, share=False))
        runtime = Runtime(config)
        open_.callback(runtime.close)
        clock = _clock(config)
        played = town.day_to_play(clock, fresh=fresh, real=town.real_now())
        if fresh:
            town.set_clock(clock, played)
        family = open_.enter_context(_family(config, teller))
        with teller.step("năm đơn vị thu của dữ liệu mẫu", "the five billers of the cast"):
            cast = seed.seed(runtime, config.home / seed.KEPT, at=clock.now())
        bank, web = _doors(config, family, teller)
        town.open_bank(bank, cast, public_url=_local(config))
        gateways.sign_up(bank, cast, public_url=_local(config))
        houses = {
            one.cast.code: town.house(runtime, one, web=_local(config), clock=clock) for one in cast
        }
        here = Town(config, runtime, clock, teller, bank, web, houses, played)
        story = Story(here, first=fresh)
        day.play(story)
        night.play(story)
        _prove(here)
        found = figures.rows(here)
        _weigh(here, found, fresh=fresh)
        teller.rest()
        _show(here, found, as_json=as_json)
        code = FAILED if teller.wrong else 0
        if once:
            return code
        town.set_to_real_time(clock)
        if not as_json:
            links.show(story)
        return family.wait() or code


def _clock(config: Config) -> OffsetClock:
    assert config.clock_path is not None  # noqa: S101  # demo mode always has one
    return OffsetClock(config.clock_path)


def _local(config: Config) -> str:
    """The web as this machine reaches it; the public address may be another."""
    return f"http://127.0.0.1:{config.port}"


def _family(config: Config, teller: Teller) -> Family:
    """Every process of an installation and the simulator, each with a log of its own."""
    specs = []
    for spec in serve.specs(config, simulator=True):
        log = log_of(config.home, spec.name)
        log.unlink(missing_ok=True)
        # Out of the terminal's group: Ctrl-C reaches us, and we stop them in order.
        specs.append(replace(spec, output=log, own_group=True))

    def heard(event: ChildEvent) -> None:
        if event.what is What.GAVE_UP:
            where = log_of(config.home, event.name)
            teller.say(
                f"  ✗ {event.name} dừng hẳn (mã {event.code}); nhật ký: {where}",
                f"  ✗ {event.name} gave up (code {event.code}); its log: {where}",
            )

    return Family(specs, heard=heard)


def log_of(home: Path, name: str) -> Path:
    """Where a process writes."""
    return home / "logs" / f"{name}.log"


def _doors(config: Config, family: Family, teller: Teller) -> tuple[Json, Json]:
    """The bank and the web, once both answer."""
    bank = Json(f"http://127.0.0.1:{config.simulator_port}")
    web = Json(_local(config))
    _wait_for("simulator", f"{bank.base}/health", config, family, teller)
    _wait_for("web", f"{web.base}/health/ready", config, family, teller)
    return bank, web


def _wait_for(name: str, url: str, config: Config, family: Family, teller: Teller) -> None:
    log = log_of(config.home, name)
    base, _, path = url.rpartition("/health")

    def answers() -> bool:
        if family.restarts()[name] >= ENOUGH:
            raise NotAsTold(
                f"{name} không khởi động được ({_last_words(log)}); nhật ký: {log}",
                f"{name} cannot start ({_last_words(log)}); its log: {log}",
            )
        try:
            # Somebody else may answer there: then ours has ended.
            return call(base, "GET", f"/health{path}").status == 200 and name in family.pids()
        except (OSError, HTTPException):
            return False

    with teller.step(f"{name}: {base}", f"{name}: {base}"):
        teller.wait(
            f"{name} không trả lời (nhật ký: {log})",
            f"{name} does not answer (its log: {log})",
            answers,
            bool,
            seconds=READY_SECONDS,
        )


def _last_words(log: Path) -> str:
    """The last error in a log, or its last line."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if _ERROR.match(line)]
    return (errors or said or [""])[-1][:200]


def _prove(here: Town) -> None:
    """What `thuphi check-ledger` does: every account, counter and seal from the transfers."""
    with here.teller.step("sổ cái được tính lại từ đầu", "the ledger computed anew"):
        runtime = here.runtime
        wrong = [
            (one.check, str(one.difference))
            for one in check_ledger.check(runtime.system, keys=runtime.ring.believed())
            if one.difference is not None
        ]
    here.teller.check("sổ cái", "the ledger", found=wrong, told=[])


def _weigh(here: Town, found: list[Row], *, fresh: bool) -> None:
    """The figures against each other, and on a first day against the story."""
    check = here.teller.check
    for row in found:
        code = row.code
        check(f"{code}: chưa giải thích", f"{code}: unexplained", found=row.unexplained, told=0)
        check(f"{code}: ngân hàng = sổ", f"{code}: bank = ledger", found=row.ledger, told=row.bank)
        if fresh:
            what = f"{code}: đã nhận = nơi đang giữ", f"{code}: received = places"
            check(*what, found=row.placed, told=row.received)
    if fresh:
        told = {
            "TH-HS": (5_770_000, 5_725_000, 45_000, 0),
            "THPT-TLX": (15_760_000, 10_380_000, 1_970_000, 3_410_000),
            "BV-HGX": (1_110_800, 480_800, 0, 630_000),
            "H26.901": (24_000, 24_000, 0, 0),
            "H26.990": (42_000, 42_000, 0, 0),
        }
        for row in found:
            seen = (row.received, row.applied, row.credit, row.refunded)
            check(
                f"{row.code}: nhận, ghi, số dư, hoàn",
                f"{row.code}: received, applied, credit, refunded",
                found=seen,
                told=told[row.code],
            )


def _show(here: Town, found: list[Row], *, as_json: bool) -> None:
    if as_json:
        told = {
            "day": here.day.isoformat(),
            "billers": [asdict(row) for row in found],
            "unexplained": sum(abs(row.unexplained) for row in found),
            "not_as_told": here.teller.wrong,
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    on = f"{here.day:%d/%m/%Y}"
    figures.show(found, in_words(f"Ngày {on} sau đối soát", f"{here.day}, reconciled"))
    for wrong in here.teller.wrong:
        sys.stdout.write(f"✗ {wrong}\n")
    sys.stdout.flush()

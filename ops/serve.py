"""`thuphi serve`: every process of an installation in one group, which lives and ends together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ops import logs, queues
from ops.config import Config
from ops.embedded.children import ChildEvent, ChildSpec, Family, What

PROJECT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0  # a drain ends by itself after eight

log = logs.logger(__name__)


def family(config: Config, *, simulator: bool) -> Family:
    """The processes of an installation whose servers run; nothing is started yet."""
    return Family(specs(config, simulator=simulator), heard=_tell)


def specs(config: Config, *, simulator: bool) -> list[ChildSpec]:
    """What runs, in the order of starting."""
    env = config.environment()

    def ours(name: str, *command: str) -> ChildSpec:
        argv = (sys.executable, "-m", "ops.cli", *command)
        return ChildSpec(name, argv, env=env, restart=True, cwd=PROJECT, stop_seconds=STOP_SECONDS)

    made = [ours("relay", "relay"), ours("schedule", "schedule")]
    for number in range(1, config.workers + 1):
        only = _only(number, config.workers)
        made.append(ours(f"worker-{number}", "worker", *only))
    made.append(ours("web", "web"))
    if simulator:
        made.append(ours("simulator", "simulator"))
    return made


def _only(number: int, workers: int) -> tuple[str, ...]:
    """What a worker of that number keeps to: one is always there for payments, and one for what
    is asked over the network, whatever else takes long."""
    if number == 1 and workers > 1:
        return ("--queue", queues.QUICK)
    if number == 2 and workers > 2:
        return ("--queue", queues.CALLS, "--queue", queues.QUICK)
    return ()


def run(config: Config, *, simulator: bool, ready: Callable[[], None]) -> int:
    """Run everything until asked to stop; returns the exit code. ready: called once all start."""
    with family(config, simulator=simulator) as started:
        ready()
        return started.wait()


def run_alone(name: str, argv: Sequence[str], config: Config) -> int:
    """Run one program under our eyes until asked to stop; returns its exit code."""
    spec = ChildSpec(name, argv, env=config.environment(), cwd=PROJECT, stop_seconds=STOP_SECONDS)
    with Family([spec], heard=_tell) as started:
        return started.wait()


def _tell(event: ChildEvent) -> None:
    say = log.error if event.what is What.GAVE_UP else log.info
    say(f"process.{event.what.value.replace(' ', '_')}", process=event.name, code=event.code)

"""`python -m benchmarks.score DIR OUT`: what `thuphi match` wrote, held against the truth.

DIR holds truth.csv of benchmarks.nights, OUT what the engine wrote. Prints one table; with
--json the same as data; with --misses N some lines of each kind that went wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

Key = tuple[str, str]
Told = Mapping[str, str]
_FLAGS = {"", "UNDERPAID", "OVERPAID", "AMOUNT_MISMATCH", "FEE_VARIANCE"}


@dataclass(slots=True)
class Score:
    """Counts. Shares are of the lines and rows about which the truth says something."""

    lines: int = 0
    wrong: int = 0
    lost: int = 0
    stray: int = 0
    flags: int = 0
    unexplained_vnd: int = 0
    determined: list[int] = field(default_factory=lambda: [0, 0])
    batches: list[int] = field(default_factory=lambda: [0, 0])
    delivered_again: list[int] = field(default_factory=lambda: [0, 0])
    wrongly_ignored: int = 0
    codes: list[int] = field(default_factory=lambda: [0, 0])
    first: list[int] = field(default_factory=lambda: [0, 0])
    related: list[int] = field(default_factory=lambda: [0, 0])
    unearned: int = 0
    missed: dict[str, int] = field(default_factory=dict)
    miscoded: dict[str, int] = field(default_factory=dict)


def score(folder: Path, out: Path) -> tuple[Score, dict[str, list[str]]]:
    """The score, and the ids of what went wrong by kind."""
    truth = {(row["source"], row["source_id"]): row for row in _rows(folder / "truth.csv")}
    found: dict[Key, list[Told]] = defaultdict(list)
    for row in _rows(out / "matches.csv"):
        found[row["source"], row["source_id"]].append(row)
    absent = {
        row["related_id"]
        for row in _rows(out / "exceptions.csv")
        if row["exception_code"] == "BATCH_MISSING"
    }
    total = Score()
    misses: dict[str, list[str]] = defaultdict(list)
    total.unexplained_vnd = int(json.loads((out / "summary.json").read_text())["unexplained_vnd"])
    total.stray = len(found.keys() - truth.keys())
    missed: Counter[str] = Counter()
    miscoded: Counter[str] = Counter()
    for key, told in truth.items():
        if told["source"] == "absent":
            _count(total.batches, told["related_id"] in absent, misses["batch"], key)
            continue
        total.lines += 1
        rows = found.get(key, [])
        if not rows:
            total.lost += 1
            misses["lost"].append(key[1])
            continue
        _judge(total, told, rows, misses, missed, miscoded)
    total.missed = dict(missed.most_common(25))
    total.miscoded = dict(miscoded.most_common(25))
    return total, misses


def _judge(
    total: Score,
    told: Told,
    rows: Sequence[Told],
    misses: dict[str, list[str]],
    missed: Counter[str],
    miscoded: Counter[str],
) -> None:
    key, name = (told["source"], told["source_id"]), f"{told['scenario']}: {told['spoiling']}"
    decision, code = rows[0]["decision"], rows[0]["exception_code"]
    booked = (
        {row["order_id"]: int(row["alloc_vnd"]) for row in rows if row["order_id"]}
        if decision == "AUTO"
        else {}
    )
    meant = {part.split("=")[0]: int(part.split("=")[1]) for part in told["meant"].split()}
    if _is_wrong(told, decision, booked, meant, rows):
        total.wrong += 1
        misses["wrong"].append(key[1])
    elif booked and told["decision"] == "PERSON":
        total.unearned += 1
        misses["unearned"].append(key[1])
    if decision == "AUTO" and code not in _FLAGS:
        total.flags += 1
    if decision == "IGNORE" and told["decision"] not in ("IGNORE", "ANY"):
        total.wrongly_ignored += 1
        misses["wrongly ignored"].append(key[1])
    if told["decision"] == "IGNORE":
        right = decision == "IGNORE" and rows[0]["related_id"] == told["related_id"]
        _count(total.delivered_again, right, misses["delivered again"], key)
    elif told["scenario"].startswith("batch"):
        right = rows[0]["related_id"] == told["related_id"] and (decision == "AUTO") == (
            told["decision"] == "AUTO"
        )
        _count(total.batches, right, misses["batch"], key)
    elif told["decision"] == "AUTO":
        right = decision == "AUTO" and booked == meant
        _count(total.determined, right, misses["missed"], key)
        if not right:
            missed[f"{name} -> {decision} {code}"] += 1
    if told["exception_code"] not in ("*", "") or (
        told["decision"] == "AUTO" and decision == "AUTO"
    ):
        right = code == told["exception_code"]
        _count(total.codes, right, misses["code"], key)
        if not right:
            miscoded[f"{name}: {told['exception_code']} -> {decision} {code}"] += 1
    if (
        told["related_id"]
        and told["decision"] == "PERSON"
        and not told["scenario"].startswith("batch")
    ):
        _count(total.related, rows[0]["related_id"] == told["related_id"], misses["related"], key)
    if told["first"]:
        right = decision == "SUGGEST" and rows[0]["order_id"] in told["first"].split()
        _count(total.first, right, misses["first"], key)


def _is_wrong(
    told: Told,
    decision: str,
    booked: Mapping[str, int],
    meant: Mapping[str, int],
    rows: Sequence[Told],
) -> bool:
    """Booked to an order, or more than to it, that was not meant; tied to another batch."""
    if any(order not in meant for order in booked):
        return True
    if decision != "AUTO":
        return False
    if not booked:
        return (
            not told["scenario"].startswith("batch") or rows[0]["related_id"] != told["related_id"]
        )
    return told["decision"] == "AUTO" and any(booked[order] > meant[order] for order in booked)


def _count(tally: list[int], right: bool, misses: list[str], key: Key) -> None:
    tally[0] += right
    tally[1] += 1
    if not right:
        misses.append(key[1])


def _rows(path: Path) -> Iterator[Told]:
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


GOALS = {
    "determined": 0.999, "batches": 1.0, "delivered_again": 1.0, "codes": 0.99, "first": 0.88,
    "related": 0.99,
}  # fmt: skip


def main() -> None:
    """Score, print, and say by the exit code whether every goal is met."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.score", description=__doc__)
    asked.formatter_class = argparse.RawDescriptionHelpFormatter
    asked.add_argument("folder", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--misses", type=int, default=0, metavar="N")
    told = asked.parse_args()
    total, misses = score(told.folder, told.out)
    if told.json:
        print(json.dumps(asdict(total), indent=1))
        return
    print(f"lines and rows       {total.lines}")
    for name in (
        "wrong",
        "lost",
        "stray",
        "flags",
        "wrongly_ignored",
        "unexplained_vnd",
        "unearned",
    ):
        print(f"{name:20} {getattr(total, name)}" + ("" if name == "unearned" else "  (goal 0)"))
    for name, goal in GOALS.items():
        right, of = getattr(total, name)
        print(f"{name:20} {right / max(of, 1):.4%} of {of}  (goal {goal:.1%})")
    for title, counts in (("not booked", total.missed), ("another code", total.miscoded)):
        for what, number in counts.items():
            print(f"  {title}: {number} {what}")
    for kind, ids in misses.items() if told.misses else ():
        print(f"{kind}: {' '.join(ids[: told.misses])}")


if __name__ == "__main__":
    main()

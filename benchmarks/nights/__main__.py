"""`python -m benchmarks.nights`: write a night's files and the truth about them.

python -m benchmarks.nights --seed 7 --orders 100000 --noise standard --forms house --out DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.nights import files, night
from benchmarks.nights.references import FORMS, MIXES


def main() -> None:
    """Draw the night that was asked for and write it."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.nights", description=__doc__)
    asked.formatter_class = argparse.RawDescriptionHelpFormatter
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--orders", type=int, default=10_000)
    asked.add_argument("--noise", choices=sorted(night.NOISE), default="standard")
    asked.add_argument(
        "--forms", default="house", help=f"{', '.join(MIXES)}; or of {', '.join(FORMS)}"
    )
    asked.add_argument("--out", type=Path, required=True)
    told = asked.parse_args()
    strange = [] if told.forms in MIXES else [n for n in told.forms.split(",") if n not in FORMS]
    if strange:
        asked.error(f"no such form: {', '.join(strange)}")
    drawn = night.make(seed=told.seed, count=told.orders, noise=told.noise, forms=told.forms)
    files.write(drawn, told.out)
    print(
        f"{len(drawn.orders)} orders, {len(drawn.lines)} lines, {len(drawn.rows)} rows: {told.out}"
    )


if __name__ == "__main__":
    main()

"""Renders every page, in every state and both languages, to a folder one can open.

    python -m tests.house.preview FOLDER

The folder can be served as it is (`python -m http.server`): the styles and the script are
copied into it, and index.html lists the pages.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.house import (
    cast_bulk,
    cast_callbacks,
    cast_channels,
    cast_days,
    cast_decisions,
    cast_papers,
    cast_payer,
    cast_payouts,
    cast_settlements,
    cast_staff,
)
from web.language import Language
from web.pages import Frame, Page
from web.rendering import HERE, Pages


@cache
def samples(language: Language) -> Mapping[str, Page]:
    """Every page by name; the names are file names too."""
    return {
        **cast_payer.pay_pages(language),
        **cast_payer.ways_pages(),
        **cast_payer.paid_pages(),
        **cast_payer.receipt_pages(language),
        **cast_staff.today_pages(),
        **cast_decisions.discrepancy_pages(),
        **cast_decisions.refund_pages(),
        **cast_bulk.bulk_pages(),
        **cast_payouts.payout_pages(),
        **cast_days.month_pages(),
        **cast_days.night_parts(),
        **cast_staff.day_pages(),
        **cast_papers.sign_in_pages(),
        **cast_papers.import_pages(),
        **cast_papers.bill_pages(),
        **cast_papers.run_pages(),
        **cast_channels.channel_pages(),
        **cast_channels.call_pages(),
        **cast_settlements.settlement_pages(),
        **cast_callbacks.callback_pages(),
    }


def frame(name: str, language: Language) -> Frame:
    """The frame of a sample: its other language is the file beside it."""
    return Frame(language, f"/{name}.{language.other}.html", csrf_token="sample-token")


def write(folder: Path) -> None:
    """Write all of it into an empty or new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(HERE / "static", folder / "static", dirs_exist_ok=True)
    pages = Pages()
    links = []
    for language in Language:
        for name, page in samples(language).items():
            file = folder / f"{name}.{language}.html"
            file.write_text(pages.render(page, frame(name, language)), encoding="utf-8")
            links.append(f'<li><a href="{file.name}">{file.name}</a></li>')
    (folder / "index.html").write_text("<ul>" + "".join(sorted(links)) + "</ul>", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))

"""The only list of names: which adapter answers to which name in settings and commands."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.statements.camt import CamtReader
from adapters.statements.detect import (
    ByContentReader,
    CheckedReader,
    TextTableReader,
    WorkbookReader,
)
from adapters.statements.mt940 import Mt940Reader
from adapters.statements.profiles import all_profiles
from reconciliation.statement import StatementReader

# Readers of bank files, by the name --format takes. "auto" looks at the content.
STATEMENT_READERS: Mapping[str, StatementReader] = {
    "auto": CheckedReader(ByContentReader()),
    "mt940": CheckedReader(Mt940Reader()),
    "camt": CheckedReader(CamtReader()),
    "csv": CheckedReader(TextTableReader()),
    "xlsx": CheckedReader(WorkbookReader()),
}

# Event sources (who tells us that money arrived) get their own mapping below this line.


def statement_profiles() -> tuple[str, ...]:
    """Names of the column profiles that a table may be read with."""
    return tuple(all_profiles())

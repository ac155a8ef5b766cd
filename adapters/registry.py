"""The only list of names: which adapter answers to which name in settings and commands."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.sepay.events import SepayEvents
from adapters.statements.camt import CamtReader
from adapters.statements.detect import (
    ByContentReader,
    CheckedReader,
    TextTableReader,
    WorkbookReader,
)
from adapters.statements.mt940 import Mt940Reader
from adapters.statements.profiles import all_profiles
from adapters.vietqr.gateway import VietqrGateway
from payments.domain.gateway import LocalGateway
from reconciliation.statement import StatementReader
from webhooks.event import EventSource

# Readers of bank files, by the name --format takes. "auto" looks at the content.
STATEMENT_READERS: Mapping[str, StatementReader] = {
    "auto": CheckedReader(ByContentReader()),
    "mt940": CheckedReader(Mt940Reader()),
    "camt": CheckedReader(CamtReader()),
    "csv": CheckedReader(TextTableReader()),
    "xlsx": CheckedReader(WorkbookReader()),
}

# Who tells us that money arrived, by the name in /webhooks/<name>/<biller>.
EVENT_SOURCES: Mapping[str, EventSource] = {source.name: source for source in (SepayEvents(),)}

# What a biller may set at each: all of them are secrets.
CHANNEL_SETTINGS: Mapping[str, tuple[str, ...]] = {"sepay": ("secret", "api_key")}


def local_gateways(*, demo: bool) -> Mapping[str, LocalGateway]:
    """Ways to pay that call nobody, by the name that starts an attempt.

    demo: also into the bank that does not exist.
    """
    made: tuple[LocalGateway, ...] = (VietqrGateway(demo=demo),)
    return {gateway.name: gateway for gateway in made}


def statement_profiles() -> tuple[str, ...]:
    """Names of the column profiles that a table may be read with."""
    return tuple(all_profiles())

"""The only list of names: which adapter answers to which name in settings and commands."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.company import Company
from adapters.http import Client
from adapters.sepay import config as sepay
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
from payments.domain.gateway import Gateway, LocalGateway
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

# Who takes money for a biller or tells that it came, one line each.
COMPANIES: tuple[Company, ...] = (
    Company("sepay", "SePay", sepay.SETTINGS, SepayEvents(), one_of=True),
)

EVENT_SOURCES: Mapping[str, EventSource] = {one.name: one.events for one in COMPANIES}

CHANNELS: Mapping[str, Company] = {one.name: one for one in COMPANIES}

VARIABLES: Mapping[str, str] = {
    name: usual for one in COMPANIES for name, usual in one.variables.items()
}


def gateways(told: Mapping[str, str], client: Client) -> Mapping[str, Gateway]:
    """Ways to pay that are asked over the network, by name.

    told: the installation's variables. Raises ValueError that names a wrong one.
    """
    made = (one.gateway(told, client) for one in COMPANIES if one.gateway is not None)
    return {gateway.name: gateway for gateway in made}


def local_gateways(*, demo: bool) -> Mapping[str, LocalGateway]:
    """Ways to pay that call nobody, by the name that starts an attempt.

    demo: also into the bank that does not exist.
    """
    made: tuple[LocalGateway, ...] = (VietqrGateway(demo=demo),)
    return {gateway.name: gateway for gateway in made}


def statement_profiles() -> tuple[str, ...]:
    """Names of the column profiles that a table may be read with."""
    return tuple(all_profiles())

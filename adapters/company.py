"""Company: everything the house has to know about one gateway or source of bank notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.http import Client
from payments.domain.channels import Setting, checked
from payments.domain.gateway import Gateway
from reconciliation.settlement_report import ReportReader
from webhooks.event import EventSource


@dataclass(frozen=True, slots=True)
class Company:
    """One folder of adapters/. name: in addresses, settings and rows. label: what people say.

    settings: what a biller tells us; one_of: any one of them is enough. variables: what the
    installation may set, with the usual value. gateway: makes the way to pay from those
    variables, for companies that offer one; then payers_* names it and hint_* says what happens.
    report: reads its settlement files, if it holds money.
    """

    name: str
    label: str
    settings: Sequence[Setting]
    events: EventSource
    one_of: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    gateway: Callable[[Mapping[str, str], Client], Gateway] | None = None
    report: ReportReader | None = None
    payers_vi: str = ""
    payers_en: str = ""
    hint_vi: str = ""
    hint_en: str = ""

    def checked(self, given: Mapping[str, str]) -> dict[str, str]:
        """The settings as they may be kept. Raises Invalid, naming fields and never a value."""
        return checked(self.name, self.settings, given, one_of=self.one_of)

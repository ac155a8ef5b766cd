"""The only list of names: which adapter answers to which name in settings and commands."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.casso import config as casso
from adapters.casso.events import CassoEvents
from adapters.company import Company
from adapters.http import Client
from adapters.momo import config as momo
from adapters.momo.events import MomoEvents
from adapters.momo.gateway import MomoGateway
from adapters.momo.report import READER as MOMO_REPORT
from adapters.payos import config as payos
from adapters.payos.events import PayosEvents
from adapters.payos.gateway import PayosGateway
from adapters.payouts import writer as payout_forms
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
from adapters.vnpay import config as vnpay
from adapters.vnpay.events import VnpayEvents
from adapters.vnpay.gateway import VnpayGateway
from adapters.vnpay.report import READER as VNPAY_REPORT
from adapters.zalopay import config as zalopay
from adapters.zalopay.events import ZalopayEvents
from adapters.zalopay.gateway import ZalopayGateway
from adapters.zalopay.report import READER as ZALOPAY_REPORT
from payments.domain.gateway import Gateway, LocalGateway
from payments.domain.payout_file import PayoutWriter
from reconciliation.settlement_report import ReportReader
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

# Who takes money for a biller or tells that it came, one entry each.
COMPANIES: tuple[Company, ...] = (
    Company(
        "vnpay",
        "VNPAY",
        vnpay.SETTINGS,
        VnpayEvents(),
        variables=vnpay.VARIABLES,
        gateway=lambda told, client: VnpayGateway(vnpay.VnpayConfig.read(told), client),
        report=VNPAY_REPORT,
        payers_vi="Thẻ ATM, thẻ quốc tế, VNPAY-QR",
        payers_en="Bank card, international card, VNPAY-QR",
        hint_vi="Nhập thẻ trên trang của VNPAY, không nhập ở đây.",
        hint_en="The card is entered on VNPAY's page, not here.",
    ),
    Company(
        "momo",
        "MoMo",
        momo.SETTINGS,
        MomoEvents(),
        variables=momo.VARIABLES,
        gateway=lambda told, client: MomoGateway(momo.MomoConfig.read(told), client),
        report=MOMO_REPORT,
        payers_vi="Ví MoMo",
        payers_en="MoMo wallet",
        hint_vi="Chuyển sang ứng dụng MoMo rồi quay lại đây.",
        hint_en="You go to the MoMo app and come back here.",
    ),
    Company(
        "zalopay",
        "ZaloPay",
        zalopay.SETTINGS,
        ZalopayEvents(),
        variables=zalopay.VARIABLES,
        gateway=lambda told, client: ZalopayGateway(zalopay.ZalopayConfig.read(told), client),
        report=ZALOPAY_REPORT,
        payers_vi="Ví ZaloPay",
        payers_en="ZaloPay wallet",
        hint_vi="Chuyển sang ứng dụng ZaloPay rồi quay lại đây.",
        hint_en="You go to the ZaloPay app and come back here.",
    ),
    Company(
        "payos",
        "payOS",
        payos.SETTINGS,
        PayosEvents(),
        variables=payos.VARIABLES,
        gateway=lambda told, client: PayosGateway(payos.PayosConfig.read(told), client),
        payers_vi="Chuyển khoản trên trang payOS",
        payers_en="Bank transfer on payOS's page",
        hint_vi="payOS hiện mã QR và báo ngay khi tiền về ngân hàng.",
        hint_en="payOS shows the QR and tells us as soon as the bank has the money.",
    ),
    Company("sepay", "SePay", sepay.SETTINGS, SepayEvents(), one_of=True),
    Company("casso", "Casso", casso.SETTINGS, CassoEvents(), one_of=True),
)

# Readers of settlement files, by gateway.
SETTLEMENT_READERS: Mapping[str, ReportReader] = {
    one.name: one.report for one in COMPANIES if one.report is not None
}

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


def payout_writer(bank_bin: str) -> PayoutWriter:
    """The form of payout files that a bank takes, by its BIN."""
    return payout_forms.for_bank(bank_bin)

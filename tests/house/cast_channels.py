"""Sample pages of channels and of what gateways told us, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from adapters.registry import CHANNELS
from tests.house.cast_staff import NOW, shell
from web.console.call_pages import Became, CallPage, CallRow, CallsPage, Raw, Told
from web.console.channel_pages import Card, ChannelPage, ChannelsPage, SettingField
from web.console.decisions import Done
from web.console.pages import Tab
from web.language import Both
from web.pages import Choice, FieldError, Page, Pager
from web.words import WORDS

PARTS: Final = (Tab("channels", "/console/channels"), Tab("calls", "/console/calls", 3))
_AT: Final = "https://thu.hoasen.example.vn/webhooks"
_TELLS: Final = Both("Báo tiền về tài khoản ngân hàng", "Tells of money on a bank account")
_WORKS: Final = Both(
    "VNPAY nhận đúng mã và khóa; không có tiền nào chuyển.",
    "VNPAY knows the code and the secret; no money moved.",
)
_FAILS: Final = Both(
    "MoMo không nhận chữ ký (11007): kiểm tra Secret Key, và xem địa chỉ là của môi trường thử"
    " hay môi trường thật.",
    "MoMo refuses the signature (11007): check the Secret Key, and whether the address is of the"
    " test or the live environment.",
)
_UNKNOWN: Final = Both(
    "Không có lần thanh toán nào mang mã mà cổng thanh toán báo",
    "No attempt has the name that the gateway gave",
)
_OTHERWISE: Final = Both(
    "Cùng một tin được báo lại với nội dung khác.", "The same event was told with other content."
)
_FORGED: Final = Both("Chữ ký hoặc khóa không đúng.", "Wrong signature or key.")
HOSTILE: Final = '<script>alert("xin")</script> & "TRAN GIA BAO" 4A2'


def _absent(name: str) -> Card:
    company = CHANNELS[name]
    does = Both(company.payers_vi, company.payers_en) if company.payers_vi else _TELLS
    url = f"/console/channels/{name}"
    return Card(name, company.label, does, "absent", url, f"{_AT}/{name}/TH-HS")


def _cards() -> tuple[Card, ...]:
    def ready(name: str) -> Card:
        return replace(_absent(name), status="on", updated_at=NOW, checked_at=NOW)

    return (
        replace(
            ready("vnpay"),
            check="works",
            found=_WORKS,
            held=18_011_000,
            count=31,
            amount=18_011_000,
        ),
        replace(ready("momo"), check="fails", found=_FAILS, held=0),
        replace(ready("sepay"), checked_at=None, count=214, amount=124_915_000),
        replace(_absent("zalopay"), status="off", updated_at=NOW, held=2_147_483_000),
        _absent("payos"),
        _absent("casso"),
    )


def _fields(name: str, values: Mapping[str, str], *, kept: bool) -> tuple[SettingField, ...]:
    return tuple(
        SettingField(
            one.name,
            Both(one.vi, one.en),
            one.secret,
            one.needed,
            values.get(one.name, ""),
            kept and (one.secret or one.name in values),
            drop=kept and one.secret and not one.needed,
        )
        for one in CHANNELS[name].settings
    )


def channel_pages() -> Mapping[str, Page]:
    """All of them, one for who may change it and who may not, wrong, off, and new."""
    every = ChannelsPage(shell("channels"), PARTS, _cards(), True)
    none = tuple(_absent(name) for name in CHANNELS)
    vnpay = ChannelPage(
        shell=shell("channels"),
        parts=PARTS,
        card=_cards()[0],
        fields=_fields("vnpay", {"tmn_code": "HSPTEST1", "least": "10000"}, kept=True),
        one_of=False,
        history=(
            Done(NOW, Both("Thử: dùng được", "Tested: works"), "Đặng Quốc Hùng"),
            Done(
                NOW,
                Both("Lưu thiết lập", "Settings kept"),
                "Đặng Quốc Hùng",
                "hash_secret, least, tmn_code",
            ),
        ),
        save_url="/console/channels/vnpay",
        test_url="/console/channels/vnpay/test",
        switch_url="/console/channels/vnpay/switch",
        calls_url="/console/calls?source=vnpay",
        back_url="/console/channels",
        pager=Pager("", "?before=act_1"),
    )
    new = replace(
        vnpay,
        card=_absent("vnpay"),
        fields=_fields("vnpay", {}, kept=False),
        history=(),
        test_url="",
        switch_url="",
        calls_url="",
        pager=Pager(),
    )
    malformed = Both(
        "Mã website (vnp_TmnCode) do VNPAY cấp: chưa đúng dạng.",
        "Terminal code (vnp_TmnCode) that VNPAY gave: not in the right form.",
    )
    missing = Both(
        "Chuỗi bí mật tạo checksum (vnp_HashSecret): chưa nhập.",
        "Secret of the checksum (vnp_HashSecret): is missing.",
    )
    return {
        "channels": every,
        "channels-none": replace(every, cards=none),
        "channels-viewer": replace(every, cards=none, may=False),
        "channel": vnpay,
        "channel-new": new,
        "channel-wrong": replace(
            new,
            fields=_fields("vnpay", {"tmn_code": HOSTILE}, kept=False),
            errors=(FieldError("tmn_code", malformed), FieldError("hash_secret", missing)),
        ),
        "channel-viewer": replace(vnpay, save_url="", test_url="", switch_url=""),
        "channel-sepay": replace(
            vnpay,
            card=replace(_cards()[2], status="off"),
            fields=_fields("sepay", {}, kept=True),
            one_of=True,
            notice=Both("Đã tắt.", "Off."),
        ),
    }


def _row(told: str, status: str, **more: object) -> CallRow:
    row = CallRow(
        url="/console/calls/c1",
        at=NOW,
        gateway="VNPAY",
        told=told,
        amount=581_000,
        reference="HP7K2M9QX4TW-AGP6MBD4FZ7XPCQ2WJ5XH2KZ3E",
        status=status,
        times=1,
        why=(),
        answer_status=200,
        answer='{"RspCode":"00","Message":"Confirm Success"}',
    )
    return replace(row, **more)  # type: ignore[arg-type]  # fields of the row, by name


def call_pages() -> Mapping[str, Page]:
    """The list full, empty and narrowed to nothing; one call in every state."""
    rows = (
        _row("paid", "booked"),
        _row("paid", "parked", gateway="MoMo", times=6, why=(_UNKNOWN, _OTHERWISE)),
        _row("credit", "booked", gateway="SePay", reference="92704", amount=1_581_000),
        _row("", "refused", amount=None, why=(_FORGED,), answer='{"RspCode":"97"}'),
        _row("ended", "received", gateway="ZaloPay", times=2, answer=""),
        _row("test", "booked", gateway="payOS", amount=0, answer_status=204, answer=""),
    )
    choices = tuple(Choice(code, it.name) for code, it in WORDS["inbound_call"].items())
    every = CallsPage(
        shell=shell("channels"),
        parts=PARTS,
        rows=rows,
        list_url="/console/calls",
        sources=(Choice("", Both("Mọi cổng", "Every gateway"), True), Choice("momo", "MoMo")),
        statuses=(Choice("", Both("Mọi trạng thái", "Every status"), True), *choices),
        clear_url="/console/calls",
        channels_url="/console/channels",
        pager=Pager("", "?before=cal_1"),
    )
    booked = CallPage(
        shell=shell("channels"),
        parts=PARTS,
        gateway="SePay",
        path="/webhooks/sepay/TH-HS",
        at=NOW,
        status="booked",
        times=1,
        answer_status=200,
        answer='{"success": true}',
        sees_all=True,
        told=Told(
            kind="credit",
            amount=581_000,
            at=NOW,
            number="92704",
            account="9999018452",
            finding="nothing",
            memo=HOSTILE,
            bank_reference="FT26009991002170",
            counterparty="TRẦN VĂN MINH",
            counterparty_account="9999001122",
        ),
        became=(
            Became("HS-26-01-0412", 500_000, "/console/bills/i1"),
            Became(Both("Chưa ghi vào đâu", "In no place yet"), 81_000, "/console/discrepancies"),
        ),
        payment="pay_06f0z7k3m9q2x4t5v8w1y3a5c7",
        raw=Raw(
            "POST",
            "",
            (
                ("authorization", "••••7f3a"),
                ("content-type", "application/json"),
                ("x-sepay-timestamp", "1767951720"),
            ),
            '{"id": 92704, "content": "' + HOSTILE + '", "transferAmount": 581000}',
            cut=True,
        ),
        back_url="/console/calls",
    )
    parked = replace(
        booked,
        gateway="MoMo",
        path="/webhooks/momo/TH-HS",
        status="parked",
        times=6,
        told=Told(
            kind="paid",
            amount=581_000,
            at=NOW,
            reference="HP7K2M9QX4TW-AGP6MBD4FZ7XPCQ2WJ5XH2KZ3E",
            number="4088878653",
            finding="unknown_order",
        ),
        why=(_UNKNOWN, _OTHERWISE),
        became=(),
        payment="",
        history=(Done(NOW, Both("Thử lại", "Tried again"), "Vũ Thu Hà"),),
        notice=Both("Đã gửi đi thử lại.", "Sent to be tried again."),
        again_url="/console/calls/c1/again",
        answer_status=204,
        answer="",
    )
    return {
        "calls": every,
        "calls-none": replace(every, rows=(), pager=Pager()),
        "calls-filtered": replace(every, rows=(), day="2026-01-09", filtered=True, pager=Pager()),
        "call": booked,
        "call-parked": parked,
        "call-viewer": replace(
            booked,
            sees_all=False,
            raw=None,
            told=Told("credit", 581_000, NOW, number="92704", account="••••8452"),
        ),
        "call-refused": replace(
            booked,
            gateway="VNPAY",
            path="/webhooks/vnpay/TH-HS",
            status="refused",
            told=None,
            why=(_FORGED,),
            became=(),
            payment="",
            raw=Raw("GET", "vnp_Amount=58100000&vnp_TxnRef=HP7K2M9QX4TW", (), ""),
        ),
        "call-test": replace(
            booked,
            told=Told("test", 0, NOW, number="123"),
            became=(),
            payment="",
            nothing=Both("Cuộc gọi thử: không có gì để ghi.", "A test call: nothing to book."),
            others=(_row("credit", "booked"),),
        ),
        "call-erased": replace(booked, told=None, raw=None, erased=True, became=()),
    }

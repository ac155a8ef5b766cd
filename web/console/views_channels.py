"""Channels: who takes money for the biller or tells of it, and the settings behind it.

Whoever may only read sees how each stands; whoever has the right `channels` sets it up, tries
it and switches it. A secret goes in and never comes out again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from adapters import registry
from adapters.company import Company
from ops import calling
from payments import billers, channels, ledger
from payments.channels import Channel
from payments.domain import accounts, ids
from payments.domain.calendar import business_day
from payments.domain.channels import Setting, WrongSettings
from payments.domain.errors import DomainError, MerchantTaken, NotFound
from payments.domain.people import Permission
from payments.queries import histories, takings
from payments.queries.histories import Act
from payments.queries.paging import Cut
from payments.queries.takings import Taking
from web import context
from web.auth.marks import requires
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.channel_pages import Card, ChannelPage, ChannelsPage, SettingField
from web.console.decisions import Done
from web.console.pages import Shell, Tab
from web.language import Both
from web.pages import FieldError, Pager

_LIST: Final = f"{HOME}/channels"
_ONE: Final = f"{_LIST}/<name>"
CALLS: Final = f"{HOME}/calls"

_TELLS: Final = Both("Báo tiền về tài khoản ngân hàng", "Tells of money on a bank account")
_MISSING: Final = Both("chưa nhập.", "is missing.")
_ANY: Final = Both("Nhập ít nhất một trong các mục.", "Fill in at least one of the fields.")
_MALFORMED: Final = Both(
    "chưa đúng dạng, xem có dán thiếu hay thừa ký tự không.",
    "not in the right form, see whether something was cut off or added when pasting.",
)
_NOTICES: Final = {
    "saved": Both(
        "Đã lưu và bật kênh. Hãy bấm Thử: không có tiền nào được chuyển.",
        "Kept, and the channel is on. Now press Test: no money moves.",
    ),
    "on": Both("Đã bật: người nộp chọn được kênh này.", "On: payers are offered the channel."),
    "off": Both(
        "Đã tắt: người nộp không chọn được nữa; tin về những lần đã bắt đầu vẫn được nghe.",
        "Off: payers are no longer offered it; what was begun before is still heard.",
    ),
    "tested": Both("Đã thử, kết quả ở bên dưới.", "Tested, the result is below."),
}
_ACTS: Final = {
    "channel.put": Both("Lưu thiết lập", "Settings kept"),
    "channel.on": Both("Bật kênh", "Switched on"),
    "channel.off": Both("Tắt kênh", "Switched off"),
    "channel.check": Both("Thử thiết lập", "Settings tested"),
}
_UNCHANGED: Final = Both("Lưu lại, không mục nào đổi", "Kept again, nothing changed")
_TESTED: Final = {
    True: Both("Thử: dùng được", "Tested: works"),
    False: Both("Thử: không dùng được", "Tested: does not work"),
}


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """Every company, and how this biller stands with it."""
    with context.transaction() as db:
        bar = shell(db, "channels")
        made = _cards(db)
        page = ChannelsPage(
            shell=bar,
            parts=parts(bar),
            cards=sorted(made, key=lambda card: card.status == "absent"),
            may=context.actor().may(Permission.CHANNELS),
        )
    return whole(page)


@requires(Permission.READ)
def one(name: str) -> ResponseReturnValue:
    """One channel."""
    company = _company(name)
    with context.transaction() as db:
        page = _page(db, company)
    return whole(page)


@requires(Permission.CHANNELS)
def save(name: str) -> ResponseReturnValue:
    """Keep the settings; an empty secret keeps the one that is there."""
    company = _company(name)
    typed = {one.name: request.form.get(one.name, "").strip() for one in company.settings}
    try:
        with context.transaction() as db:
            given = _given(db, company, typed)
            calling.set_up(context.runtime(), db, name, given, by=context.actor())
    except DomainError as refused:
        errors, status = _wrong(company, refused)
        with context.transaction() as db:
            page = _page(db, company, errors, typed)
        return whole(page, status=status, here=f"{_LIST}/{name}")
    return _back(name, "saved")


@requires(Permission.CHANNELS)
def test(name: str) -> ResponseReturnValue:
    """Try the settings at the gateway; no transaction is open while it is asked."""
    _company(name)
    calling.check(context.runtime(), context.caller().biller_id, name, by=context.actor())
    return _back(name, "tested")


@requires(Permission.CHANNELS)
def switch(name: str) -> ResponseReturnValue:
    """Offer the channel to payers, or no longer."""
    _company(name)
    on = request.form.get("on") == "1"
    with context.transaction() as db:
        channels.switch(db, name, on=on, by=context.actor(), at=context.now())
    return _back(name, "on" if on else "off")


def parts(bar: Shell) -> tuple[Tab, ...]:
    """The pages about gateways, which share one entry of the bar and its count."""
    waiting = next((tab.count for tab in bar.tabs if tab.code == "channels"), 0)
    return (Tab("channels", _LIST), Tab("calls", CALLS, waiting))


def _company(name: str) -> Company:
    company = registry.CHANNELS.get(name)
    if company is None:
        raise NotFound()
    return company


def _back(name: str, done: str) -> ResponseReturnValue:
    return elsewhere(with_query(f"{_LIST}/{name}", done=done))


def _given(db: Session, company: Company, typed: Mapping[str, str]) -> dict[str, str]:
    kept = channels.settings_of(db, company.name, even_off=True) or {}
    given = {name: value for name, value in typed.items() if value}
    for setting in company.settings:
        stays = setting.secret and setting.name in kept and setting.name not in given
        if stays and not request.form.get(f"drop-{setting.name}"):
            given[setting.name] = kept[setting.name]
    return given


def _wrong(company: Company, refused: DomainError) -> tuple[tuple[FieldError, ...], int]:
    """What the rules refused, said beside each field it is about."""
    if isinstance(refused, WrongSettings):
        names = {one.name: _short(one) for one in company.settings}
        errors = [
            FieldError(name, _ANY if company.one_of else _of(names[name], _MISSING))
            for name in refused.missing
        ]
        errors += [FieldError(name, _of(names[name], _MALFORMED)) for name in refused.wrong]
        return tuple(errors), 422
    if isinstance(refused, MerchantTaken):
        named = next((one.name for one in company.settings if one.merchant), "")
        return wrong(refused, named)
    return wrong(refused)


def _short(setting: Setting) -> Both:
    """The label without what follows a semicolon: what is taken when the field is left out."""
    return Both(setting.vi.partition(";")[0], setting.en.partition(";")[0])


def _of(name: Both, what: Both) -> Both:
    return Both(f"{name.vi}: {what.vi}", f"{name.en}: {what.en}")


def _page(
    db: Session,
    company: Company,
    errors: tuple[FieldError, ...] = (),
    typed: Mapping[str, str] | None = None,
) -> ChannelPage:
    bar = shell(db, "channels")
    [card] = [card for card in _cards(db) if card.name == company.name]
    kept = channels.settings_of(db, company.name, even_off=True) or {}
    url, may = card.url, context.actor().may(Permission.CHANNELS)
    set_up = card.status != "absent"
    before = request.args.get("before", "")
    done = histories.of(
        db, company.name, tuple(_ACTS), Cut(ids.read("act", before) if before else None)
    )
    return ChannelPage(
        shell=bar,
        parts=parts(bar),
        card=card,
        fields=_fields(company, kept, typed),
        one_of=company.one_of,
        history=tuple(_done(act) for act in done.rows),
        errors=errors,
        notice=_NOTICES.get(request.args.get("done", "")),
        save_url=url if may else "",
        test_url=f"{url}/test" if may and set_up else "",
        switch_url=f"{url}/switch" if may and set_up else "",
        calls_url=with_query(CALLS, source=company.name) if set_up else "",
        back_url=_LIST,
        pager=Pager(
            url if before else "",
            with_query(url, before=ids.shown("act", done.next)) if done.next else "",
        ),
    )


def _fields(
    company: Company, kept: Mapping[str, str], typed: Mapping[str, str] | None
) -> tuple[SettingField, ...]:
    shown = kept if typed is None else typed
    return tuple(
        SettingField(
            name=one.name,
            label=Both(one.vi, one.en),
            secret=one.secret,
            needed=one.needed,
            value="" if one.secret else shown.get(one.name, ""),
            kept=one.name in kept,
            drop=one.secret and not one.needed and one.name in kept,
        )
        for one in company.settings
    )


def _cards(db: Session) -> list[Card]:
    here = {one.gateway: one for one in channels.listed(db)}
    today = {one.gateway: one for one in takings.by_way(db, business_day(context.now()))}
    code = billers.code_of(db)
    return [
        _card(db, company, here.get(company.name), today.get(company.name), code)
        for company in registry.CHANNELS.values()
    ]


def _card(
    db: Session, company: Company, set_up: Channel | None, today: Taking | None, code: str
) -> Card:
    name, check = company.name, set_up.check if set_up else None
    pays = Both(company.payers_vi, company.payers_en)
    return Card(
        name=name,
        label=company.label,
        does=pays if company.payers_vi else _TELLS,
        status="absent" if set_up is None else "on" if set_up.enabled else "off",
        url=f"{_LIST}/{name}",
        address=f"{context.runtime().config.public_url}/webhooks/{name}/{code}",
        updated_at=set_up.updated_at if set_up else None,
        check="untried" if check is None else "works" if check.ok else "fails",
        found=Both(check.vi, check.en) if check else None,
        checked_at=set_up.checked_at if set_up else None,
        held=_held(db, name) if set_up else None,
        count=today.payments if today else 0,
        amount=today.amount if today else 0,
    )


def _held(db: Session, name: str) -> int | None:
    gateway = context.runtime().gateways.get(name)
    if gateway is None or not gateway.holds_money:
        return None
    return ledger.balance(db, accounts.gateway(name))


def _done(act: Act) -> Done:
    changed: Sequence[str] = act.detail.get("changed", act.detail.get("fields", ()))
    what = _ACTS[act.action]
    if act.action == "channel.check":
        what = _TESTED[bool(act.detail.get("ok"))]
    elif act.action == "channel.put" and not changed:
        what = _UNCHANGED
    return Done(act.at, what, act.by, ", ".join(changed))


ROUTES: Final = (
    ("GET", _LIST, listed),
    ("GET", _ONE, one),
    ("POST", _ONE, save),
    ("POST", f"{_ONE}/test", test),
    ("POST", f"{_ONE}/switch", switch),
)

"""Channels: a biller's settings at a gateway. What was set can be replaced, never read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field, StringConstraints

from adapters import registry
from adapters.company import Company
from ops import calling
from payments import channels
from payments.domain.errors import NotFound
from payments.domain.people import Permission
from web import context
from web.api.creating import as_json
from web.api.shapes import Answer, Asked, InPath
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "channels",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="channels", description="A biller's settings at a gateway.")],
)

MASK: Final = "••••"
_TELLING: Final = 16
"""A secret of this length keeps enough to itself when its last four signs are shown."""

Value = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")]


class ChannelAsk(Asked):
    """Every setting of the channel, in place of those before; `GET /channels` lists them."""

    settings: Annotated[dict[str, Value], Field(min_length=1, max_length=20)]


class ChannelAnswer(Answer):
    """What is set. Secrets are masked: at most their last four signs are shown."""

    gateway: str
    enabled: bool = True
    settings: Mapping[str, str]


class SwitchAsk(Asked):
    """Whether payers are offered the channel."""

    enabled: bool


class CheckAnswer(Answer):
    """What a try of the settings found; no money moved."""

    gateway: str
    ok: bool
    message_vi: str
    message_en: str


class SettingAnswer(Answer):
    """One field that a channel takes."""

    name: str
    label_vi: str
    label_en: str
    secret: bool
    needed: bool


class OfferAnswer(Answer):
    """One channel that there is, and whether this biller has set it up."""

    gateway: str
    label: str
    takes: Sequence[SettingAnswer]
    any_one_is_enough: bool
    set_up: bool
    enabled: bool
    last_check_ok: bool | None


class OfferList(Answer):
    """Every channel, by name."""

    items: Sequence[OfferAnswer]


class ChannelPath(InPath):
    """One gateway."""

    gateway: str


@bp.get("/channels", responses={200: OfferList})
@requires(Permission.READ)
def list_channels() -> Response:
    """List the channels there are, what each takes, and which are set up."""
    with context.transaction() as db:
        here = {one.gateway: one for one in channels.listed(db)}
    offers = [_offer(one, here.get(name)) for name, one in sorted(registry.CHANNELS.items())]
    return as_json(OfferList(items=offers))


@bp.put("/channels/<gateway>", responses={200: ChannelAnswer})
@requires(Permission.CHANNELS)
def put_channel(path: ChannelPath, body: ChannelAsk) -> Response:
    """Set a channel up, or replace its settings; whoever may do this decides whom we believe."""
    with context.transaction() as db:
        kept = calling.set_up(
            context.runtime(), db, path.gateway, body.settings, by=context.actor()
        )
        enabled = channels.settings_of(db, path.gateway) is not None
    return as_json(_masked(path.gateway, kept, enabled=enabled))


@bp.get("/channels/<gateway>", responses={200: ChannelAnswer})
@requires(Permission.READ)
def get_channel(path: ChannelPath) -> Response:
    """Show which settings a channel has, with their values masked."""
    with context.transaction() as db:
        found = channels.settings_of(db, path.gateway, even_off=True)
        enabled = channels.settings_of(db, path.gateway) is not None
    if found is None:
        raise NotFound("Kênh này chưa được thiết lập.", "This channel has not been set up.")
    return as_json(_masked(path.gateway, found, enabled=enabled))


@bp.post("/channels/<gateway>/switch", responses={200: ChannelAnswer})
@requires(Permission.CHANNELS)
def switch_channel(path: ChannelPath, body: SwitchAsk) -> Response:
    """Offer a channel to payers, or stop offering it; what was begun before is still heard."""
    with context.transaction() as db:
        channels.switch(db, path.gateway, on=body.enabled, by=context.actor(), at=context.now())
        kept = channels.settings_of(db, path.gateway, even_off=True) or {}
    return as_json(_masked(path.gateway, kept, enabled=body.enabled))


@bp.post("/channels/<gateway>/test", responses={200: CheckAnswer})
@requires(Permission.CHANNELS)
def test_channel(path: ChannelPath) -> Response:
    """Try the settings at the gateway without moving money."""
    found = calling.check(
        context.runtime(), context.caller().biller_id, path.gateway, by=context.actor()
    )
    answer = CheckAnswer(
        gateway=path.gateway, ok=found.ok, message_vi=found.vi, message_en=found.en
    )
    return as_json(answer)


def _offer(company: Company, here: channels.Channel | None) -> OfferAnswer:
    return OfferAnswer(
        gateway=company.name,
        label=company.label,
        takes=[
            SettingAnswer(
                name=one.name,
                label_vi=one.vi,
                label_en=one.en,
                secret=one.secret,
                needed=one.needed,
            )
            for one in company.settings
        ],
        any_one_is_enough=company.one_of,
        set_up=here is not None,
        enabled=here is not None and here.enabled,
        last_check_ok=None if here is None or here.check is None else here.check.ok,
    )


def _masked(gateway: str, settings: Mapping[str, str], *, enabled: bool) -> ChannelAnswer:
    open_ = {one.name for one in registry.CHANNELS[gateway].settings if not one.secret}
    shown = {
        name: value if name in open_ else MASK + (value[-4:] if len(value) >= _TELLING else "")
        for name, value in sorted(settings.items())
    }
    return ChannelAnswer(gateway=gateway, enabled=enabled, settings=shown)

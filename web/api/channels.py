"""Channels: a biller's settings at a gateway. What was set can be replaced, never read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field, StringConstraints

from adapters import registry
from payments import channels
from payments.domain.errors import Invalid, NotFound
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

Secret = Annotated[str, StringConstraints(min_length=8, max_length=500, pattern=r"^[\x21-\x7e]+$")]


class ChannelAsk(Asked):
    """Every setting of the channel, in place of those before. sepay: secret or api_key."""

    settings: Annotated[dict[str, Secret], Field(min_length=1, max_length=10)]


class ChannelAnswer(Answer):
    """What is set. Secrets are masked: at most their last four signs are shown."""

    gateway: str
    settings: Mapping[str, str]


class ChannelPath(InPath):
    """One gateway."""

    gateway: str


@bp.put("/channels/<gateway>", responses={200: ChannelAnswer})
@requires(Permission.CHANNELS)
def put_channel(path: ChannelPath, body: ChannelAsk) -> Response:
    """Set a channel up, or replace its settings; whoever may do this decides whom we believe."""
    _check(path.gateway, body.settings)
    with context.transaction() as db:
        channels.put(db, path.gateway, body.settings, by=context.actor(), at=context.now())
    return as_json(_masked(path.gateway, body.settings))


@bp.get("/channels/<gateway>", responses={200: ChannelAnswer})
@requires(Permission.READ)
def get_channel(path: ChannelPath) -> Response:
    """Show which settings a channel has, with their values masked."""
    with context.transaction() as db:
        found = channels.settings_of(db, path.gateway)
    if found is None:
        raise NotFound("Kênh này chưa được thiết lập.", "This channel has not been set up.")
    return as_json(_masked(path.gateway, found))


def _check(gateway: str, settings: Mapping[str, str]) -> None:
    known = registry.CHANNEL_SETTINGS.get(gateway)
    if known is None:
        raise NotFound("Không có kênh này.", "There is no such channel.")
    if not set(settings) <= set(known):
        names = ", ".join(known)
        raise Invalid(f"Kênh {gateway} nhận: {names}.", f"The channel {gateway} takes: {names}.")


def _masked(gateway: str, settings: Mapping[str, str]) -> ChannelAnswer:
    shown = {
        name: MASK + (value[-4:] if len(value) >= _TELLING else "")
        for name, value in sorted(settings.items())
    }
    return ChannelAnswer(gateway=gateway, settings=shown)

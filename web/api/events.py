"""Events: what happened, in an order that never changes; for systems that poll."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from payments.domain.people import Permission
from payments.queries import events as reads
from payments.queries import paging
from web import context
from web.api.creating import as_json
from web.api.shapes import Answer, EventId, Limit, Moment, Queried, Whole
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "events",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="events", description="What happened, by position.")],
)

FURTHEST: Final = 2**63 - 1


class EventAnswer(Answer):
    """Something that happened. kind: such as payment.received; data: ids and amounts."""

    id: EventId
    position: int
    kind: str
    at: Moment
    data: Mapping[str, Any]


class EventList(Answer):
    """Events, oldest first. after: put it into `after` for those that follow, now or later."""

    items: Sequence[EventAnswer]
    after: int


class EventsQuery(Queried):
    """after: the position that was read last; 0 is the beginning."""

    after: Annotated[int, Field(ge=0, le=FURTHEST), Whole] = 0
    limit: Limit = paging.USUAL


@bp.get("/events", responses={200: EventList})
@requires(Permission.READ)
def list_events(query: EventsQuery) -> Response:
    """List what happened beyond a position, oldest first.

    A fact gets its position within a minute, and none that is smaller appears later.
    """
    with context.transaction() as db:
        found = reads.events(db, after=query.after, limit=query.limit)
    items = [
        EventAnswer(id=one.id, position=one.position, kind=one.kind, at=one.at, data=one.body)
        for one in found
    ]
    return as_json(EventList(items=items, after=items[-1].position if items else query.after))

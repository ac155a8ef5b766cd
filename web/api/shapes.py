"""Types of the fields in requests and answers; openapi.json is made from them.

Money is a whole number of đồng from 0 to 999,999,999,999 beside `"currency": "VND"`. Strict
types refuse 1.5, "581000" and true where a number is meant. Ids carry the kind of thing they
name (`inv_…`), days are Hanoi's, moments are ISO 8601 with an offset and leave as +07:00.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.annotated_handlers import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from payments.domain import ids
from payments.domain.calendar import HANOI
from payments.domain.errors import NotFound
from payments.domain.money import MOST
from payments.queries import paging

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_SYMBOLS: Final = "0-9a-hjkmnp-tv-z"

# Something to read, and no control characters: PostgreSQL has no NUL, and no list has lines.
_PRINTED: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"


# What is looked for may be empty, or blanks: it then finds nothing. Only a NUL cannot be asked for.
NO_NUL: Final = r"^[^\x00]*$"


class Shape(BaseModel):
    """What all shapes share."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The schema, made once: the parser of queries asks for it in every request."""
        return _schema(cls, args, tuple(sorted(kwargs.items())))

    @classmethod
    def _made_schema(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        return super().model_json_schema(*args, **kwargs)


@cache
def _schema(
    shape: type[Shape], args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]
) -> dict[str, Any]:
    return shape._made_schema(args, dict(kwargs))


class Asked(Shape):
    """A body: strict, and an unknown field is an error rather than a silent loss."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, title=None
    )


class Queried(Shape):
    """The query of an address. Errors name the parameter, by the title."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, title="query")


class InPath(Shape):
    """The ids in an address: what is no id is answered like one that nobody has."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Answer(Shape):
    """What leaves. Fields may be added later, so readers ignore those they do not know."""

    model_config = ConfigDict(frozen=True)


class _Typed:
    """A field with its own reading, writing and schema."""

    def __init__(self, schema: JsonSchemaValue) -> None:
        self.schema = schema

    def read(self, value: Any) -> Any:
        """The value of what came in, or of what we answer with."""
        raise NotImplementedError

    def written(self, value: Any) -> str:
        """The text that leaves."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, _source: type[Any], _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.written, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.schema)


class Shown(_Typed):
    """An id as the outside sees it. in_path: anything else is NotFound and not a wrong field."""

    def __init__(self, kind: str, *, in_path: bool = False) -> None:
        self._kind, self._in_path = kind, in_path
        super().__init__({"type": "string", "pattern": f"^{kind}_[0-7][{_SYMBOLS}]{{25}}$"})

    def read(self, value: Any) -> UUID:
        """A UUID of ours stays; a text is read."""
        if isinstance(value, UUID):
            return value
        try:
            return ids.read(self._kind, value if isinstance(value, str) else "")
        except NotFound:
            if self._in_path:
                raise
            raise PydanticCustomError("id", "an id like {kind}_…", {"kind": self._kind}) from None

    def written(self, value: UUID) -> str:
        """Such as inv_01k…"""
        return ids.shown(self._kind, value)


class _Day(_Typed):
    def read(self, value: Any) -> date:
        """A date; a text is YYYY-MM-DD and nothing else."""
        if isinstance(value, date):
            return value
        try:
            found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
        except (ValueError, TypeError):
            found = None
        if found is None:
            raise PydanticCustomError("day", "a day like 2026-01-31")
        return found

    def written(self, value: date) -> str:
        """Such as 2026-01-31."""
        return value.isoformat()


class _Moment(_Typed):
    def read(self, value: Any) -> datetime:
        """A moment; a text is RFC 3339, with its offset."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value) if _MOMENT.fullmatch(value) else None
        except (ValueError, TypeError):
            found = None
        if found is None:
            raise PydanticCustomError("moment", "a moment like 2026-01-31T23:59:59+07:00")
        return found

    def written(self, value: datetime) -> str:
        """In Hanoi's time, to the millisecond."""
        return value.astimezone(HANOI).isoformat(timespec="milliseconds")


def _digits(value: Any) -> Any:
    """A whole number of a query as it is written, and in no other way (" 1", "+1", "1_0")."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,19}", value) else ""
    return value


def _yes_or_no(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, "") if isinstance(value, str) else value


InvoiceId = Annotated[UUID, Shown("inv")]
OrderId = Annotated[UUID, Shown("ord")]
AttemptId = Annotated[UUID, Shown("att")]
PaymentId = Annotated[UUID, Shown("pay")]
AllocationId = Annotated[UUID, Shown("alc")]
RefundId = Annotated[UUID, Shown("ref")]
PayoutId = Annotated[UUID, Shown("pot")]
AccountId = Annotated[UUID, Shown("acc")]
ReceiptId = Annotated[UUID, Shown("rcp")]
FileId = Annotated[UUID, Shown("fil")]
RunId = Annotated[UUID, Shown("run")]
DiscrepancyId = Annotated[UUID, Shown("dis")]
LineId = Annotated[UUID, Shown("lin")]
EventId = Annotated[UUID, Shown("evt")]
PersonId = Annotated[UUID, Shown("per")]

Dong = Annotated[int, Field(ge=0, le=MOST, examples=[581_000])]
"""0 to 999,999,999,999 đồng."""

SomeDong = Annotated[int, Field(ge=1, le=MOST, examples=[581_000])]
"""1 to 999,999,999,999 đồng."""

SignedDong = Annotated[int, Field(ge=-MOST, le=MOST)]
"""A reduction is negative."""

Sum = int
"""A sum over many amounts, which may pass what a single one may hold."""

Vnd = Literal["VND"]
Day = Annotated[date, _Day({"type": "string", "format": "date", "examples": ["2026-01-31"]})]
Moment = Annotated[
    datetime,
    _Moment({"type": "string", "format": "date-time", "examples": ["2026-01-31T23:59:59+07:00"]}),
]

Text20 = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=_PRINTED)]
Text60 = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=_PRINTED)]
Text200 = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTED)]
Text500 = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PRINTED)]

Whole = BeforeValidator(_digits)
YesOrNo = BeforeValidator(_yes_or_no)

Cursor = Annotated[
    str | None, Field(default=None, max_length=100, description="`next` of the page before.")
]
Limit = Annotated[int, Field(ge=1, le=paging.MOST), Whole]


class Listed(Queried):
    """The query of every list."""

    after: Cursor = None
    limit: Limit = paging.USUAL


A = TypeVar("A", bound=Answer)


class PageOf(Answer, Generic[A]):
    """One page of a list, newest first. next: put it into `after` for the page that follows."""

    items: Sequence[A]
    next: str | None

    @classmethod
    def of(
        cls,
        found: paging.Page[Any],
        made: Callable[[Any], A],
        seal: Callable[[UUID], str],
    ) -> Self:
        """Make the answer. made: row -> item; seal: last id -> cursor."""
        after = seal(found.next) if found.next is not None else None
        return cls(items=[made(row) for row in found.rows], next=after)

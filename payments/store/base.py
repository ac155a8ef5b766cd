"""What every table shares: the metadata, and the column types that carry a rule."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType

METADATA = MetaData()

TZ = DateTime(timezone=True)
"""A moment. Naive datetimes are refused by the database driver's round trip: always aware."""

TEXTS = ARRAY(Text)


class XID8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction number, carried as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "xid8"

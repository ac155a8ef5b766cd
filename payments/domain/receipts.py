"""What a receipt says of itself: the header that is signed and sealed, and its content's hash.

header    who issued which number for which amount; no personal data
content   what is printed: names, lines, words; hashed with a salt, so that neither the header
          nor the seal tells anything to somebody who guesses names
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payments.domain import merkle
from payments.domain.errors import Invalid

SIGNED_AS: Final = b"thuphi receipt 1"
SALT_BYTES: Final = 32
NUMBER_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of a receipt. amount: đồng; number: in its form and year, without gaps."""

    biller_id: UUID
    receipt_id: UUID
    form: str
    year: int
    number: int
    code: str
    invoice_id: UUID
    allocation_id: UUID | None
    replaces_id: UUID | None
    amount: int
    issued_at: datetime
    content_hash: bytes

    def as_json(self) -> dict[str, Any]:
        """The header as it stands in a receipt file; its canonical form is of this."""
        return {
            "type": "receipt",
            "version": 1,
            "biller": str(self.biller_id),
            "id": str(self.receipt_id),
            "form": self.form,
            "year": self.year,
            "number": self.number,
            "code": self.code,
            "invoice": str(self.invoice_id),
            "allocation": None if self.allocation_id is None else str(self.allocation_id),
            "replaces": None if self.replaces_id is None else str(self.replaces_id),
            "amount": self.amount,
            "currency": "VND",
            "issued_at": merkle.moment(self.issued_at),
            "content_hash": self.content_hash.hex(),
        }

    def canonical(self) -> bytes:
        """The bytes that are hashed into a leaf."""
        return merkle.canonical(self.as_json())

    def to_sign(self) -> bytes:
        """The bytes under the signature."""
        return SIGNED_AS + self.canonical()

    def leaf(self) -> bytes:
        """The receipt's leaf in a seal."""
        return merkle.leaf(self.canonical())


def read_header(given: Mapping[str, Any]) -> Header:
    """Undo `as_json`. Raises Invalid for anything that is no header of ours.

    A header with something added, left out or written otherwise is refused, because what
    is not in the canonical form is not under the signature.
    """
    try:
        header = Header(
            UUID(given["biller"]),
            UUID(given["id"]),
            given["form"],
            given["year"],
            given["number"],
            given["code"],
            UUID(given["invoice"]),
            None if given["allocation"] is None else UUID(given["allocation"]),
            None if given["replaces"] is None else UUID(given["replaces"]),
            given["amount"],
            datetime.fromisoformat(given["issued_at"]),
            bytes.fromhex(given["content_hash"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _no_header() from error
    if header.as_json() != given:
        raise _no_header()
    return header


def content_hash(salt: bytes, content: Mapping[str, merkle.Plain]) -> bytes:
    """SHA-256 of the salt and the canonical content. salt: 32 random bytes, kept with it."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(salt + merkle.canonical(content)).digest()


def _no_header() -> Invalid:
    return Invalid(
        "Phần đầu của tệp biên nhận không đúng dạng.",
        "The receipt file's header is not of the expected form.",
    )

"""What a receipt says of itself: the header that is signed and sealed, and what is printed.

header    who issued which number for which amount; no personal data
content   what is printed: names, lines, words; hashed with a salt, so that neither the header
          nor the seal tells anything to somebody who guesses names
code      what a stranger types to check it: sixteen random symbols in groups of four
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payments.domain import merkle
from payments.domain.codes import ALPHABET, LOOK_ALIKES
from payments.domain.errors import Invalid
from payments.domain.seals import Proof
from payments.domain.states import ReceiptStatus

FILE_FORMAT: Final = "thuphi-receipt-1"
SIGNED_AS: Final = b"thuphi receipt 1"
SALT_BYTES: Final = 32
NUMBER_DIGITS: Final = 7
CODE_LENGTH: Final = 16
"""Random symbols of a public code: 29^16 is 77 bits, beyond any guessing."""

_GROUP = 4
_LETTERS = re.compile(r"[A-Z]+")


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


@dataclass(frozen=True, slots=True)
class Item:
    """One printed line. unit_price: đồng; amount: đồng, negative for a reduction."""

    name: str
    kind: str
    unit: str
    quantity: int
    unit_price: int
    amount: int


@dataclass(frozen=True, slots=True)
class Content:
    """What is printed, as it was when the receipt was issued. Amounts in đồng.

    amount: what this receipt is for; bill_amount: the whole bill, which other receipts may
    share. way: the gateway the money came by; received_at: None on a 0 đ confirmation.
    """

    biller: str
    biller_address: str
    biller_tax_code: str
    kind: str
    title: str
    period: str
    bill_reference: str
    bill_amount: int
    items: tuple[Item, ...]
    beneficiary: str
    beneficiary_code: str
    group: str
    payer: str
    amount: int
    in_words: str
    payment_code: str
    bank_reference: str
    way: str
    received_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The content as it is kept, hashed and exported."""
        said = asdict(self)
        said["items"] = [asdict(item) for item in self.items]
        said["received_at"] = None if self.received_at is None else merkle.moment(self.received_at)
        return said


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as a page prints it. content: None once it was erased on request.

    proof: None until the next seal. replaced_by: the receipt that took its place.
    """

    header: Header
    series: str
    status: ReceiptStatus
    content: Content | None
    salt: bytes
    signature: bytes
    proof: Proof | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    replaced_by: UUID | None

    @property
    def number(self) -> str:
        """The number as printed: seven digits."""
        return f"{self.header.number:0{NUMBER_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What the public check may show, and three tests. Names are masked.

    live: the number exists and was not cancelled. unchanged: the signature is ours and, unless
    it was erased, the content is the one that was signed. sealed: None = not yet in a seal.
    booked: the ledger holds the amount (always so for 0 đ).
    """

    number: str
    form: str
    series: str
    biller: str
    title: str
    amount: int
    beneficiary: str
    issued_at: datetime
    received_at: datetime | None
    live: bool
    unchanged: bool
    booked: bool
    sealed: bool | None
    erased: bool
    cancelled_at: datetime | None
    cancel_reason: str | None
    replaced_by: UUID | None
    proof: Proof | None


def read_content(given: Mapping[str, Any]) -> Content:
    """Undo `as_json`."""
    at = given["received_at"]
    return Content(
        **{
            **given,
            "items": tuple(Item(**item) for item in given["items"]),
            "received_at": None if at is None else datetime.fromisoformat(at),
        }
    )


def new_code() -> str:
    """A public code: unguessable, easy to read aloud and to type."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def grouped(code: str) -> str:
    """The code as it is shown: "7K2M-9QX4-0217-ACDE"."""
    return "-".join(code[i : i + _GROUP] for i in range(0, len(code), _GROUP))


def folded(typed: str) -> str:
    """The code behind what somebody typed: case, dashes, blanks and look-alikes do not matter."""
    symbols = (LOOK_ALIKES.get(symbol, symbol) for symbol in typed.upper() if symbol.isalnum())
    return "".join(symbols)


def series(biller_code: str, year: int) -> str:
    """The reference beside the form number: letters of the biller and the year, "HS26"."""
    letters = _LETTERS.findall(biller_code)
    return f"{letters[-1] if letters else 'TP'}{year % 100:02d}"


def masked(name: str) -> str:
    """A name that its owner knows again and nobody else learns: "T••• G•• B••"."""
    return " ".join(word[0] + "•" * (len(word) - 1) for word in name.split())


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

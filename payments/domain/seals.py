"""Seals: what is hashed, chained and signed, and how anyone can check it. Pure.

leaf      a journal with its transfers, or a receipt's header, in canonical form (merkle.py)
root      the Merkle root of one seal's leaves: journals by position, then receipts
chained   SHA-256(0x02 ‖ canonical seal), where the canonical seal names the one before, so
          that no seal can be taken out or swapped
signature Ed25519 over "thuphi seal 1" ‖ chained; checked in payments/sealing.py
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payments.domain import merkle
from payments.domain.errors import Invalid

FIRST_PREVIOUS: Final = bytes(32)
"""What stands before a biller's first seal."""

SIGNED_AS: Final = b"thuphi seal 1"
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal of one biller. leaves: journals and receipts together.

    A seal of receipts alone has last_position = first_position - 1.
    """

    biller_id: UUID
    number: int
    first_position: int
    last_position: int
    leaves: int
    root: bytes
    previous: bytes
    sealed_at: datetime

    def chained(self) -> bytes:
        """The hash that stands for this seal and all before it."""
        fact: dict[str, merkle.Plain] = {
            "type": "seal",
            "version": 1,
            "biller": str(self.biller_id),
            "number": self.number,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "leaves": self.leaves,
            "root": self.root.hex(),
            "previous": self.previous.hex(),
            "sealed_at": merkle.moment(self.sealed_at),
        }
        return hashlib.sha256(b"\x02" + merkle.canonical(fact)).digest()


@dataclass(frozen=True, slots=True)
class Proof:
    """That one leaf is in one seal: the neighbours on the way to its root, and the seal."""

    seal: Seal
    index: int
    steps: tuple[bytes, ...]
    signature: bytes
    public_key: bytes

    def leads_from(self, leaf: bytes) -> bool:
        """Whether the path from this leaf arrives at the seal's root."""
        reached = merkle.climb(leaf, index=self.index, size=self.seal.leaves, steps=self.steps)
        return reached == self.seal.root

    def as_json(self) -> dict[str, Any]:
        """The form in which a proof travels in a receipt file: hashes in hex."""
        seal = self.seal
        return {
            "seal": {
                "biller": str(seal.biller_id),
                "number": seal.number,
                "first_position": seal.first_position,
                "last_position": seal.last_position,
                "leaves": seal.leaves,
                "root": seal.root.hex(),
                "previous": seal.previous.hex(),
                "sealed_at": merkle.moment(seal.sealed_at),
            },
            "chained": seal.chained().hex(),
            "signature": self.signature.hex(),
            "public_key": self.public_key.hex(),
            "index": self.index,
            "path": [step.hex() for step in self.steps],
        }


def read_proof(given: Mapping[str, Any]) -> Proof:
    """Undo `as_json`. Raises Invalid for anything that is no proof."""
    try:
        seal = given["seal"]
        return Proof(
            Seal(
                UUID(seal["biller"]),
                int(seal["number"]),
                int(seal["first_position"]),
                int(seal["last_position"]),
                int(seal["leaves"]),
                _hash(seal["root"]),
                _hash(seal["previous"]),
                datetime.fromisoformat(seal["sealed_at"]),
            ),
            int(given["index"]),
            tuple(_hash(step) for step in given["path"]),
            bytes.fromhex(given["signature"]),
            bytes.fromhex(given["public_key"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(
            "Phần chứng minh niêm phong trong tệp không đọc được.",
            "The seal proof in the file cannot be read.",
        ) from error


def journal_leaf(
    *,
    biller_id: UUID,
    position: int,
    journal_id: UUID,
    event_key: str,
    kind: str,
    days: tuple[str, str],
    posted_at: datetime,
    actor_id: UUID | None,
    reverses: UUID | None,
    transfers: Sequence[tuple[str, str, int]],
) -> bytes:
    """The leaf of a journal. days: business day and fact day, ISO; transfers: debit, credit, đồng.

    Its id is random, so the hash says nothing about the content to those who do not have it.
    """
    fact: dict[str, merkle.Plain] = {
        "type": "journal",
        "version": 1,
        "biller": str(biller_id),
        "position": position,
        "id": str(journal_id),
        "event_key": event_key,
        "kind": kind,
        "business_day": days[0],
        "fact_day": days[1],
        "posted_at": merkle.moment(posted_at),
        "actor": None if actor_id is None else str(actor_id),
        "reverses": None if reverses is None else str(reverses),
        "transfers": [list(transfer) for transfer in transfers],
    }
    return merkle.leaf(merkle.canonical(fact))


def _hash(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != _HASH_BYTES:
        raise ValueError("a hash has 32 bytes")
    return value

"""`thuphi verify-receipt FILE-or-code`: is this receipt genuine?

A file (`payments.receipts.export`) is tested without any server: the content against its salted
hash, the header against the signature, the leaf against the seal, all under public keys that the
verifier trusts. The key inside the file is never one of them. A code asks the service's database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from payments import receipts, sealing
from payments.domain import receipts as papers
from payments.domain.errors import Invalid
from payments.domain.receipts import Header
from payments.domain.seals import read_proof
from payments.store.sessions import Sessions

LARGEST_FILE: Final = 1_000_000
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tested. ok: None = nothing to test yet, which spoils nothing."""

    name: str
    ok: bool | None
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. header: number, amount and day as the receipt says them."""

    header: Mapping[str, Any]
    findings: Sequence[Finding]

    @property
    def genuine(self) -> bool:
        """Whether no test failed."""
        return all(finding.ok is not False for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "genuine": self.genuine,
            "receipt": dict(self.header),
            "tests": [
                {"test": one.name, "ok": one.ok, "vi": one.vi, "en": one.en}
                for one in self.findings
            ],
        }


def public_key(text: str) -> bytes:
    """Read a trusted public key: 64 hexadecimal digits. Raises Invalid."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise Invalid(
            "Khóa công khai là 64 ký tự thập lục phân.", "A public key is 64 hexadecimal digits."
        )
    return key


def of_file(path: Path, *, keys: Sequence[bytes]) -> Verdict:
    """Finding a receipt file. Raises Invalid for a file that is none, or without a trusted key."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("too large")
        given = json.loads(path.read_bytes())
        if not isinstance(given, dict):
            raise TypeError("not an object")
    except (OSError, RecursionError, TypeError, ValueError) as error:
        raise Invalid(
            f"Không đọc được {path}: cần tệp biên nhận JSON tải từ Thuphi.",
            f"{path} cannot be read: a receipt file (JSON) exported by Thuphi is needed.",
        ) from error
    return of_export(given, keys=keys)


def of_export(given: Mapping[str, Any], *, keys: Sequence[bytes]) -> Verdict:
    """Finding what `payments.receipts.export` gave. Pure."""
    if given.get("format") != papers.FILE_FORMAT:
        raise Invalid(
            f"Đây không phải tệp biên nhận “{papers.FILE_FORMAT}”.",
            f"This is not a receipt file of the format “{papers.FILE_FORMAT}”.",
        )
    if not keys:
        raise Invalid(
            "Cần khóa công khai của nơi cấp: thêm --public-key.",
            "The issuer's public key is needed: add --public-key.",
        )
    header = papers.read_header(given.get("header") or {})
    findings = [
        _signature(header, given, keys),
        _content(header, given),
        _proof(header, given, keys),
    ]
    return Verdict(header.as_json(), findings)


def of_code(sessions: Sessions, code: str) -> Verdict:
    """Finding a receipt by its public code. Raises NotFound when there is none."""
    with sessions.begin(None) as db:
        biller_id, receipt_id = receipts.find(db, code)
    with sessions.begin(biller_id) as db:
        found = receipts.check(db, receipt_id)
        header = receipts.view(db, receipt_id).header
    findings = [
        Finding("live", found.live, "Số này có và chưa bị hủy", "The number exists, not cancelled"),
        Finding(
            "unchanged", found.unchanged, "Nội dung và chữ ký đúng", "Content and signature hold"
        ),
        Finding("booked", found.booked, "Số tiền khớp sổ cái", "The ledger holds the amount"),
        _sealed(found.sealed),
    ]
    return Verdict(header.as_json(), findings)


def _signature(header: Header, given: Mapping[str, Any], keys: Sequence[bytes]) -> Finding:
    signature = _bytes(given.get("signature"))
    ok = signature is not None and sealing.signed_receipt(header, signature, keys)
    return Finding(
        "signature",
        ok,
        "Chữ ký số của nơi cấp",
        "Signature of the issuer",
    )


def _content(header: Header, given: Mapping[str, Any]) -> Finding:
    vi, en = "Nội dung in trên biên nhận", "What is printed on the receipt"
    content, salt = given.get("content"), _bytes(given.get("salt"))
    if content is None:
        return Finding("content", None, f"{vi}: không có trong tệp", f"{en}: not in the file")
    try:
        same = salt is not None and papers.content_hash(salt, content) == header.content_hash
        ok = same and content.get("amount") == header.amount
    except (AttributeError, RecursionError, TypeError, ValueError):
        ok = False
    return Finding("content", ok, vi, en)


def _proof(header: Header, given: Mapping[str, Any], keys: Sequence[bytes]) -> Finding:
    if given.get("proof") is None:
        return _sealed(None)
    proof = read_proof(given["proof"])
    ours = proof.seal.biller_id == header.biller_id
    return _sealed(ours and any(sealing.verify(proof, header.leaf(), key) for key in keys))


def _sealed(ok: bool | None) -> Finding:
    if ok is None:
        return Finding(
            "seal",
            None,
            "Niêm phong sổ cái: chờ lần niêm phong tới",
            "Seal of the ledger: in the next one",
        )
    return Finding("seal", ok, "Niêm phong sổ cái", "Seal of the ledger")


def _bytes(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None

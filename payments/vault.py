"""Vault: personal fields, raw files and gateway secrets, encrypted under keys that can be dropped.

ring      32-byte keys from the environment, by name. They never touch the database.
data key  one per person, file or channel, in `data_key`, wrapped by the ring's current key.
sealed    what a row holds: AES-256-GCM under a data key, bound to its biller, its data key and
          a context that names the row ("payer:<id>"), so that it cannot be moved elsewhere.

To erase a person is to drop the wrapped key: the books stay, the fields are noise for good.

Limits. A nonce is 96 random bits, which NIST SP 800-38D allows for 2^32 seals under one key;
the largest user is a statement file, with one seal a line. The names of ring keys and the
sizes of fields are not hidden.

The ring travels with the transaction (`Sessions(engine, ring=ring)`), so a verb says
`vault.seal(db, key_id, fields, context=…)` and no key is ever a global.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import any_, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import NotFound, Unavailable
from payments.store.billers import data_key
from payments.store.sessions import biller_of, ring_of

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = 1
_BYTES, _JSON = 0, 1  # what was sealed: the second byte of the header
_HEADER: Final = 2 + _NONCE_BYTES
_OF_FIELDS: Final = bytes((_VERSION, _JSON))
_DRAWN: Final = 256  # nonces at a time
_OPEN: Final = "vault.open_keys"
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class VaultError(Unavailable):
    """A sealed field cannot be opened. Says nothing about why, on purpose.

    The ring lacks the key, or the bytes were cut, changed or moved from another row.
    """

    slug = "vault"
    title_vi = "Không mở được dữ liệu đã mã hóa"
    title_en = "Encrypted data cannot be opened"


class KeyErased(NotFound):
    """The data were erased on request: their key is gone and nobody can read them."""

    slug = "erased"
    title_vi = "Dữ liệu cá nhân đã được xóa theo yêu cầu"
    title_en = "The personal data were erased on request"


class Erased(Enum):
    """Stands in a list where erased fields would be."""

    ERASED = "erased"


ERASED: Final = Erased.ERASED


class Envelope(NamedTuple):
    """A sealed field as a row holds it, with the context it was sealed in."""

    key_id: UUID
    sealed: bytes
    context: str


@dataclass(frozen=True)
class KeyRing:
    """The keys of an installation. Nothing of them shows in a repr, a log line or an error.

    keys: name -> 32 bytes. New data keys are wrapped by `current`; the others still open
    what they wrapped until `rotation.rewrap` has moved it. Look-ups are derived from the first key,
    which therefore stays first until every blind index has been computed anew.
    signing: signs receipts and seals; None in a process that signs nothing.
    retired: public keys of signing keys used before, 32 bytes each: still believed.
    """

    keys: Mapping[str, bytes] = field(repr=False)
    current: str
    signing: Ed25519PrivateKey | None = field(default=None, repr=False)
    retired: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError(f"the key ring has no key {self.current!r}")
        if any(len(key) != _KEY_BYTES for key in self.keys.values()):
            raise ValueError(f"every key of the ring has {_KEY_BYTES} bytes")

    @classmethod
    def read(cls, text: str, *, signing: str | None = None) -> KeyRing:
        """Read "name:base64" pairs, split by commas or white space; the last is current.

        signing: the 32-byte Ed25519 seed in base64, and after it the public keys of seeds
        used before. Raises ValueError that names the bad pair and never shows a key.
        """
        keys: dict[str, bytes] = {}
        for place, pair in enumerate(text.replace(",", " ").split(), 1):
            name, colon, coded = pair.partition(":")
            if not colon or not name or name in keys:
                raise ValueError(f"key {place} of the ring is not a new name:base64 pair")
            keys[name] = _decoded(coded, f"key {name!r}")
        if not keys:
            raise ValueError("the key ring is empty")
        seeds = [
            _decoded(coded, "the signing key" if place == 0 else f"old public key {place}")
            for place, coded in enumerate((signing or "").replace(",", " ").split())
        ]
        signer = Ed25519PrivateKey.from_private_bytes(seeds[0]) if seeds else None
        return cls(keys, next(reversed(keys)), signer, tuple(seeds[1:]))

    def believed(self) -> tuple[bytes, ...]:
        """The public keys whose signatures are ours: the current one first."""
        if self.signing is None:
            return self.retired
        return (self.signing.public_key().public_bytes_raw(), *self.retired)


def ring(db: Session) -> KeyRing:
    """Return the ring this transaction was opened with. Raises LookupError if there is none."""
    found = ring_of(db)
    if not isinstance(found, KeyRing):
        raise LookupError("this transaction was opened without a key ring")
    return found


def new_key(db: Session, *, at: datetime) -> UUID:
    """Make a data key for one person, file or channel of this transaction's biller."""
    made = fresh_key(db)
    db.execute(insert(data_key).values(biller_id=biller_of(db), created_at=at, **made._asdict()))
    return made.id


class FreshKey(NamedTuple):
    """A data key that no row holds yet: the columns of `data_key`."""

    id: UUID
    ring_key: str
    wrapped: bytes


def fresh_key(db: Session) -> FreshKey:
    """Make a data key and leave writing it to the caller, in this very transaction.

    For rows that may not be written after all: their key would be left over.
    """
    biller_id, key_id = biller_of(db), ids.new()
    plain = secrets.token_bytes(_KEY_BYTES)
    _open_keys(db)[key_id] = AESGCM(plain)
    current = ring(db)
    return FreshKey(key_id, current.current, _wrap(current, biller_id, key_id, plain))


def seal(db: Session, key_id: UUID, plain: Mapping[str, Any] | bytes, *, context: str) -> bytes:
    """Encrypt fields (as JSON) or raw bytes for one row.

    context: names the row and is needed again to open it, e.g. "payer:<id>". Raises
    KeyErased when the key was dropped, VaultError when this biller has no such key.
    """
    key = _key_to_seal(db, key_id)
    if isinstance(plain, bytes):
        kind, body = _BYTES, plain
    else:
        kind, body = _JSON, _COMPACT.encode(plain).encode()
    header = bytes((_VERSION, kind)) + secrets.token_bytes(_NONCE_BYTES)
    bound = _bound(kind, biller_of(db), key_id, context)
    return header + key.encrypt(header[2:], body, bound)


class Sealer:
    """Seals the fields of many rows under one key, such as the lines of a file; see `seal`.

    Random bits are drawn for many nonces at once. Raises as `seal` does, when it is made. Not to
    be kept beyond its transaction: a fork would use the same nonces again.
    """

    def __init__(self, db: Session, key_id: UUID) -> None:
        self._key = _key_to_seal(db, key_id)
        self._bound = _bound(_JSON, biller_of(db), key_id, "")
        self._nonces: Iterator[bytes] = iter(())

    def seal(self, plain: Mapping[str, Any], *, context: str) -> bytes:
        """Encrypt fields for one row. context: names it, see `seal`."""
        nonce = next(self._nonces, None)
        if nonce is None:
            drawn = secrets.token_bytes(_NONCE_BYTES * _DRAWN)
            self._nonces = (
                drawn[at : at + _NONCE_BYTES] for at in range(0, len(drawn), _NONCE_BYTES)
            )
            nonce = next(self._nonces)
        body = _COMPACT.encode(plain).encode()
        return _OF_FIELDS + nonce + self._key.encrypt(nonce, body, self._bound + context.encode())


def _key_to_seal(db: Session, key_id: UUID) -> AESGCM:
    key = _open_keys(db).get(key_id) or _opened(db, [key_id])[key_id]
    if key is ERASED:
        raise KeyErased()
    return key


def unseal(db: Session, key_id: UUID, sealed: bytes, *, context: str) -> dict[str, Any]:
    """Return the fields that `seal` was given. Raises KeyErased or VaultError."""
    fields = unseal_many(db, [Envelope(key_id, sealed, context)])[0]
    if fields is ERASED:
        raise KeyErased()
    return fields


def unseal_many(db: Session, envelopes: Iterable[Envelope]) -> list[dict[str, Any] | Erased]:
    """Open the fields of a list with one query for all keys, in the order given.

    ERASED stands where a key was dropped. Raises VaultError if any cannot be opened.
    """
    wanted = list(envelopes)
    keys = _opened(db, {envelope.key_id for envelope in wanted})
    found: list[dict[str, Any] | Erased] = []
    for envelope in wanted:
        key = keys[envelope.key_id]
        if key is ERASED:
            found.append(ERASED)
            continue
        fields = json.loads(_decrypt(key, biller_of(db), envelope, _JSON))
        found.append(fields)
    return found


def unseal_bytes(db: Session, key_id: UUID, sealed: bytes, *, context: str) -> bytes:
    """Return the raw bytes that `seal` was given. Raises KeyErased or VaultError."""
    key = _opened(db, [key_id])[key_id]
    if key is ERASED:
        raise KeyErased()
    return _decrypt(key, biller_of(db), Envelope(key_id, sealed, context), _BYTES)


def erase(db: Session, key_id: UUID, *, at: datetime) -> bool:
    """Drop a data key, and with it everything sealed under it. Tells whether it was there.

    Backups taken before still hold the wrapped key until they expire.
    """
    _open_keys(db).pop(key_id, None)
    dropped = db.scalar(
        update(data_key)
        .where(data_key.c.biller_id == biller_of(db), data_key.c.id == key_id)
        .where(data_key.c.wrapped.is_not(None))
        .values(wrapped=None, erased_at=at)
        .returning(data_key.c.id)
    )
    return dropped is not None


def seal_secret(ring: KeyRing, plain: bytes, *, context: str) -> bytes:
    """Encrypt what belongs to no biller (a person's second factor) under the ring itself."""
    name = ring.current.encode()
    header = bytes((_VERSION, len(name))) + name + secrets.token_bytes(_NONCE_BYTES)
    key = AESGCM(_derived(ring.keys[ring.current], b"thuphi secret 1"))
    return header + key.encrypt(header[-_NONCE_BYTES:], plain, _secret_bound(name, context))


def unseal_secret(ring: KeyRing, sealed: bytes, *, context: str) -> bytes:
    """Return what `seal_secret` was given. Raises VaultError."""
    name, rest = sealed[2 : 2 + sealed[1]] if len(sealed) > 1 else b"", sealed[2:]
    rest = rest[len(name) :]
    ring_key = ring.keys.get(name.decode(errors="replace"))
    if ring_key is None or sealed[0] != _VERSION or len(rest) < _NONCE_BYTES:
        raise VaultError()
    key = AESGCM(_derived(ring_key, b"thuphi secret 1"))
    try:
        return key.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _secret_bound(name, context))
    except InvalidTag:
        raise VaultError() from None


def totp_context(staff_id: UUID) -> str:
    """The context of a member of staff's second factor; rotation.py needs to know it too."""
    return f"totp:{staff_id}"


def rewrapped(ring: KeyRing, biller_id: UUID, key_id: UUID, name: str, wrapped: bytes) -> bytes:
    """A data key as its row holds it, wrapped anew by the ring's current key. Raises VaultError.

    name: the ring key that wrapped it.
    """
    return _wrap(ring, biller_id, key_id, _unwrap(ring, biller_id, key_id, name, wrapped))


def sealed_by(sealed: bytes) -> str:
    """The name of the ring key that `seal_secret` used."""
    return sealed[2 : 2 + sealed[1]].decode(errors="replace") if len(sealed) > 1 else ""


def blind_index(db: Session, kind: str, value: str) -> bytes:
    """A keyed hash by which a row can be found again without storing the value.

    kind: what it is ("phone"), so that equal digits of two kinds differ; value: in one
    normal form, which the caller chooses. Equal values of two billers differ, too.
    """
    key = _derived(next(iter(ring(db).keys.values())), b"thuphi blind index 1")
    said = b"".join(
        (biller_of(db).bytes, len(kind.encode()).to_bytes(2, "big"), kind.encode(), value.encode())
    )
    return hmac.digest(key, said, hashlib.sha256)


def signing_key(db: Session) -> Ed25519PrivateKey:
    """Return the key that signs receipts and seals. Raises VaultError if there is none."""
    signer = ring(db).signing
    if signer is None:
        raise VaultError(
            "Chưa cấu hình khóa ký.", "No signing key is configured for this installation."
        )
    return signer


@contextmanager
def letting_go(db: Session) -> Iterator[None]:
    """Within it, keys are opened as always; at its end those that it opened are forgotten.

    For a transaction that looks at very many people and keeps none of their keys.
    """
    before = set(_open_keys(db))
    try:
        yield
    finally:
        for key_id in _open_keys(db).keys() - before:
            del _open_keys(db)[key_id]


def _open_keys(db: Session) -> dict[UUID, AESGCM]:
    """Return the keys opened in this transaction; they go with its session."""
    keys: dict[UUID, AESGCM] = db.info.setdefault(_OPEN, {})
    return keys


def _opened(db: Session, key_ids: Iterable[UUID]) -> dict[UUID, AESGCM | Erased]:
    open_keys = _open_keys(db)
    found: dict[UUID, AESGCM | Erased] = {i: open_keys[i] for i in key_ids if i in open_keys}
    missing = [key_id for key_id in set(key_ids) if key_id not in found]
    if not missing:
        return found
    biller_id = biller_of(db)
    asked = bindparam("ids", missing, type_=ARRAY(PG_UUID))
    rows = db.execute(
        select(data_key.c.id, data_key.c.ring_key, data_key.c.wrapped)
        .where(data_key.c.biller_id == biller_id)
        .where(data_key.c.id == any_(asked))
    )
    for key_id, name, wrapped in rows:
        if wrapped is None:
            found[key_id] = ERASED
        else:
            found[key_id] = open_keys[key_id] = AESGCM(
                _unwrap(ring(db), biller_id, key_id, name, wrapped)
            )
    if len(found) < len(set(key_ids)):
        raise VaultError()
    return found


def _decrypt(key: AESGCM, biller_id: UUID, envelope: Envelope, kind: int) -> bytes:
    sealed = envelope.sealed
    if len(sealed) < _HEADER or (sealed[0], sealed[1]) != (_VERSION, kind):
        raise VaultError()
    bound = _bound(kind, biller_id, envelope.key_id, envelope.context)
    try:
        return key.decrypt(sealed[2:_HEADER], sealed[_HEADER:], bound)
    except InvalidTag:
        raise VaultError() from None


def _bound(kind: int, biller_id: UUID, key_id: UUID, context: str) -> bytes:
    """What a sealed field is tied to. Fixed lengths first, so that it reads one way only."""
    return (
        b"thuphi field"
        + bytes((_VERSION, kind))
        + biller_id.bytes
        + key_id.bytes
        + (context.encode())
    )


def _secret_bound(name: bytes, context: str) -> bytes:
    return b"thuphi secret" + bytes((_VERSION, len(name))) + name + context.encode()


def _wrap(ring: KeyRing, biller_id: UUID, key_id: UUID, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    key = AESGCM(_derived(ring.keys[ring.current], b"thuphi wrap 1"))
    bound = b"thuphi wrap" + biller_id.bytes + key_id.bytes
    return bytes((_VERSION,)) + nonce + key.encrypt(nonce, plain, bound)


def _unwrap(ring: KeyRing, biller_id: UUID, key_id: UUID, name: str, wrapped: bytes) -> bytes:
    ring_key = ring.keys.get(name)
    start = 1 + _NONCE_BYTES
    if ring_key is None or len(wrapped) < start or wrapped[0] != _VERSION:
        raise VaultError()
    bound = b"thuphi wrap" + biller_id.bytes + key_id.bytes
    key = AESGCM(_derived(ring_key, b"thuphi wrap 1"))
    try:
        return key.decrypt(wrapped[1:start], wrapped[start:], bound)
    except InvalidTag:
        raise VaultError() from None


@lru_cache(maxsize=64)
def _derived(key: bytes, purpose: bytes) -> bytes:
    """One key per purpose, so that no key is used in two ways (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(key)


def _decoded(text: str, what: str) -> bytes:
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    if len(plain) != _KEY_BYTES:
        raise ValueError(f"{what} is not {_KEY_BYTES} bytes in base64")
    return plain

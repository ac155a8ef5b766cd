"""The ring: the keys of an installation, which wrap data keys and seal what belongs to no biller.

They come from the environment and never touch the database; what they wrapped or sealed says which
of them it was, so that the ring can be turned while everything stays readable (see rotation).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from payments.domain.errors import Unavailable

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = 1


class VaultError(Unavailable):
    """A sealed field cannot be opened. Says nothing about why, on purpose.

    The ring lacks the key, or the bytes were cut, changed or moved from another row.
    """

    slug = "vault"
    title_vi = "Không mở được dữ liệu đã mã hóa"
    title_en = "Encrypted data cannot be opened"


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
        if any(len(key) != KEY_BYTES for key in self.keys.values()):
            raise ValueError(f"every key of the ring has {KEY_BYTES} bytes")

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


def seal_secret(ring: KeyRing, plain: bytes, *, context: str) -> bytes:
    """Encrypt what belongs to no biller (a person's second factor) under the ring itself."""
    name = ring.current.encode()
    header = bytes((_VERSION, len(name))) + name + secrets.token_bytes(_NONCE_BYTES)
    key = AESGCM(derived(ring.keys[ring.current], b"thuphi secret 1"))
    return header + key.encrypt(header[-_NONCE_BYTES:], plain, _secret_bound(name, context))


def unseal_secret(ring: KeyRing, sealed: bytes, *, context: str) -> bytes:
    """Return what `seal_secret` was given. Raises VaultError."""
    name, rest = sealed[2 : 2 + sealed[1]] if len(sealed) > 1 else b"", sealed[2:]
    rest = rest[len(name) :]
    ring_key = ring.keys.get(name.decode(errors="replace"))
    if ring_key is None or sealed[0] != _VERSION or len(rest) < _NONCE_BYTES:
        raise VaultError()
    key = AESGCM(derived(ring_key, b"thuphi secret 1"))
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
    return wrap(ring, biller_id, key_id, unwrap(ring, biller_id, key_id, name, wrapped))


def sealed_by(sealed: bytes) -> str:
    """The name of the ring key that `seal_secret` used."""
    return sealed[2 : 2 + sealed[1]].decode(errors="replace") if len(sealed) > 1 else ""


def _secret_bound(name: bytes, context: str) -> bytes:
    return b"thuphi secret" + bytes((_VERSION, len(name))) + name + context.encode()


def wrap(ring: KeyRing, biller_id: UUID, key_id: UUID, plain: bytes) -> bytes:
    """A data key as its row holds it, under the current key of the ring."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    key = AESGCM(derived(ring.keys[ring.current], b"thuphi wrap 1"))
    bound = b"thuphi wrap" + biller_id.bytes + key_id.bytes
    return bytes((_VERSION,)) + nonce + key.encrypt(nonce, plain, bound)


def unwrap(ring: KeyRing, biller_id: UUID, key_id: UUID, name: str, wrapped: bytes) -> bytes:
    """The data key that `wrap` was given. name: the ring key it was. Raises VaultError."""
    ring_key = ring.keys.get(name)
    start = 1 + _NONCE_BYTES
    if ring_key is None or len(wrapped) < start or wrapped[0] != _VERSION:
        raise VaultError()
    bound = b"thuphi wrap" + biller_id.bytes + key_id.bytes
    key = AESGCM(derived(ring_key, b"thuphi wrap 1"))
    try:
        return key.decrypt(wrapped[1:start], wrapped[start:], bound)
    except InvalidTag:
        raise VaultError() from None


@lru_cache(maxsize=64)
def derived(key: bytes, purpose: bytes) -> bytes:
    """One key per purpose, so that no key is used in two ways (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


def _decoded(text: str, what: str) -> bytes:
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    if len(plain) != KEY_BYTES:
        raise ValueError(f"{what} is not {KEY_BYTES} bytes in base64")
    return plain

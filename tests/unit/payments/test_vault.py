"""The key ring and what is sealed under it directly: no database, no way to read without a key."""

from __future__ import annotations

import base64
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payments import key_ring
from payments.key_ring import KeyRing, VaultError

OLD, NEW, SEED = (bytes([n]) * 32 for n in (1, 2, 3))


def coded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_ring_is_read_from_pairs_and_the_last_one_is_current() -> None:
    ring = KeyRing.read(f"k1:{coded(OLD)}, k2:{coded(NEW)}")

    assert dict(ring.keys) == {"k1": OLD, "k2": NEW}
    assert ring.current == "k2"
    assert ring.signing is None
    assert ring.believed() == ()


def test_the_signing_key_comes_first_and_old_public_keys_stay_believed() -> None:
    retired = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    ring = KeyRing.read(f"k1:{coded(OLD)}", signing=f"{coded(SEED)} {coded(retired)}")

    current = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    assert ring.believed() == (current, retired)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        f":{coded(OLD)}",
        "k1:",
        "k1:not base64!",
        f"k1:{coded(OLD[:31])}",
        f"k1:{coded(OLD)},k1:{coded(NEW)}",
    ],
)
def test_a_bad_ring_is_refused_without_showing_a_key(text: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        KeyRing.read(text)

    assert coded(OLD) not in str(refused.value)


def test_a_bad_signing_key_is_refused() -> None:
    with pytest.raises(ValueError, match="signing key"):
        KeyRing.read(f"k1:{coded(OLD)}", signing="AAAA")


def test_the_current_key_has_to_be_on_the_ring() -> None:
    with pytest.raises(ValueError, match="no key 'k9'"):
        KeyRing({"k1": OLD}, "k9")


def test_a_ring_never_shows_its_keys() -> None:
    ring = KeyRing({"k1": OLD}, "k1", Ed25519PrivateKey.from_private_bytes(SEED))

    assert repr(ring) == "KeyRing(current='k1')"


def test_a_secret_is_opened_again_also_after_a_new_key_became_current() -> None:
    sealed = key_ring.seal_secret(KeyRing({"k1": OLD}, "k1"), b"totp", context="totp:1")

    rotated = KeyRing({"k1": OLD, "k2": NEW}, "k2")

    assert key_ring.unseal_secret(rotated, sealed, context="totp:1") == b"totp"


def test_two_seals_of_the_same_secret_differ() -> None:
    ring = KeyRing({"k1": OLD}, "k1")

    seals = {key_ring.seal_secret(ring, b"same", context="c") for _ in range(50)}

    assert len(seals) == 50


@pytest.mark.parametrize(
    "how",
    ["cut", "empty", "bent", "another row", "another ring", "another name", "another version"],
)
def test_whatever_is_wrong_with_a_secret_it_is_one_error_that_tells_nothing(how: str) -> None:
    ring = KeyRing({"k1": OLD, "k2": NEW}, "k1")
    sealed = key_ring.seal_secret(ring, b"secret", context="totp:1")
    context = "totp:2" if how == "another row" else "totp:1"
    given = {
        "cut": sealed[:-1],
        "empty": b"",
        "bent": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "another name": sealed.replace(b"k1", b"k2", 1),
        "another version": b"\x09" + sealed[1:],
    }.get(how, sealed)
    opener = KeyRing({"k1": os.urandom(32)}, "k1") if how == "another ring" else ring

    with pytest.raises(VaultError) as refused:
        key_ring.unseal_secret(opener, given, context=context)

    assert str(refused.value) == VaultError.title_en
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_every_prefix_of_a_secret_is_refused() -> None:
    ring = KeyRing({"k1": OLD}, "k1")
    sealed = key_ring.seal_secret(ring, b"secret", context="c")

    for length in range(len(sealed)):
        with pytest.raises(VaultError):
            key_ring.unseal_secret(ring, sealed[:length], context="c")

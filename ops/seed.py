"""Seed: the demo cast in a database, through the verbs everybody uses. For demo mode only.

Five billers, each with books, one account at the test bank (BIN 999999), a SePay channel, a key
for its program and two people who sign in. What is secret is kept in a file beside the data,
because the database keeps only hashes; a second seed finds everything and changes nothing.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import text

from ops import calling
from ops.errors import StartError
from ops.runtime import Runtime
from payments import access, billers, channels
from payments.domain.calendar import business_day
from payments.domain.errors import NotFound
from payments.domain.money import Money
from payments.domain.people import SERVICE

TEST_BANK: Final = "999999"
PASSWORD: Final = "thuphi-demo-2026"  # noqa: S105  # printed on purpose, and for demo mode only
KEPT: Final = "demo.json"
SCOPES: Final = (
    "read",
    "bills",
    "orders",
    "statements",
    "reconcile",
    "refunds",
    "payouts",
    "channels",
)
"""What the key of a biller's program may do."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff. role: a key of payments.domain.people.ROLES."""

    name: str
    role: str
    email: str


@dataclass(frozen=True, slots=True)
class Cast:
    """One biller of the cast. opening: đồng on its account before the first day.

    limit: đồng up to which one person decides about a discrepancy. notices: who tells of credits
    on its account. gateways: other ways to pay it offers.
    """

    code: str
    kind: str
    name: str
    holder: str
    account: str
    opening: int
    limit: int
    staff: Sequence[Person]
    notices: str = "sepay"
    gateways: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody signs in with. totp: the secret in base32; uri: for an authenticator."""

    person: Person
    totp: str
    uri: str


@dataclass(frozen=True, slots=True)
class Seeded:
    """A biller of the cast as it stands in the database, with what opens its doors."""

    cast: Cast
    id: UUID
    key: str
    webhook_secret: str
    logins: Sequence[Login]
    gateways: Mapping[str, Mapping[str, str]]


def _two(code: str, maker: str, chief: str) -> tuple[Person, Person]:
    place = code.lower()
    return (
        Person(maker, "accountant", f"ke-toan@{place}.example"),
        Person(chief, "chief_accountant", f"ke-toan-truong@{place}.example"),
    )


CAST: Final[Sequence[Cast]] = (
    Cast(
        "TH-HS",
        "school",
        "Trường Tiểu học Hoa Sen",
        "TRUONG TIEU HOC HOA SEN",
        "9999000101",
        52_340_000,
        50_000,
        _two("TH-HS", "Đỗ Thu Lan", "Vũ Minh Đức"),
    ),
    Cast(
        "THPT-TLX",
        "school",
        "Trường THPT Chất lượng cao Thăng Long Xanh",
        "TRUONG THPT CLC THANG LONG XANH",
        "9999000102",
        118_500_000,
        50_000,
        _two("THPT-TLX", "Ngô Bích Ngọc", "Bùi Quang Huy"),
        gateways=("vnpay", "momo", "zalopay"),
    ),
    Cast(
        "BV-HGX",
        "hospital",
        "Bệnh viện Đa khoa Hồ Gươm Xanh",
        "BENH VIEN DA KHOA HO GUOM XANH",
        "9999000103",
        806_120_000,
        0,
        _two("BV-HGX", "Hoàng Thanh Tú", "Đặng Thị Mai"),
    ),
    Cast(
        "H26.901",
        "agency",
        "UBND phường Cầu Mới",
        "UBND PHUONG CAU MOI",
        "9999000104",
        3_475_000,
        0,
        _two("H26.901", "Phan Văn Khoa", "Lý Ngọc Hà"),
        notices="payos",
        gateways=("payos",),
    ),
    Cast(
        "H26.990",
        "agency",
        "Trung tâm Phục vụ hành chính công chi nhánh số 99",
        "TT PHUC VU HCC CHI NHANH SO 99",
        "9999000105",
        7_912_000,
        0,
        _two("H26.990", "Tạ Hồng Nhung", "Cao Xuân Sơn"),
    ),
)
"""Fictional, like their accounts and everybody who works there."""


def seed(
    runtime: Runtime, kept: Path, *, at: datetime, told: Callable[[Cast], None] = lambda _: None
) -> list[Seeded]:
    """Bring the cast into the database, as far as it is not there; return all of it.

    kept: the file of the secrets, written as they are made. at: the first day of the books.
    told: called for every biller that had to be added. Raises StartError outside demo mode, and
    for a database whose secrets are not in the file.
    """
    if not runtime.config.demo:
        raise StartError(
            "Dữ liệu mẫu chỉ dùng khi THUPHI_DEMO=1, không bao giờ trong vận hành thật",
            "Demo data are for THUPHI_DEMO=1 alone, never for production",
        )
    safe = _Safe(kept)
    for cast in CAST:
        biller_id = _biller(runtime, cast, safe, at=at)
        if _books(runtime, biller_id, cast, safe, at=at):
            told(cast)
    return seeded(runtime, kept)


def seeded(runtime: Runtime, kept: Path) -> list[Seeded]:
    """The cast as it was seeded. Raises StartError when the file of its secrets is not whole."""
    secrets_kept, known = _Safe(kept).read(), logins_in(kept)
    found = []
    for cast in CAST:
        with runtime.sessions.begin(None) as db:
            biller_id = billers.find(db, cast.code)
        try:
            mine = secrets_kept[cast.code]
            logins = [known[person.email] for person in cast.staff]
            keys = mine.get("gateways", {})
            found.append(Seeded(cast, biller_id, mine["key"], mine["webhook"], logins, keys))
        except (KeyError, TypeError, AttributeError):
            raise _lost(kept) from None
    return found


def logins_in(kept: Path) -> Mapping[str, Login]:
    """Everybody of the cast who may sign in, by e-mail, out of the file alone."""
    found = _Safe(kept).read()
    return {
        person.email: Login(person, factors["secret"], factors["uri"])
        for cast in CAST
        for person in cast.staff
        if (factors := found.get(cast.code, {}).get("totp", {}).get(person.email))
    }


def code_of(login: Login, at: datetime) -> str:
    """The six digits that let this person in at a moment, once."""
    secret = base64.b32decode(login.totp + "=" * (-len(login.totp) % 8))
    return TOTP(secret, 6, SHA1(), access.STEP_SECONDS).generate(int(at.timestamp())).decode()  # noqa: S303  # what authenticators compute


def _biller(runtime: Runtime, cast: Cast, safe: _Safe, *, at: datetime) -> UUID:
    """The biller and its people, in one transaction."""
    try:
        with runtime.sessions.begin(None) as db:
            return billers.find(db, cast.code)
    except NotFound:
        pass
    profile = billers.Profile(
        cast.code,
        cast.kind,
        cast.name,
        tax_code=f"000000{cast.account[-4:]}",
        address="Số 1 phố Mẫu, Hà Nội",
        contact=f"0000 000 {cast.account[-3:]}",
        approval_limit=cast.limit,
    )
    with runtime.system.begin() as system:
        biller_id = billers.add(system, profile, at=at)
        factors = {}
        for person in cast.staff:
            added = access.add_staff(
                system, email=person.email, name=person.name, password=PASSWORD, at=at
            )
            access.grant(system, added.id, biller_id, person.role, at=at)
            factors[person.email] = {"secret": added.totp_secret, "uri": added.totp_uri}
        # Before the commit: a secret that nobody kept would be lost for good.
        safe.keep(cast.code, totp=factors)
    return biller_id


def _merchant(gateway: str) -> dict[str, str]:
    """Credentials as the gateway would give them, of a merchant nobody else is."""
    made = {
        "vnpay": {"tmn_code": _letters(8), "hash_secret": _letters(32)},
        "momo": {
            "partner_code": f"MOMO{_letters(6)}",
            "access_key": _letters(14),
            "secret_key": _letters(32),
        },
        "zalopay": {
            "app_id": str(100_000 + secrets.randbelow(900_000)),
            "key1": _letters(32),
            "key2": _letters(32),
        },
        "payos": {
            "client_id": secrets.token_hex(16),
            "api_key": secrets.token_hex(16),
            "checksum_key": secrets.token_hex(32),
        },
    }
    return made[gateway]


def _letters(count: int) -> str:
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(count))


def _books(runtime: Runtime, biller_id: UUID, cast: Cast, safe: _Safe, *, at: datetime) -> bool:
    """Books, bank account, channel and key, in one transaction; False if they were there."""
    with runtime.sessions.begin(biller_id) as db:
        known = db.scalar(
            text("SELECT count(*) FROM bank_account WHERE biller_id = :biller"),
            {"biller": biller_id},
        )
        if known:
            return False
        billers.open_books(db)
        billers.add_bank_account(
            db,
            bank_bin=TEST_BANK,
            number=cast.account,
            holder=cast.holder,
            opened_on=business_day(at),
            at=at,
            opening_balance=Money(cast.opening),
            notice_source=cast.notices,
        )
        webhook = secrets.token_hex(16)
        channels.put(db, "sepay", {"secret": webhook}, by=SERVICE, at=at)
        keys = {name: _merchant(name) for name in cast.gateways}
        for name, settings in keys.items():
            calling.set_up(runtime, db, name, settings, by=SERVICE)
        key = access.issue_key(db, SCOPES, at=at)
        safe.keep(cast.code, key=key, webhook=webhook, gateways=keys)
    return True


class _Safe:
    """The file with what the database cannot give back, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """Everything kept so far, by the biller's code."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise _lost(self._path) from None
        return found if isinstance(found, dict) else {}

    def keep(self, code: str, **more: object) -> None:
        """Add to what is kept of one biller; whole or not at all."""
        found = self.read()
        found[code] = {**found.get(code, {}), **more}
        part = self._path.with_name(f"{self._path.name}.part")
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            json.dump(found, opened, ensure_ascii=False, indent=2)
        part.replace(self._path)


def shown_once(found: Sequence[Seeded]) -> Mapping[str, object]:
    """What to print after the first seed: who may sign in, and with what."""
    return {
        "password": PASSWORD,
        "billers": [
            {
                "biller": one.cast.code,
                "key": one.key,
                "staff": [
                    {
                        "email": login.person.email,
                        "name": login.person.name,
                        "role": login.person.role,
                        "totp": login.uri,
                    }
                    for login in one.logins
                ],
            }
            for one in found
        ],
    }


def _lost(path: Path) -> StartError:
    return StartError(
        f"Cơ sở dữ liệu có dữ liệu mẫu nhưng tệp {path} bị thiếu hoặc hỏng: hãy xóa thư mục "
        f"{path.parent} rồi chạy lại",
        f"The database holds the demo cast but the file {path} is missing or damaged: delete the "
        f"folder {path.parent} and start again",
    )

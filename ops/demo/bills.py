"""Bills: who owes what on the day, by the rules of `billing`, as their systems would send it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from billing import catalogue, dossiers, hospital, school
from billing.catalogue import Channel
from billing.hospital import Cover, Group, Service
from billing.school import Boarding
from payments.domain.money import Money
from payments.invoices import Line

MEAL_DAYS: Final = 22
CAST_DOSSIER: Final = "H26.901-260105-0007"


@dataclass(frozen=True, slots=True)
class Planned:
    """A bill to issue. who: its name in the story; payer: as a bank writes them."""

    who: str
    biller: str
    payer: str
    body: dict[str, Any]


def of_the_day(day: date, *, first: bool) -> list[Planned]:
    """Every bill of the day. first: nothing was played in this folder before."""
    return [*_primary(day), *_secondary(day), *_hospital(day), *_dossiers(day, first=first)]


def _primary(day: date) -> list[Planned]:
    month = school.boarding(day, Boarding(MEAL_DAYS))
    shorter = school.boarding(day, Boarding(MEAL_DAYS, absent_days=3))
    pupils: Sequence[tuple[str, str, str, str, str, list[Line]]] = (
        ("bao", "HS-0412", "Trần Gia Bảo", "4A2", "NGUYEN THI MINH HANG", month),
        ("chau", "HS-0107", "Lê Minh Châu", "1A1", "LE QUOC TUAN", month),
        ("huy", "HS-0233", "Phạm Gia Huy", "2A3", "PHAM THI LOAN", month),
        ("ngoc", "HS-0318", "Hoàng Bảo Ngọc", "3A1", "HOANG VAN NAM", month),
        ("anh", "HS-0509", "Vũ Đức Anh", "5A2", "VU THI HOA", shorter),
        ("vy", "HS-0121", "Đặng Khánh Vy", "1A2", "DANG QUANG VINH", month),
        ("kiet", "HS-0244", "Bùi Tuấn Kiệt", "2A1", "TRAN THI LUA", month),
        ("dang", "HS-0330", "Ngô Hải Đăng", "3A2", "NGO VAN BIEN", month),
        ("yen", "HS-0131", "Ngô Hải Yến", "1A3", "NGO VAN BIEN", month),
        ("linh", "HS-0415", "Dương Tú Linh", "4A1", "DUONG MINH KHANG", month),
        ("viet", "HS-0520", "Mai Quốc Việt", "5A1", "MAI THI SEN", month),
    )
    title = f"Khoản thu tháng {day:%m/%Y}"
    return [
        _bill(
            who, "TH-HS", payer, day, title, lines, kind="tuition", about=("student", code, name),
            group=f"lớp {grade}",
        )
        for who, code, name, grade, payer, lines in pupils
    ]  # fmt: skip


def _secondary(day: date) -> list[Planned]:
    pupils = (
        ("an", "TLX-1006", "Trần Khánh An", "10A6", "NGUYEN THI MINH HANG"),
        ("minh", "TLX-1112", "Đinh Nhật Minh", "11A2", "DINH THI PHUONG"),
        ("my", "TLX-1203", "Tô Hà My", "12A1", "TO VAN HIEU"),
        ("hoa", "TLX-1015", "Lương Thanh Hoa", "10A2", "LUONG VAN BINH"),
        ("nhi", "TLX-1021", "Quách Yến Nhi", "10A4", "QUACH THI DUNG"),
        ("khoi", "TLX-1118", "Mạc Đăng Khôi", "11A3", "MAC VAN TOAN"),
        ("lam", "TLX-1210", "Viên Thùy Lâm", "12A5", "VIEN THI HANH"),
        ("duy", "TLX-1127", "Thân Quang Duy", "11A5", "THAN VAN HAI"),
    )
    title, lines = f"Học phí tháng {day:%m/%Y}", school.tuition(day)
    return [
        _bill(
            who, "THPT-TLX", payer, day, title, lines, kind="tuition",
            about=("student", code, name), group=f"lớp {grade}",
        )
        for who, code, name, grade, payer in pupils
    ]  # fmt: skip


def visit(on: date) -> list[Service]:
    """Three days in hospital: 1.250.000 ₫ in scope, and a better bed at 40.000 ₫ a day more."""

    def insured(code: str, times: int, *, dearer_by: int = 0) -> Service:
        item = catalogue.price(code, on=on)
        price = Money(item.price.amount + dearer_by)
        return Service(item.name, price, times, insured=item.price, code=code, unit=item.unit)

    return [
        insured("KB-2", 1),
        insured("GB-N2", 3, dearer_by=40_000),
        insured("XQ", 2),
        insured("CTM", 2),
        insured("DTIM", 2),
        insured("DC", 3),
        insured("XB", 2),
    ]


def _hospital(day: date) -> list[Planned]:
    stay = hospital.lines(visit(day), Cover(Group.OTHER))
    seen = [catalogue.price(code, on=day) for code in ("KB-2", "XQ")]
    outpatient = hospital.lines([Service(one.name, one.price, code=one.code) for one in seen], None)
    return [
        _bill(
            "thinh", "BV-HGX", "LE VAN THINH", day, "Viện phí đợt điều trị nội trú", stay,
            kind="hospital", about=("patient", "BN-260118", "Lê Văn Thịnh"), group="BHYT 80%",
        ),
        _bill(
            "quyen", "BV-HGX", "HO THI QUYEN", day, "Viện phí khám ngoại trú", outpatient,
            kind="hospital", about=("patient", "BN-260342", "Hồ Thị Quyên"), group="",
        ),
    ]  # fmt: skip


def _dossiers(day: date, *, first: bool) -> list[Planned]:
    counter, online = Channel.COUNTER, Channel.ONLINE
    dossier = CAST_DOSSIER if first else f"H26.901-{day:%y%m%d}-0007"
    asked = (
        (
            "dat", "H26.901", "PHAM QUOC DAT", dossier, "Phạm Quốc Đạt",
            "Bản sao trích lục hộ tịch, nộp tại quầy", dossiers.extracts(3, counter, on=day),
        ),
        (
            "dat online", "H26.901", "PHAM QUOC DAT", f"H26.901-{day:%y%m%d}-0008",
            "Phạm Quốc Đạt", "Bản sao trích lục hộ tịch, nộp trực tuyến",
            dossiers.extracts(3, online, on=day),
        ),
        (
            "thao", "H26.990", "CHU THI THAO", f"H26.990-{day:%y%m%d}-0101", "Chu Thị Thảo",
            "Chứng thực bản sao", dossiers.certified_copies(6, 2, counter, on=day),
        ),
        (
            "son", "H26.990", "KIM NGOC SON", f"H26.990-{day:%y%m%d}-0102", "Kim Ngọc Sơn",
            "Đăng ký hộ kinh doanh, trả kết quả tại nhà",
            [
                *dossiers.of_item("HKD", 1, online, on=day),
                *dossiers.of_item("CPN", 1, online, on=day),
            ],
        ),
    )  # fmt: skip
    return [
        _bill(
            who, biller, payer, day, title, lines, kind="administrative",
            about=("applicant", dossiers.code(code), name), group="",
        )
        for who, biller, payer, code, name, title, lines in asked
    ]  # fmt: skip


def _bill(
    who: str,
    biller: str,
    payer: str,
    day: date,
    title: str,
    lines: Sequence[Line],
    *,
    kind: str,
    about: tuple[str, str, str],
    group: str,
) -> Planned:
    role, code, name = about
    beneficiary = {"kind": role, "code": code, "name": name} | ({"group": group} if group else {})
    body = {
        "reference": f"{day:%y%m%d}-{code}",
        "kind": kind,
        "title": title,
        "beneficiary": beneficiary,
        "lines": [_line(line) for line in lines],
        "due_on": (day + timedelta(days=10)).isoformat(),
    }
    if kind == "tuition":
        body["period"] = f"{day:%Y-%m}"
    return Planned(who, biller, payer, body)


def _line(line: Line) -> dict[str, Any]:
    told = {
        "name": line.name,
        "unit_price": line.unit_price.amount,
        "quantity": line.quantity,
        "kind": line.kind,
        "fee_code": line.fee_code,
        "unit": line.unit,
        "note": line.note,
    }
    return {name: value for name, value in told.items() if value is not None}

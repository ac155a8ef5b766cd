"""A statement in a format by its name, with the faults a whole file can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from simulator.errors import Refused
from simulator.statements import camt053, layouts, mt940, xlsx
from simulator.statements.day import Statement, not_closing

FAULTS = {
    "not_closing": ("Số dư cuối kỳ sai 1.000 đồng", "Closing balance off by 1,000 đồng"),
    "truncated": ("Tệp bị cắt ở giữa", "File cut off in the middle"),
    "html": ("Trang HTML đội lốt tệp sao kê", "An HTML page in the file's clothes"),
    "currency": ("Sao kê bằng USD", "Statement in USD"),
}
_OFF_BY = 1000
_KEPT_PERCENT = 60
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_EXPIRED = (
    "<!DOCTYPE html><html><head><title>Hết phiên làm việc</title></head>"
    "<body><p>Phiên làm việc đã hết. Vui lòng đăng nhập lại.</p></body></html>"
)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is handed out."""

    name: str
    kind: str
    body: bytes


def _sheet(layout: str) -> Callable[[Statement], bytes]:
    return lambda statement: layouts.as_csv(layouts.LAYOUTS[layout](statement))


def _book(layout: str) -> Callable[[Statement], bytes]:
    return lambda statement: xlsx.render(layouts.LAYOUTS[layout](statement))


FORMATS: dict[str, tuple[str, str, Callable[[Statement], bytes]]] = {
    "mt940": ("sta", "text/plain; charset=us-ascii", mt940.render),
    "camt053": ("xml", "application/xml", camt053.render),
    **{f"csv-{name}": ("csv", "text/csv; charset=utf-8", _sheet(name)) for name in layouts.LAYOUTS},
    **{f"xlsx-{name}": ("xlsx", _XLSX, _book(name)) for name in layouts.LAYOUTS},
}
ALIASES = {"camt.053.001.08": "camt053", "camt": "camt053", "csv": "csv-vietcombank",
           "xlsx": "xlsx-vietcombank"}  # fmt: skip


def file(statement: Statement, asked: str, *, faults: Iterable[str] = ()) -> File:
    """Print a statement. Raises Refused for a format or a fault that is not known."""
    name = ALIASES.get(asked, asked)
    if name not in FORMATS:
        known = ", ".join(FORMATS)
        raise Refused(f"format phải là một trong: {known}", f"format must be one of: {known}")
    wanted = set(faults)
    for fault in wanted - set(FAULTS):
        known = ", ".join(FAULTS)
        raise Refused(f"Không có lỗi {fault!r}; có: {known}", f"No fault {fault!r}; known: {known}")
    if "not_closing" in wanted:
        statement = not_closing(statement, _OFF_BY)
    if "currency" in wanted:
        statement = replace(statement, currency="USD")
    ending, kind, render = FORMATS[name]
    body = _EXPIRED.encode() if "html" in wanted else render(statement)
    if "truncated" in wanted:
        body = body[: len(body) * _KEPT_PERCENT // 100]
    return File(f"saoke_{statement.account}_{statement.last:%Y%m%d}.{ending}", kind, body)

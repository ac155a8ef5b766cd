"""Dates as banks print them: day first, four-digit years, never month first."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache

_TIME = (
    r"(?P<h>[0-9]{1,2}):(?P<mi>[0-9]{2})(?::(?P<s>[0-9]{2})(?:[.][0-9]{1,6})?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))?"
)
_DATE = (
    r"(?:(?P<d>[0-9]{1,2})(?P<sep>[/.-])(?P<m>[0-9]{1,2})(?P=sep)(?P<y>[0-9]{4})"
    r"|(?P<y2>[0-9]{4})(?P<sep2>[/-])(?P<m2>[0-9]{1,2})(?P=sep2)(?P<d2>[0-9]{1,2})"
    r"|(?P<d3>[0-9]{1,2})[ -](?P<mon>[A-Za-z]{3})[ -](?P<y3>[0-9]{4}))"
)
_WHEN = re.compile(rf"{_DATE}(?:[T ]\s*{_TIME}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?")
_TIME_FIRST = re.compile(rf"{_TIME}\s+{_DATE}")
_LEADING = re.compile(rf"({_DATE})\s*(.*)", re.DOTALL)
_SERIAL = re.compile(r"(?P<days>[1-9][0-9]{4})(?:[.](?P<part>[0-9]{1,15}))?")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's serial has no zone
# A bare five-digit number is a date only where a statement could be from: 2000 to 2099.
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_050
_YEARS = range(2000, 2100)
_MONTH_FIRST = re.compile(r"(?P<m>[0-9]{1,2})[/.-](?P<d>[0-9]{1,2})[/.-](?:20)?[0-9]{2}\b")


class DateError(ValueError):
    """The text is no day that exists, or could be read in two ways."""


@lru_cache(maxsize=16_384)
def printed_moment(text: str) -> tuple[date, time | None]:
    """The day, and the time of day if printed. Raises DateError."""
    said = " ".join(text.split())
    match = _WHEN.fullmatch(said) or _TIME_FIRST.fullmatch(said)
    if match:
        return _day(match), _time(match)
    serial = _SERIAL.fullmatch(said)
    if serial and _FIRST_SERIAL <= int(serial["days"]) <= _LAST_SERIAL:
        return _from_serial(said)
    raise DateError(text)


def leading_date(text: str) -> tuple[date, str] | None:
    """A day and what follows it in the same cell: "31/10/2023\\n5243.65937". None if no day."""
    match = _LEADING.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return _day(match), match.groups()[-1].strip()
    except DateError:
        return None


def plausible(day: date) -> date:
    """The day, if a statement could be from it. Raises DateError."""
    if day.year not in _YEARS:
        raise DateError(day.isoformat())
    return day


def is_month_first(text: str) -> bool:
    """Whether the text is a day only if its month stands first: 11/21/2026."""
    match = _MONTH_FIRST.match(text.strip())
    return match is not None and 1 <= int(match["m"]) <= 12 < int(match["d"]) <= 31


def nearest_year(month: int, day: int, to: date) -> date:
    """The day of that month and day closest to another day. Raises DateError."""
    found = []
    for year in (to.year - 1, to.year, to.year + 1):
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    if not found:
        raise DateError(f"{month:02d}{day:02d}")
    return min(found, key=lambda candidate: abs(candidate - to))


def _day(match: re.Match[str]) -> date:
    year = match["y"] or match["y2"] or match["y3"]
    month = match["m"] or match["m2"]
    try:
        number = int(month) if month else _MONTHS.index(match["mon"].lower()) + 1
        found = date(int(year), number, int(match["d"] or match["d2"] or match["d3"]))
    except ValueError:
        raise DateError(match.group()) from None
    return plausible(found)


def _time(match: re.Match[str]) -> time | None:
    if match["h"] is None:
        return None
    hour = int(match["h"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise DateError(match.group())
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    try:
        return time(hour, int(match["mi"]), int(match["s"] or 0))
    except ValueError:
        raise DateError(match.group()) from None


def _from_serial(text: str) -> tuple[date, time | None]:
    seconds = round(float(text) * 86_400)
    moment = _EXCEL_EPOCH + timedelta(seconds=seconds)
    return moment.date(), moment.time() if "." in text else None

"""Turns a page into HTML: one Jinja environment per language, strict and escaping.

    pages = Pages()
    html = pages.render(PaidPage(...), Frame(Language.EN, csrf_token=token))

A name that a template does not know raises instead of printing nothing, and everything that
is not Markup is escaped.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from datetime import date, datetime, timedelta, timezone
from functools import cache, partial
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from payments.domain.money import Money, grouped
from web.language import Language, speech
from web.pages import Frame, Page
from web.words import word

HERE: Final = Path(__file__).parent
HANOI: Final = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh: no daylight saving, so the offset says all."""

_DAYS: Final = {
    Language.VI: ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    Language.EN: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def money(amount: int) -> str:
    """581000 -> "581.000 ₫", with a no-break space and a true minus."""
    return str(Money(amount))


def day(at: date | datetime) -> str:
    """Return dd/mm/yyyy, in Hanoi."""
    return _local(at).strftime("%d/%m/%Y")


def clock(at: datetime) -> str:
    """Return HH:MM, in Hanoi."""
    return _local(at).strftime("%H:%M")


def moment(at: datetime) -> str:
    """Return "19:42, 09/01/2026"."""
    return f"{clock(at)},\u00a0{day(at)}"


def iso(at: date | datetime) -> str:
    """Return what a `time` element's datetime attribute wants."""
    return _local(at).isoformat()


def code(value: str) -> Markup:
    """Group a code by fours with margins, so that copying gives it without blanks."""
    groups = [value[at : at + 4] for at in range(0, len(value), 4)]
    spans = Markup("").join(Markup("<span>{}</span>").format(group) for group in groups)
    return Markup('<code class="code">{}</code>').format(spans)


def size(amount: int) -> str:
    """Return a file size for people: "88 KB", "1,5 MB", "20 MB"."""
    if amount < 1_000_000:
        return f"{max(1, round(amount / 1000))}\u00a0KB"
    return f"{amount / 1_000_000:.1f}".removesuffix(".0").replace(".", ",") + "\u00a0MB"


def _local(at: date | datetime) -> date | datetime:
    return at.astimezone(HANOI) if isinstance(at, datetime) else at


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]


class Pages:
    """Renders pages; make one per application. static_url: where `web/static` is served."""

    def __init__(self, static_url: str = "/static") -> None:
        self._static_url = static_url.rstrip("/")

    def render(self, page: Page, frame: Frame) -> str:
        """Return the whole page (or fragment) as HTML."""
        template = environment(frame.language, self._static_url).get_template(page.template)
        # Each field is a name in the template; `page` is there for properties.
        values = {field.name: getattr(page, field.name) for field in fields(page)}  # type: ignore[arg-type]  # every Page is a dataclass
        return template.render(values, page=page, frame=frame)

    def asset(self, name: str) -> str:
        """Return the address of a static file; it changes when the file does."""
        return _asset(self._static_url, name)


def _asset(static_url: str, name: str) -> str:
    return f"{static_url}/{name}?v={_fingerprint(name)}"


@cache
def environment(language: Language, static_url: str) -> Environment:
    """One for a process, whatever asks for it: each template is compiled once."""
    said = speech(language)
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def weekday(at: date | datetime) -> str:
        return f"{_DAYS[language][_local(at).weekday()]}, {day(at)}"

    def age(hours: int) -> Markup:
        if hours < 1:
            return said.t("dưới 1 giờ")
        if hours < 24:
            return said.tn("{n}\u00a0giờ", n=hours)
        return said.tn("{n}\u00a0ngày", n=hours // 24)

    def percent(part: int, whole: int) -> str:
        share = f"{100 * part / whole:.1f}" if whole else "0"
        return f"{share.replace('.', ',') if language is Language.VI else share}%"

    environment.filters.update(
        money=money, digits=grouped, day=day, clock=clock, moment=moment, iso=iso,
        code=code, size=size, weekday=weekday, age=age, say=said.say,
    )  # fmt: skip
    environment.globals.update(
        t=said.t, tn=said.tn, word=word, percent=percent,
        asset=partial(_asset, static_url), lang=language.value,
    )  # fmt: skip
    return environment

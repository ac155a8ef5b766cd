"""Two languages: Vietnamese is the source of every sentence, English its translation.

Templates say `t("Chờ thanh toán")`; English is looked up in `translations/en.po`, which is
read as text when the process starts, so a fresh clone needs no compile step. What is decided
while running (an error, the cause of a discrepancy) comes as Both.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from markupsafe import Markup, escape

COOKIE: Final = "lang"
"""Holds the choice for a year; it names a language and nothing else."""

CATALOGUE: Final = Path(__file__).parent / "translations" / "en.po"


class Language(StrEnum):
    """What a page is written in; the value is also its `lang` attribute."""

    VI = "vi"
    EN = "en"

    @property
    def other(self) -> Language:
        """The one to offer as a link."""
        return Language.EN if self is Language.VI else Language.VI


@dataclass(frozen=True, slots=True)
class Both:
    """A sentence that was written when it happened, in both languages; plain text."""

    vi: str
    en: str

    def said(self, language: Language) -> str:
        """Return the sentence in one of them."""
        return self.vi if language is Language.VI else self.en


def choose(
    *, asked: str | None = None, remembered: str | None = None, accepts: str = ""
) -> Language:
    """Decide the language of one answer: `?lang=`, then the cookie, then the browser.

    accepts: the Accept-Language header, as it came. Whoever asks for neither gets Vietnamese.
    """
    for wish in (asked, remembered, _preferred(accepts)):
        if wish in set(Language):
            return Language(wish)
    return Language.VI


def _preferred(accepts: str) -> str | None:
    ranked: list[tuple[float, str]] = []
    for part in accepts.split(","):
        tag, _, weight = part.strip().partition(";")
        code = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
        if code in set(Language) and quality > 0:
            ranked.append((-quality, code))
    # sorted is stable: of two with the same weight the first named wins
    return sorted(ranked, key=lambda one: one[0])[0][1] if ranked else None


@dataclass(frozen=True, slots=True)
class Speech:
    """Says the sentences of the pages in one language."""

    language: Language
    catalogue: NullTranslations

    def t(self, sentence: str, /, **values: object) -> Markup:
        """Say a sentence: its translation, with {names} replaced by escaped values.

        A value that is Markup already (a number in a span, another sentence) stays as it is.
        """
        said = Markup(escape(self.catalogue.gettext(sentence)))  # noqa: S704  # escaped in place
        return said.format(**values) if values else said

    def tn(self, sentence: str, /, *, n: int, **values: object) -> Markup:
        """Say a sentence about {n} things; English has a second form for all but one."""
        said = Markup(escape(self.catalogue.ngettext(sentence, sentence, n)))  # noqa: S704  # as t
        return said.format(n=n, **values)

    def say(self, what: Both | str) -> str:
        """Say what was written in both languages; a bare string is a name and stays."""
        return what.said(self.language) if isinstance(what, Both) else what


@cache
def speech(language: Language) -> Speech:
    """Return the speech of one language; the catalogue is read once."""
    if language is Language.VI:
        return Speech(language, NullTranslations())
    with CATALOGUE.open(encoding="utf-8") as file:
        catalogue = read_po(file, locale="en", abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Speech(language, Translations(compiled))


def cookie(language: Language) -> Mapping[str, object]:
    """Return the arguments for `response.set_cookie` that remember a choice."""
    return {
        "key": COOKIE,
        "value": language.value,
        "max_age": 365 * 24 * 3600,
        "samesite": "Lax",
        "httponly": True,
    }

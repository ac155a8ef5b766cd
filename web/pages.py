"""What every page shares: the frame around it, errors by their field, and the problem page.

A page is a frozen dataclass of plain values and the name of its template: views build it,
`rendering.Pages.render(page, frame)` turns it into HTML. Conventions of all of them:

amounts   int, whole đồng, negative for a credit
times     aware datetime; pages show them in Asia/Ho_Chi_Minh
urls      str, ready to use; "" or None where there is no such thing, and the page leaves it out
codes     the stored word of a status or kind (`awaiting`, `UNDERPAID`); words.py knows the rest
str       names and numbers of people and billers, shown as they are
Both      a sentence in both languages
Markup    markup that we made ourselves (a QR); everything else is escaped
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from web.language import Both, Language


class Page(Protocol):
    """Anything that can be rendered: values, and the template that knows them."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the layout needs beside the page; one per request.

    other_language_url: this same page with `?lang=` of the other language.
    csrf_token: goes into a hidden field of every form.
    """

    language: Language = Language.VI
    other_language_url: str = ""
    csrf_token: str = ""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What to correct: `field` is the name of the form field, "" if none is to blame."""

    field: str
    what: Both


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a select or filter."""

    value: str
    label: Both | str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """Where a long list stands; lists page by cursor, so there is no last page number."""

    previous_url: str = ""
    next_url: str = ""


ONE_PAGE: Final = Pager()
"""Nothing before, nothing after."""


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """Something went wrong: what happened, is money safe, what to do, a number to quote.

    retry_url: where a second try makes sense; home_url: a way out, if there is one.
    """

    template: ClassVar[str] = "problem.html"

    status: int
    title: Both
    what: Both
    request_id: str
    money_is_safe: Both | None = None
    todo: Sequence[Both] = ()
    retry_url: str = ""
    home_url: str = ""

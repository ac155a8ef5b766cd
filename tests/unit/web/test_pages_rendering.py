"""Amounts, times and codes as pages show them, and the rules of the pay page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import ClassVar

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from tests.house.cast_payer import pay_pages
from web import qr, rendering
from web.console.pages import Equation
from web.language import Both, Language
from web.pages import ONE_PAGE, Frame, ProblemPage
from web.portal.pages import FACE_CHECK_ABOVE, NO_QR_FROM, PayPage, StatusStrip
from web.rendering import Pages, environment

PAGES = Pages()


def pay(amount: int) -> PayPage:
    page = pay_pages(Language.VI)["pay"]
    assert isinstance(page, PayPage)
    return replace(page, amount=amount)


def test_money_has_dots_a_blank_that_does_not_break_and_a_true_minus() -> None:
    assert rendering.money(1_234_567) == "1.234.567\u00a0₫"
    assert rendering.money(-440_000) == "\u2212440.000\u00a0₫"
    assert rendering.money(0) == "0\u00a0₫"


def test_times_are_shown_in_hanoi_wherever_they_were_written_down() -> None:
    late_in_london = datetime(2026, 1, 9, 17, 30, tzinfo=UTC)

    assert rendering.moment(late_in_london) == "00:30,\u00a010/01/2026"
    assert rendering.day(late_in_london) == "10/01/2026"
    assert rendering.iso(late_in_london) == "2026-01-10T00:30:00+07:00"
    assert rendering.day(date(2026, 1, 9)) == "09/01/2026"


def test_a_code_is_grouped_by_margins_so_that_copying_brings_no_blanks() -> None:
    shown = rendering.code("HP7K2M9QX4TW")

    assert shown == (
        '<code class="code"><span>HP7K</span><span>2M9Q</span><span>X4TW</span></code>'
    )
    assert re.sub("<[^>]+>", "", shown) == "HP7K2M9QX4TW"


def test_a_code_cannot_bring_markup_with_it() -> None:
    assert "<b>" not in rendering.code("<b>x</b>")


@pytest.mark.parametrize(
    ("size", "shown"), [(300, "1\u00a0KB"), (88_410, "88\u00a0KB"), (20_000_000, "20\u00a0MB")]
)
def test_sizes_are_for_people(size: int, shown: str) -> None:
    assert rendering.size(size) == shown


def test_the_address_of_a_static_file_changes_with_the_file() -> None:
    assert re.fullmatch(r"/static/thuphi\.css\?v=[0-9a-f]{12}", PAGES.asset("thuphi.css"))
    assert Pages("/elsewhere/").asset("thuphi.js").startswith("/elsewhere/thuphi.js?v=")


def test_a_face_check_is_announced_above_ten_million_and_not_at_it() -> None:
    assert not pay(FACE_CHECK_ABOVE).needs_face_check
    assert pay(FACE_CHECK_ABOVE + 1).needs_face_check


def test_from_five_hundred_million_there_is_no_qr_but_the_account_stays() -> None:
    html = PAGES.render(pay(NO_QR_FROM), Frame())

    assert 'class="qr"' not in html
    assert 'data-copy="9999018452"' in html
    assert 'class="qr"' in PAGES.render(pay(NO_QR_FROM - 1), Frame())


def test_the_strip_changes_its_state_with_the_status_and_with_the_money() -> None:
    states = {
        StatusStrip(status, "/pay/x", "/pay/x/find", received).state
        for status, received in (("awaiting", 0), ("awaiting", 1), ("paid", 1))
    }

    assert len(states) == 3


def test_the_page_and_its_strip_agree_on_the_state_so_that_nothing_is_fetched_twice() -> None:
    page = pay(581_000)

    whole, part = (PAGES.render(one, Frame()) for one in (page, page.strip))

    assert f'data-watch="{page.strip.state}"' in whole
    assert part.strip() in whole


def test_unexplained_money_is_rust_and_takes_the_double_rule_away() -> None:
    macro = 'from "components/equation.html" import equation'
    template = environment(Language.EN, "/static").from_string(
        f"{{% {macro} %}}{{{{ equation(sum, 'x') }}}}"
    )
    sums = Equation(10, 10, 0, 0, 0, 0), Equation(10, 9, 0, 0, 0, 1, "/task")

    fine, broken = (template.render(sum=sum_) for sum_ in sums)

    assert 'class="result ok"' in fine
    assert 'class="result warn"' in broken
    assert 'href="/task"' in broken


def test_a_qr_is_black_on_white_with_words_for_those_who_cannot_see_it() -> None:
    svg = qr.drawing("x", label='say "hi" <b>')

    assert isinstance(svg, Markup)
    assert svg.startswith('<svg role="img" aria-label="say &#34;hi&#34; &lt;b&gt;"')
    assert 'fill="#fff"' in svg
    assert "style=" not in svg


def test_what_people_typed_is_escaped_everywhere_on_the_problem_page() -> None:
    evil = "<script>alert(1)</script>"
    page = ProblemPage(404, Both(evil, evil), Both(evil, evil), request_id=evil, home_url='"><b>')

    html = PAGES.render(page, Frame(Language.EN))

    assert evil not in html
    assert "<b>" not in html


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A page that lacks what its template needs."""

    template: ClassVar[str] = "portal/lost.html"


def test_a_template_refuses_to_print_nothing_for_a_value_it_was_not_given() -> None:
    with pytest.raises(UndefinedError):
        PAGES.render(Incomplete(), Frame())


def test_a_list_without_more_pages_has_no_pager() -> None:
    assert (ONE_PAGE.previous_url, ONE_PAGE.next_url) == ("", "")

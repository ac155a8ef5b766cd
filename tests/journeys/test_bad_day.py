"""Finance walks a bad day: forty discrepancies cleared by keys alone, the day signed by two people.

Two people in two browsers; the service, its database and the night before are real. No mouse is
touched: whatever is not a key here is a look at the page.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text
from werkzeug.serving import make_server

from ops import check_ledger
from payments import ledger
from payments.domain import accounts
from reconciliation.queries import case as cases
from reconciliation.queries import work
from tests.bad_day import BAD_DAY, HOW_MANY, LIMIT, BadDay
from tests.browser import DESK, Eyes, open_browser
from tests.cast import PASSWORD, a_school
from tests.consoles import Person, a_person
from tests.databases import a_clone
from tests.doors import an_app
from tests.servers import Addresses

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIST: Final = "/console/discrepancies"
PATIENCE_MS: Final = 60_000
FASTER: Final = ("htmx:sendAbort", "htmx:afterRequest")
"""What htmx notes when the next key comes before the page of the last one."""
GOES_TO: Final = {
    "keep": accounts.CREDIT,
    "refund": accounts.REFUNDS_PAYABLE,
    "refund_credit": accounts.REFUNDS_PAYABLE,
    "bank_charge": accounts.BANK_CHARGES,
    "interest": accounts.INTEREST,
    "other_income": accounts.OTHER_INCOME,
    "other_expense": accounts.OTHER_EXPENSE,
    "gateway_fee": accounts.GATEWAY_FEES,
}
"""Where the money of a decision is afterwards: the account that its journal touches."""


class Office:
    """The service on that morning, behind a real door. ha proposes, hung approves."""

    def __init__(self, day: BadDay, url: str) -> None:
        self.day, self.url = day, url
        here = day.school.biller_id
        self.ha = a_person(day.school.house, "Vu Thu Ha", (here, "accountant"))
        self.hung = a_person(day.school.house, "Dang Quoc Hung", (here, "chief_accountant"))


@pytest.fixture(scope="module")
def office(addresses: Addresses) -> Iterator[Office]:
    with a_clone(addresses) as house:
        day = BadDay(house, a_school(house))
        server = make_server("127.0.0.1", 0, an_app(house), threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield Office(day, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


class Hands:
    """Somebody at a desk who only has a keyboard."""

    def __init__(self, browser: Browser, office: Office, person: Person, pictures: Path) -> None:
        self.eyes = Eyes(browser, DESK)
        self.tab, self.office, self._pictures = self.eyes.tab, office, pictures
        self.tab.set_default_timeout(PATIENCE_MS)
        self.open("/console")
        self.tab.locator("#email").focus()
        self.type(person.email)
        self.press("Tab")
        self.type(PASSWORD)
        self.press("Enter")
        self.tab.locator("#code").wait_for()
        self.type(person.code(office.day.school.house.clock))
        self.press("Enter")
        self.tab.wait_for_url(f"{office.url}/console")

    def open(self, path: str) -> None:
        """Write an address."""
        self.tab.goto(f"{self.office.url}{path}")

    def press(self, *keys: str) -> None:
        """One key after the other."""
        for key in keys:
            self.tab.keyboard.press(key)

    def type(self, text: str) -> None:
        """Into whatever has the focus."""
        self.tab.keyboard.type(text)

    def focus(self) -> str:
        """The id of what has the focus."""
        return str(self.tab.evaluate("document.activeElement.id"))

    def tab_to(self, selector: str, key: str = "Tab") -> None:
        """On with the tabulator until this has the focus."""
        for _ in range(80):
            if self.tab.evaluate("it => document.activeElement.matches(it)", selector):
                return
            self.press(key)
        raise AssertionError(f"no way to {selector} by {key}")

    def leads_on(self, *keys: str) -> None:
        """These keys bring another page, or the same one anew."""
        with self.tab.expect_navigation():
            self.press(*keys)

    def picture(self, name: str) -> None:
        """For people to look at."""
        self.tab.screenshot(path=self._pictures / f"{name}.png", full_page=True)


def decide(hands: Hands) -> None:
    """One discrepancy, from its page to the next one."""
    tab = hands.tab
    shown = tab.locator("section[aria-labelledby='it'] strong.large").inner_text()
    amount = int("".join(one for one in shown if one.isdigit()))
    if amount in hands.office.day.asked:
        hands.press("/")
        assert hands.focus() == "find"
        hands.type(hands.office.day.asked[amount])
        hands.leads_on("Enter")
    radios = tab.locator("label.candidate input")
    if radios.count() and not tab.locator("label.candidate input:checked").count():
        with tab.expect_response(lambda answer: "candidate=" in answer.url):
            hands.press("1")  # what would be booked is shown at once
    way = tab.locator("#way").input_value()
    if way == "apply" and not radios.count():
        way = "refund"  # nobody knows whose it is: back to whoever sent it
        hands.tab_to("#way")
        while tab.locator("#way").input_value() != way:
            hands.press("ArrowDown")
        for name, value in (("to_name", "LE VAN THINH"), ("to_account", "9999001122")):
            hands.tab_to(f"#{name}")
            hands.type(value)
        hands.press("Escape")
    hands.press("Enter")
    if hands.focus() != "reason":  # a radio that was chosen before leads on with the next Enter
        hands.press("Enter")
    assert hands.focus() == "reason", hands.eyes.text()
    hands.type("Đã hỏi và đối chiếu")
    hands.leads_on("Control+Enter")
    assert not tab.locator(".errors").count(), hands.eyes.text()


def test_forty_discrepancies_are_cleared_by_keys_and_two_people_sign_the_day(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    waiting = office.day.waiting()
    assert len(waiting) == HOW_MANY
    assert len({kind for _, kind, _ in waiting}) >= 17
    ha = Hands(browser, office, office.ha, tmp_path)

    # The first person goes through the whole queue; a decision leads on to the next.
    ha.leads_on("g", "c")
    ha.picture("1-queue")
    rows = ha.tab.locator(".queue li a")
    ha.press("j")
    expect(ha.tab.locator("#it")).to_be_focused()
    ha.press("j", "j", "k")  # faster than the pages come
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    ha.tab.wait_for_url(f"{office.url}{rows.nth(1).get_attribute('href')}")
    expect(ha.tab.locator("#it")).to_be_focused()
    ha.press("k")
    ha.tab.wait_for_url(f"{office.url}{rows.nth(0).get_attribute('href')}")
    ha.press("?")
    assert ha.tab.locator("#keys").is_visible()
    ha.picture("2-keys")
    ha.press("Escape")
    for number in range(HOW_MANY):
        ha.picture(f"3-open-{number:02}")
        decide(ha)
    # A refund made at the gateway took back a part of what it had paid: the rest is a task again.
    assert [one[1:] for one in office.day.waiting()] == [("UNMATCHED", 250_000)]
    decide(ha)
    assert office.day.waiting() == []

    # Whatever is above the limit waits for a second person, who has a browser of their own.
    above = [one for one in waiting if one[2] > LIMIT]
    assert Counter(statuses(office)) == {
        "proposed": len(above),
        "resolved": HOW_MANY + 1 - len(above),
    }
    hung = Hands(browser, office, office.hung, tmp_path)
    hung.open(f"{LIST}?state=proposed")
    hung.press("Enter")
    expect(hung.tab.locator("#it")).to_be_focused()
    hung.picture("4-approve")
    for _ in above:
        hung.leads_on("a")
        assert not hung.tab.locator(".errors").count(), hung.eyes.text()
    assert Counter(statuses(office)) == {"resolved": HOW_MANY + 1}
    hung.leads_on("g", "c")
    assert "Không có chênh lệch nào. Mọi đồng đã ở đúng chỗ." in hung.eyes.text()
    hung.picture("5-empty")

    # The day: one signs first, the other locks it.
    day = f"/console/days/{BAD_DAY}"
    ha.open(day)
    assert ha.tab.locator("form[action$='/check']").count(), ha.eyes.text()
    ha.tab_to("form[action$='/check'] button")
    ha.leads_on("Enter")
    hung.open(day)
    hung.tab_to("form[action$='/sign'] button")
    hung.leads_on("Enter")
    assert "Đã khóa" in hung.eyes.text()
    hung.picture("6-locked")

    assert office.day.gaps() == []
    assert everything_holds(office)
    for discrepancy_id, kind, amount in waiting:
        assert is_where_it_says(office, discrepancy_id, amount), kind
    for hands in (ha, hung):
        assert [one for one in hands.eyes.complaints if not one.startswith(FASTER)] == []
        assert hands.eyes.hosts == {urlsplit(office.url).netloc}
        hands.eyes.close()


def statuses(office: Office) -> list[str]:
    """Of all that were opened, but for what cleared by itself."""
    rows = office.day.rows("SELECT status FROM discrepancy WHERE status <> 'auto_resolved'")
    return [row[0] for row in rows]


def everything_holds(office: Office) -> bool:
    """What `thuphi check-ledger` proves, and the sums of the places that nobody may sit in."""
    found = list(check_ledger.check(office.day.school.house.system, keys=[]))
    assert [one for one in found if one.difference is not None] == []
    with office.day.begin() as db:
        assert work.count(db) == 0
        for account in (accounts.UNAPPLIED, accounts.SUSPENSE):
            assert ledger.balance(db, account) == 0
    return True


def is_where_it_says(office: Office, discrepancy_id: Any, amount: int) -> bool:
    """Whether the journal of the decision moved all of its money, and where it says."""
    with office.day.begin() as db:
        case = cases.get(db, discrepancy_id)
        free = db.scalar(
            text("""SELECT coalesce(p.free, 0) FROM discrepancy d LEFT JOIN payment p
                    ON p.biller_id = d.biller_id AND p.id = d.payment_id WHERE d.id = :id"""),
            {"id": discrepancy_id},
        )
    assert free == 0
    legs = [leg for leg in case.booked if leg.amount.amount]
    if case.resolution == "no_money":
        return not legs
    if case.resolution == "apply":
        moved = sum(
            leg.amount.amount
            for leg in legs
            if leg.credit in (accounts.RECEIVABLE, accounts.CREDIT)
        )
    elif case.resolution == "take_back":
        moved = sum(leg.amount.amount for leg in legs if leg.debit == accounts.UNAPPLIED)
    else:
        place = GOES_TO[case.resolution]
        moved = sum(leg.amount.amount for leg in legs if _side(leg, place))
    return moved == amount


def _side(leg: Any, place: str) -> bool:
    return any(code == place or code.startswith(f"{place}:") for code in (leg.debit, leg.credit))

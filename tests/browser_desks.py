"""People at the console in a real browser: an installation that runs, and signing in to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from payments.domain.calendar import HANOI
from tests.browser import Eyes
from tests.cast import PASSWORD
from tests.consoles import Person
from tests.databases import SettableClock, a_clone, an_empty_redis
from tests.running import Running, an_installation
from tests.servers import Addresses


@contextmanager
def an_open_office(addresses: Addresses, folder: Path) -> Iterator[Running]:
    """gunicorn, relay and worker on a school's books, by the clock of the machine."""
    with (
        a_clone(addresses) as house,
        an_empty_redis(addresses.redis_url) as redis_url,
        an_installation(house, redis_url, folder) as made,
    ):
        made.house.clock.at = datetime.now(HANOI)
        yield made


def sign_in(eyes: Eyes, running: Running, person: Person) -> None:
    """Password, then the six digits of this moment."""
    eyes.tab.goto(f"{running.url}/console")
    eyes.tab.fill("#email", person.email)
    eyes.tab.fill("#password", PASSWORD)
    eyes.tab.click("button.full")
    eyes.tab.fill("#code", person.code(SettableClock(datetime.now(HANOI))))
    eyes.tab.click("button.full")
    eyes.tab.wait_for_url(f"{running.url}/console")


def fits(eyes: Eyes) -> bool:
    """Whether nothing makes the page itself scroll sideways."""
    wide: int = eyes.tab.evaluate("document.documentElement.scrollWidth")
    seen: int = eyes.tab.evaluate("document.documentElement.clientWidth")
    return wide <= seen

"""Desk: a biller's two people in their browsers: one proposes, the other approves and signs.

They see what the console shows and press what it offers: a form that is not on the page is not
sent. Their sessions end after ten hours like everybody's; then they sign in again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import date
from http.client import HTTPException
from typing import Final
from urllib.parse import urlencode

from ops import seed
from ops.clock import Clock
from ops.demo.calls import FORM, Reply, call
from ops.demo.teller import NotAsTold
from ops.seed import Login, Seeded

HOME: Final = "/console"
_SIGN_IN: Final = f"{HOME}/sign-in"
_TOKEN: Final = re.compile(r'name="csrf_token" value="([^"]+)"')
_ACTION: Final = re.compile(r'<form[^>]*\baction="([^"]+)"')
_MOST_STEPS: Final = 5


class Browser:
    """One person's browser: cookies, pages and their forms."""

    def __init__(self, base: str, login: Login, clock: Clock) -> None:
        self._base, self._login, self._clock = base, login, clock
        self._cookies: dict[str, str] = {}

    def press(self, page: str, act: str, fields: Mapping[str, str] | None = None) -> None:
        """Open a page and send its form whose address ends with `act`.

        Raises NotAsTold when the page does not offer it, or its answer is not another page.
        """
        seen = self._see(page)
        if seen.status == 200 and _SIGN_IN in _actions(seen):
            self._sign_in(seen)
            seen = self._see(page)
        self._send(seen, act, fields or {})

    def _sign_in(self, form: Reply) -> None:
        who = {"email": self._login.person.email, "password": seed.PASSWORD}
        self._send(form, "/sign-in", who)
        code = seed.code_of(self._login, self._clock.now())
        self._send(self._see(f"{_SIGN_IN}/code"), "/code", {"code": code})

    def _send(self, page: Reply, act: str, fields: Mapping[str, str]) -> None:
        offered = [action for action in _actions(page) if action.split("?")[0].endswith(act)]
        token = _TOKEN.search(page.text)
        if not offered or token is None:
            raise self._wrong(f"form {act}", page)
        body = urlencode({**fields, "csrf_token": html.unescape(token[1])}).encode()
        answer = self._ask("POST", offered[0], body)
        if answer.status != 303:
            raise self._wrong(offered[0], answer)

    def _see(self, page: str) -> Reply:
        for _ in range(_MOST_STEPS):
            answer = self._ask("GET", page)
            if answer.status not in (302, 303):
                break
            page = answer.headers["Location"]
        if answer.status != 200:
            raise self._wrong(page, answer)
        return answer

    def _ask(self, method: str, page: str, body: bytes | None = None) -> Reply:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = FORM
        try:
            answer = call(self._base, method, page, body=body, headers=headers)
        except (OSError, HTTPException) as error:
            raise NotAsTold(
                f"{method} {page}: {type(error).__name__}",
                f"{method} {page}: {type(error).__name__}",
            ) from None
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.split(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def _wrong(self, what: str, answer: Reply) -> NotAsTold:
        who = self._login.person.email
        said = " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]).split())[:300]
        return NotAsTold(
            f"{who}: bàn làm việc không nhận {what} ({answer.status}): {said}",
            f"{who}: the console did not take {what} ({answer.status}): {said}",
        )


class Desk:
    """The accountant and the chief accountant of one biller."""

    def __init__(self, base: str, seeded: Seeded, clock: Clock) -> None:
        self._limit = seeded.cast.limit
        self._maker, self._chief = (Browser(base, login, clock) for login in seeded.logins)

    def resolve(
        self, discrepancy: str, amount: int, way: str, reason: str, *, target: str = ""
    ) -> None:
        """One proposes; above the biller's limit the other has to approve."""
        page = f"{HOME}/discrepancies/{discrepancy}"
        # The choice is in the address, as it is after a look at what would be booked.
        look = f"{page}?{urlencode({'way': way, 'candidate': target})}"
        fields = {"way": way, "candidate": target, "reason": reason}
        self._maker.press(look, "/propose", fields)
        if amount > self._limit:
            self._chief.press(page, "/approve")

    def approve_refund(self, refund: str) -> None:
        """The second person says yes."""
        self._chief.press(f"{HOME}/refunds/{refund}", "/approve")

    def sign_off(self, day: date) -> None:
        """One has checked the day and signs first, the other locks it for ever."""
        self._maker.press(f"{HOME}/days/{day}", "/check")
        self._chief.press(f"{HOME}/days/{day}", "/sign")


def _actions(page: Reply) -> list[str]:
    return [html.unescape(action) for action in _ACTION.findall(page.text)]

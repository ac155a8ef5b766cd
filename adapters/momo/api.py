"""One signed call to MoMo, and its answer as far as it can be believed.

Answers to query and refund carry no signature, so TLS and the equality of the fields that we
sent are all there is: whoever reads an answer first asks whether it is about the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from adapters.http import Client, NoAnswer, NotSent
from adapters.momo import codes, signing
from adapters.momo.codes import Code, Meaning
from adapters.momo.config import MomoConfig
from payments.domain.calendar import HANOI
from payments.domain.gateway import Refused, Unknown

_CREATE: Final = "/v2/gateway/api/create"
_QUERY: Final = "/v2/gateway/api/query"
_REFUND: Final = "/v2/gateway/api/refund"

_HTTP_ERROR: Final = Code(Meaning.UNSEEN, "http_error")
_EARLIEST, _LATEST = 10**12, 4 * 10**12  # ms: 2001 to 2096; what is outside is no time of day
_MOST_NUMBER: Final = 10**18


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of MoMo's. fields: as they came; code: in our words."""

    fields: Mapping[str, Any]
    code: Code

    def tells(self, **ours: str | int) -> bool:
        """Whether every one of these fields is there with our value."""
        return all(name in self.fields for name in ours) and not self.contradicts(**ours)

    def contradicts(self, **ours: str | int) -> bool:
        """Whether one of these fields is there with another value."""
        return any(
            name in self.fields and not same(self.fields[name], value)
            for name, value in ours.items()
        )

    @property
    def final_success(self) -> bool:
        """resultCode 0. 9000 is only said of payments."""
        return self.fields.get("resultCode") == 0 and self.code.meaning is Meaning.PAID


class Api:
    """Calls MoMo for one biller after the other. No method raises for what MoMo does."""

    def __init__(self, config: MomoConfig, client: Client) -> None:
        self._config = config
        self._client = client

    def create(
        self, fields: Mapping[str, str | int], settings: Mapping[str, str]
    ) -> Said | Refused | Unknown:
        """Ask for a payment. fields: what is signed, and `lang`."""
        # Unsigned: one step, so that 9000 is paid.
        whole = {**fields, "autoCapture": True}
        return self._call(self._config.api_url + _CREATE, signing.CREATE, whole, settings)

    def query(self, order: str, settings: Mapping[str, str]) -> Said | Refused | Unknown:
        """Ask what became of a payment."""
        return self._query(self._config.api_url + _QUERY, order, settings)

    def refund(
        self, fields: Mapping[str, str | int], settings: Mapping[str, str]
    ) -> Said | Refused | Unknown:
        """Give money back. fields: what is signed, and `lang`."""
        return self._call(self._config.api_url + _REFUND, signing.REFUND, fields, settings)

    def query_refund(self, order: str, settings: Mapping[str, str]) -> Said | Refused | Unknown:
        """Ask what became of a refund. Doubtful: signed like a query, at an address of its own."""
        return self._query(self._config.refund_query_url, order, settings)

    def _query(self, url: str, order: str, settings: Mapping[str, str]) -> Said | Refused | Unknown:
        # A requestId that was there before is answered with what was true then.
        fields = {"orderId": order, "requestId": f"Q-{uuid4().hex}", "lang": "vi"}
        said = self._call(url, signing.QUERY, fields, settings)
        # Not to have reached MoMo says nothing about what we asked after.
        return Unknown(said.reason) if isinstance(said, Refused) else said

    def _call(
        self,
        url: str,
        names: Sequence[str],
        fields: Mapping[str, str | int],
        settings: Mapping[str, str],
    ) -> Said | Refused | Unknown:
        """Refused when the request never left, Unknown when nothing came back."""
        body = {"partnerCode": settings["partner_code"], **fields}
        body["signature"] = signing.signature(names, body, settings)
        try:
            reply = self._client.post_json(url, body)
        except NotSent:
            return Refused("unreachable")
        except NoAnswer:
            return Unknown("no_answer")
        return Said(reply.fields, _code(reply.status, reply.fields.get("resultCode")))


def same(theirs: object, ours: str | int) -> bool:
    """Equal as text: MoMo writes amounts as numbers, and some of its answers as strings."""
    return type(theirs) in (int, str) and str(theirs) == str(ours)


def number(value: object) -> str | None:
    """A transId as text; None if it is none (absent, 0, or no whole number)."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return str(value) if type(value) is int and 0 < value < _MOST_NUMBER else None


def moment(value: object) -> datetime | None:
    """A responseTime (milliseconds since 1970) in Hanoi; None if it is no time."""
    if type(value) is not int or not _EARLIEST <= value < _LATEST:
        return None
    # Whole milliseconds: a float of this size would round them.
    seconds, milliseconds = divmod(value, 1000)
    return datetime.fromtimestamp(seconds, HANOI).replace(microsecond=milliseconds * 1000)


def _code(status: int, result_code: object) -> Code:
    """MoMo writes: 2xx was processed, 4xx we did something wrong, 5xx something is wrong there.

    So a success that comes with another status than 2xx is not believed, and 5xx tells nothing.
    """
    code = codes.read(result_code)
    if 200 <= status < 300 or (400 <= status < 500 and code.meaning is not Meaning.PAID):
        return code
    return _HTTP_ERROR

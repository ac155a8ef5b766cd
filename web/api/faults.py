"""What was wrong with each field, in both languages; never what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from payments.domain.errors import Invalid
from payments.domain.money import grouped
from web.problems import answer

MOST_TOLD: Final = 20

Fault = Mapping[str, str]
"""`pointer` into the body (RFC 6901) or `parameter` of the query, then `vi` and `en`."""

Words = Callable[[Mapping[str, Any]], tuple[str, str]]


def _plain(vi: str, en: str) -> Words:
    return lambda _: (vi, en)


def _limit(vi: str, en: str, name: str) -> Words:
    def said(context: Mapping[str, Any]) -> tuple[str, str]:
        limit = context.get(name, 0)
        shown = grouped(int(limit)) if isinstance(limit, int | float) else str(limit)
        return vi.format(shown), en.format(shown)

    return said


_WHOLE: Final = _plain(
    "Phải là số nguyên (đồng), không phần lẻ, không đặt trong dấu nháy.",
    "Must be a whole number, without a fraction and without quotes.",
)
_WORDS: Final[Mapping[str, Words]] = {
    "missing": _plain("Thiếu trường này.", "This field is missing."),
    "extra_forbidden": _plain("Không có trường này.", "There is no such field."),
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "greater_than_equal": _limit("Phải từ {} trở lên.", "Must be {} or more.", "ge"),
    "less_than_equal": _limit("Không quá {}.", "Must not be more than {}.", "le"),
    "string_type": _plain("Phải là chữ (chuỗi).", "Must be text."),
    "string_unicode": _plain("Có ký tự không hợp lệ.", "Holds a character that does not exist."),
    "string_too_short": _limit(
        "Cần ít nhất {} ký tự.", "Needs at least {} characters.", "min_length"
    ),
    "string_too_long": _limit("Không quá {} ký tự.", "At most {} characters.", "max_length"),
    "string_pattern_mismatch": _plain(
        "Không đúng dạng, hoặc có ký tự điều khiển.",
        "Not of the expected form, or holds a control character.",
    ),
    "literal_error": lambda context: (
        f"Phải là một trong: {context.get('expected', '')}.",
        f"Must be one of: {context.get('expected', '')}.",
    ),
    "bool_type": _plain("Phải là true hoặc false.", "Must be true or false."),
    "bool_parsing": _plain("Phải là true hoặc false.", "Must be true or false."),
    "list_type": _plain("Phải là danh sách.", "Must be a list."),
    "too_short": _limit("Cần ít nhất {} mục.", "Needs at least {} items.", "min_length"),
    "too_long": _limit("Không quá {} mục.", "At most {} items.", "max_length"),
    "dict_type": _plain("Phải là đối tượng JSON.", "Must be a JSON object."),
    "model_type": _plain("Phải là đối tượng JSON.", "Must be a JSON object."),
    "model_attributes_type": _plain("Phải là đối tượng JSON.", "Must be a JSON object."),
    "id": lambda context: (
        f"Phải là mã dạng {context.get('kind', '')}_….",
        f"Must be an id like {context.get('kind', '')}_….",
    ),
    "day": _plain("Phải là ngày dạng 2026-01-31.", "Must be a day like 2026-01-31."),
    "moment": _plain(
        "Phải là thời điểm dạng 2026-01-31T23:59:59+07:00.",
        "Must be a moment like 2026-01-31T23:59:59+07:00.",
    ),
}
_OTHER: Final = _plain("Giá trị không hợp lệ.", "The value is not valid.")


def refuse(error: ValidationError) -> Response:
    """The answer to a request whose fields are wrong."""
    return answer(_told(error), errors=faults(error))


def faults(error: ValidationError) -> list[Fault]:
    """Field by field, at most twenty."""
    details = error.errors(include_url=False, include_input=False)[:MOST_TOLD]
    in_query = error.title == "query"
    return [_fault(detail, in_query=in_query) for detail in details]


def _told(error: ValidationError) -> Invalid:
    count = error.error_count()
    return Invalid(
        f"Có {count} chỗ chưa đúng; xem “errors”.",
        f"{count} {'thing is' if count == 1 else 'things are'} wrong; see “errors”.",
    )


def _fault(detail: ErrorDetails, *, in_query: bool) -> Fault:
    vi, en = _WORDS.get(detail["type"], _OTHER)(detail.get("ctx") or {})
    path = [_escaped(str(part)) for part in detail["loc"]]
    where = (
        {"parameter": ".".join(path)} if in_query else {"pointer": "".join(f"/{p}" for p in path)}
    )
    return where | {"vi": vi, "en": en}


def _escaped(part: str) -> str:
    # A name that the caller made up is told back, but not at any length.
    return part[:60].replace("~", "~0").replace("/", "~1")

"""Evidence for people: which characters of the memo prove what, and the comparison in words.

The engine's pieces of evidence come as they were stored (Evidence.as_data()); spans are places
in the memo as the bank wrote it. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from payments.domain.memo import fold
from payments.domain.money import Money, grouped
from reconciliation.engine.evidence import RULES, Verdict, amounts
from web.console.decisions import Evidence, MemoPart
from web.language import Both

Stored = Mapping[str, Any]

_SIGNS: Final = {
    "code": "code",
    "reference": "reference",
    "payer_name": "beneficiary",
    "sender_name": "payer",
    "bank_reference": "reference",
}
"""The engine's kinds of evidence -> signs of words.py; the others have a sign of their name."""

_SPELLED: Final = ("code", "reference", "payer_code")
"""Kinds of evidence whose single characters count."""
_PREFIX: Final = 2
_MATCHES: Final = Both("Khớp", "Matches")
_UNSPACED: Final = Both("Khớp khi bỏ dấu cách", "Matches without its blanks")
_SWAPPED: Final = Both("Hai ký tự đổi chỗ", "Two characters swapped")
_NO_PREFIX: Final = Both("Mất hai chữ đầu", "Its first two letters are lost")
_NEARLY: Final = Both("Đọc được khi sửa ký tự", "Readable with a character corrected")
_UNSURE: Final = Both("Chưa chắc", "Not certain")
_DIFFERS: Final = Both("Khác nhau", "They differ")
_MISSING: Final = Both("Không thấy", "Not found")
_UNDONE: Final = Both("Đã có người gỡ cặp này", "Somebody took this pair apart")


def compared(evidence: Sequence[Stored]) -> tuple[Evidence, ...]:
    """The rows of the comparison; those that stand in the memo carry a letter."""
    letters = _letters(evidence)
    rows = []
    for place, one in enumerate(evidence):
        line_parts, bill_parts = _apart(one)
        rows.append(
            Evidence(
                sign=_sign(one),
                on_line=_side(one, "on_line"),
                on_bill=_side(one, "on_order"),
                verdict=verdict(one),
                note=_note(one),
                letter=letters.get(place, ""),
                line_parts=line_parts,
                bill_parts=bill_parts,
            )
        )
    return tuple(rows)


def marked(memo: str, evidence: Sequence[Stored]) -> tuple[MemoPart, ...]:
    """The memo in pieces, with the characters marked that a row of the comparison names."""
    letters = _letters(evidence)
    spans = sorted(
        (one["span"][0], one["span"][1], place)
        for place, one in enumerate(evidence)
        if place in letters and one["span"][1] <= len(memo)
    )
    parts: list[MemoPart] = []
    at = 0
    for start, end, place in spans:
        if start < at:
            continue  # two pieces share characters: the first one has them
        parts += [MemoPart(memo[at:start])] if start > at else []
        mark = "exact" if verdict(evidence[place]) == "match" else "near"
        parts.append(MemoPart(memo[start:end], mark, letters[place]))
        at = end
    return tuple(parts + ([MemoPart(memo[at:])] if memo[at:] else []))


def signs(evidence: Sequence[Stored], wanted: str) -> tuple[str, ...]:
    """The signs with this verdict, each once."""
    found = [_sign(one) for one in evidence if verdict(one) == wanted]
    return tuple(dict.fromkeys(found))


def together(several: Sequence[Sequence[Stored]]) -> Sequence[Stored]:
    """The evidence of orders that one line names together: each of them, and what all owe."""
    named = [one for evidence in several for one in evidence if one["kind"] != "amount"]
    sums = [one for evidence in several for one in evidence if one["kind"] == "amount"]
    if len(sums) != len(several):
        return named
    came, owed = int(sums[0]["on_line"]), sum(int(one["on_order"]) for one in sums)
    return [*named, amounts(came, owed).as_data()]


def without_amounts(evidence: Sequence[Stored]) -> Sequence[Stored]:
    """For a part of a line: its whole amount says nothing about the part."""
    return [one for one in evidence if one["kind"] != "amount"]


def rule_of(code: str) -> Both | None:
    """What the engine went by, as a person says it; None where there is nothing to go by."""
    known = RULES.get(code) if code != "none" else None
    return Both(known.vi, known.en) if known is not None else None


def verdict(one: Stored) -> str:
    """match, near, differs or missing: a code of words.py."""
    told = Verdict(one["verdict"])
    if told is Verdict.AGREES:
        return "match" if _same(one) else "near"
    if told is Verdict.AMBIGUOUS:
        return "near"
    return "missing" if told is Verdict.MISSING else "differs"


def _letters(evidence: Sequence[Stored]) -> Mapping[int, str]:
    """Place of a piece of evidence -> its letter, for those that stand in the memo."""
    found = [
        place
        for place, one in enumerate(evidence)
        if one.get("span") and one["span"][0] < one["span"][1]
    ]
    return {place: chr(ord("a") + number) for number, place in enumerate(found[:26])}


def _sign(one: Stored) -> str:
    return _SIGNS.get(one["kind"], str(one["kind"]))


def _same(one: Stored) -> bool:
    """Whether both sides read alike; what has only one side cannot differ from another."""
    line, order = _compact(one["on_line"]), _compact(one["on_order"])
    return not line or not order or line == order


def _compact(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


def _side(one: Stored, name: str) -> str:
    said = str(one[name])
    if one["kind"] in ("amount", "fee") and said.lstrip("-").isdigit():
        return grouped(int(said))
    return said


def _apart(one: Stored) -> tuple[tuple[MemoPart, ...], tuple[MemoPart, ...]]:
    """Both sides in pieces, the characters marked in which they differ; () where none do."""
    line, order = str(one["on_line"]), str(one["on_order"])
    if one["kind"] not in _SPELLED or not line or not order or _same(one):
        return (), ()
    steps = SequenceMatcher(None, line, order, autojunk=False).get_opcodes()
    marks = [("" if step == "equal" else "near", a, b, c, d) for step, a, b, c, d in steps]
    return (
        tuple(MemoPart(line[a:b], mark) for mark, a, b, _, _ in marks if a < b),
        tuple(MemoPart(order[c:d], mark) for mark, _, _, c, d in marks if c < d),
    )


def _spelling(one: Stored) -> Both | None:
    """What is wrong with a code, if it is one of the usual slips."""
    line, order = _compact(one["on_line"]), _compact(one["on_order"])
    if len(line) == len(order):
        wrong = [at for at in range(len(line)) if line[at] != order[at]]
        if len(wrong) == 2 and sorted(line[at] for at in wrong) == sorted(
            order[at] for at in wrong
        ):
            return _SWAPPED
        plural = "" if len(wrong) == 1 else "s"
        return Both(f"Sai {len(wrong)} ký tự", f"{len(wrong)} character{plural} wrong")
    if len(order) - len(line) == _PREFIX and order.endswith(line):
        return _NO_PREFIX
    if order.startswith(line):
        lost = len(order) - len(line)
        return Both(f"Bị cắt, thiếu {lost} ký tự cuối", f"Cut off, the last {lost} missing")
    return None


def _note(one: Stored) -> Both:
    said = verdict(one)
    if one["kind"] in _SPELLED and one["on_line"] and one["on_order"]:
        if said == "near" and (slip := _spelling(one)) is not None:
            return slip
        if said == "match" and " " in str(one["on_line"]):
            return _UNSPACED
    if one["kind"] == "undone":
        return _UNDONE
    if one["kind"] == "amount" and said == "differs":
        return _difference(one)
    return {"match": _MATCHES, "missing": _MISSING, "differs": _DIFFERS}.get(
        said, _NEARLY if one["verdict"] == Verdict.AGREES else _UNSURE
    )


def _difference(one: Stored) -> Both:
    more = int(one["on_line"]) - int(one["on_order"])
    said = Money(abs(more))
    if more > 0:
        return Both(f"Thừa {said}", f"{said} too much")
    return Both(f"Thiếu {said}", f"{said} short")

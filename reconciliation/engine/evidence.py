"""Evidence and rules as data, and the one place where they become sentences.

A piece of evidence says what kind it is, what stands on the line, what stands on the order,
whether the two agree, and where in the memo to look. A rule is a name, a score for sorting
what a person sees (uniqueness decides, never a score), and a sentence in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal


class Verdict(StrEnum):
    """What a piece of evidence does to the pairing."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    AMBIGUOUS = "ambiguous"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Evidence:
    """kind: a key of KINDS; span: [start, end) in the memo, or None where it is not there."""

    kind: str
    on_line: str
    on_order: str
    verdict: Verdict
    span: tuple[int, int] | None = None

    def as_data(self) -> dict[str, Any]:
        """For a JSON column; spans become lists."""
        return {
            "kind": self.kind,
            "on_line": self.on_line,
            "on_order": self.on_order,
            "verdict": self.verdict.value,
            "span": list(self.span) if self.span else None,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """score: 0 to 1, for sorting; vi, en: what it means to a person."""

    score: float
    vi: str
    en: str


RULES: dict[str, Rule] = {
    "code_exact": Rule(1.0, "đúng mã thanh toán", "exact payment code"),
    "code_in_memo": Rule(0.99, "mã thanh toán trong nội dung", "payment code inside the memo"),
    "reference_exact": Rule(0.99, "đúng mã tham chiếu", "exact reference"),
    "reference_in_memo": Rule(0.98, "mã tham chiếu trong nội dung", "reference inside the memo"),
    "gateway_reference": Rule(1.0, "đúng mã đơn ở cổng", "order reference at the gateway"),
    "several_references": Rule(0.97, "nhiều mã, đủ tổng tiền", "several references, sum agrees"),
    "code_corrected": Rule(0.95, "mã sai một ký tự, đúng tiền", "corrected code, amount agrees"),
    "code_prefix_lost": Rule(0.94, "mã mất tiền tố, đúng tiền", "code without its prefix"),
    "batch_named": Rule(1.0, "tiền về của lô", "settlement of a named batch"),
    "batch_amount": Rule(0.95, "tiền về đúng tổng lô", "settlement with the batch's sum"),
    "batch_day": Rule(0.7, "tiền về của lô trong ngày", "settlement of the batch of that day"),
    "delivered_again": Rule(1.0, "dòng gửi lại", "the same line delivered again"),
    "reversal_named": Rule(0.95, "ghi đảo, nêu giao dịch gốc", "reversal that names its original"),
    "reversal": Rule(0.5, "ghi đảo", "reversal"),
    "bank_business": Rule(0.9, "phí, lãi, nội bộ, ủng hộ", "fee, interest, internal, gift"),
    "payer_named": Rule(0.8, "nêu tên hoặc mã người nộp khác", "names another payer"),
    "reference_quoted": Rule(0.75, "mã được nêu", "the reference that is quoted"),
    "code_unsure": Rule(0.7, "mã đọc chưa chắc", "a code read with doubt"),
    "payer_and_amount": Rule(0.65, "đúng người nộp và số tiền", "payer and amount agree"),
    "reference_cut": Rule(0.5, "mã bị cắt", "a reference that breaks off"),
    "payer_only": Rule(0.4, "đúng người nộp", "payer agrees"),
    "sender_and_amount": Rule(0.35, "người gửi trùng tên, đúng tiền", "sender's name and amount"),
    "none": Rule(0.0, "không có căn cứ", "nothing to go by"),
}

KINDS: dict[str, tuple[str, str]] = {
    "code": ("mã thanh toán", "payment code"),
    "reference": ("mã tham chiếu", "reference"),
    "payer_code": ("mã người nộp", "payer code"),
    "payer_name": ("tên người nộp", "payer name"),
    "sender_name": ("tên người gửi", "sender name"),
    "amount": ("số tiền", "amount"),
    "status": ("trạng thái đơn", "order status"),
    "bank_reference": ("số chứng từ ngân hàng", "bank reference"),
    "batch": ("lô tiền về", "settlement batch"),
    "fee": ("phí cổng", "gateway fee"),
    "words": ("từ ngữ của ngân hàng", "the bank's words"),
    "undone": ("cặp đã bị gỡ trước đây", "a pair that was undone before"),
}

VERDICTS: dict[Verdict, tuple[str, str]] = {
    Verdict.AGREES: ("khớp", "agrees"),
    Verdict.CONTRADICTS: ("trái", "contradicts"),
    Verdict.AMBIGUOUS: ("chưa rõ", "ambiguous"),
    Verdict.MISSING: ("không có", "missing"),
}


def render(evidence: Iterable[Evidence], lang: Literal["vi", "en"]) -> str:
    """The evidence as a line for people: "payment code HP… = HP… (agrees); amount …"."""
    at = 0 if lang == "vi" else 1
    parts = []
    for one in evidence:
        sides = one.on_line if one.on_line == one.on_order else f"{one.on_line} ~ {one.on_order}"
        words = f"{KINDS[one.kind][at]} {sides.strip(' ~')}".strip()
        parts.append(f"{words} ({VERDICTS[one.verdict][at]})")
    return "; ".join(parts)


def amounts(came: int, owed: int) -> Evidence:
    """The amount that came against what the order still owes, in đồng."""
    verdict = Verdict.AGREES if came == owed else Verdict.CONTRADICTS
    return Evidence("amount", str(came), str(owed), verdict)

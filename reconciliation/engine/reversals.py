"""Money out that takes an earlier credit back: which credit, and which orders owe again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from payments.domain.memo import Reading, compact
from reconciliation import kinds
from reconciliation.engine.book import Book, Decision, Outcome, Row
from reconciliation.engine.evidence import Evidence, Verdict

_SHORTEST_REFERENCE = 5
_WORDS_OF_REFERENCE = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """A credit that a later line may take back. orders: those its memo quoted."""

    line_id: str
    bank_ref: str
    orders: frozenset[int]


@dataclass(slots=True)
class Reversals:
    """The credits seen so far, to be found by account and amount with reference or order."""

    book: Book
    refs: Sequence[str]
    _by_ref: dict[tuple[str, int, str], list[Seen]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _by_order: dict[tuple[str, int, int], list[Seen]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _gone: set[str] = field(default_factory=set)

    def saw(self, account: str, amount: int, seen: Seen) -> None:
        """Remember a credit."""
        if len(ref := compact(seen.bank_ref)) >= _SHORTEST_REFERENCE:
            self._by_ref[account, amount, ref].append(seen)
        for order in seen.orders:
            self._by_order[account, amount, order].append(seen)

    def decide(
        self, account: str, amount: int, reading: Reading, orders: frozenset[int]
    ) -> Outcome:
        """amount: what left the account, positive. orders: those the memo quotes."""
        told = kinds.kind_of(reading.text, -amount)
        quoted = self._live(
            seen
            for ref in references(reading.text)
            for seen in self._by_ref.get((account, amount, ref), ())
        )
        if told is not kinds.Kind.REVERSAL and not quoted:
            code = "NON_ORDER" if told is kinds.Kind.NON_ORDER else "UNMATCHED"
            rule = "bank_business" if code == "NON_ORDER" else "none"
            return Outcome(Decision.EXCEPTION, code, [Row(None, amount, rule, _words(reading))])
        candidates = quoted or self._live(
            seen for order in orders for seen in self._by_order.get((account, amount, order), ())
        )
        if len(candidates) != 1:
            return self._unsure(amount, orders, reading)
        return self._take_back(amount, candidates[0], reading)

    def _live(self, seen: Iterable[Seen]) -> list[Seen]:
        """Each once, without those that were taken back already."""
        return list({one.line_id: one for one in seen if one.line_id not in self._gone}.values())

    def _take_back(self, amount: int, seen: Seen, reading: Reading) -> Outcome:
        self._gone.add(seen.line_id)
        named = Evidence("bank_reference", seen.bank_ref, seen.line_id, Verdict.AGREES)
        evidence = (named, *_words(reading))
        parts = self.book.release(seen.line_id)
        rows = [Row(order, part, "reversal_named", evidence) for order, part in parts]
        decision = Decision.SUGGEST if rows else Decision.EXCEPTION
        rows = rows or [Row(None, amount, "reversal_named", evidence)]
        return Outcome(decision, "REVERSAL", rows, related=seen.line_id)

    def _unsure(self, amount: int, orders: frozenset[int], reading: Reading) -> Outcome:
        rows = [
            Row(order, amount, "reversal", (*_words(reading), self._quoted(order)))
            for order in sorted(orders)
        ]
        decision = Decision.SUGGEST if rows else Decision.EXCEPTION
        rows = rows or [Row(None, amount, "reversal", _words(reading))]
        return Outcome(decision, "REVERSAL", rows)

    def _quoted(self, order: int) -> Evidence:
        return Evidence("reference", self.refs[order], self.refs[order], Verdict.AGREES)


def references(text: str) -> set[str]:
    """What in the memo may be a bank's reference: up to four words in a row, joined."""
    words = re.findall(r"[0-9A-Z]+", text)
    return {
        "".join(words[first:last])
        for first in range(len(words))
        for last in range(first + 1, min(first + _WORDS_OF_REFERENCE, len(words)) + 1)
    }


def _words(reading: Reading) -> tuple[Evidence, ...]:
    words, span = kinds.words_in(reading.text)
    seen = Evidence("words", words, "", Verdict.AGREES, reading.span(*span))
    return (seen,) if words else ()

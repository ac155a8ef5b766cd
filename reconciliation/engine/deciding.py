"""One credit, all its evidence, one decision. Uniqueness decides, never a score.

A line is booked only if no other order could be meant. An ambiguous or contradicting stronger
piece stops it: it goes to a person with candidates, never on to a weaker rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest

from reconciliation.engine.book import MOST_SUGGESTED, Book, Decision, Outcome, Row
from reconciliation.engine.claims import Claim, Claims, References
from reconciliation.engine.doubts import IN_PARTS, LIKE_A_WORD, MAY_BE_TWO
from reconciliation.engine.evidence import Evidence, Verdict, amounts
from reconciliation.engine.hearing import Heard
from reconciliation.engine.payers import COMMON, Named, Payers, telling

FIRM_RULE = {
    ("code", True): "code_exact",
    ("code", False): "code_in_memo",
    ("reference", True): "reference_exact",
    ("reference", False): "reference_in_memo",
}
_MOST_RIVALS = 1000
_WEAK_RULE = {"corrected": "code_corrected", "prefix_lost": "code_prefix_lost"}


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders' columns that decisions look at, by place in the frame."""

    ids: Sequence[str]
    refs: Sequence[str]
    payer_codes: Sequence[str]
    payer_names: Sequence[str]
    due: Sequence[str]


@dataclass(frozen=True, slots=True)
class Credit:
    """A line with money in. undone: orders it must not be booked to again."""

    line_id: str
    amount: int
    sender: str
    undone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides credits against one book. Pure but for the book, which it changes."""

    orders: Orders
    references: References
    payers: Payers
    book: Book

    def decide(self, credit: Credit, heard: Heard) -> Outcome:
        """Where this credit's money goes, or who must look at it and why."""
        claims, named = heard.claims, heard.named
        if claims.firm:
            return self._quoted(credit, heard)
        weak = claims.corrected or claims.prefix_lost
        if weak:
            return self._weakly_quoted(credit, weak, claims, named)
        if claims.doubtful:
            return self._doubtful(credit, heard)
        return self._unquoted(credit, heard)

    def _quoted(self, credit: Credit, heard: Heard) -> Outcome:
        claims, named = heard.claims, heard.named
        weak = [*claims.corrected, *claims.prefix_lost]
        quoted = [*claims.firm, *(one for one in weak if self._open_any(one))]
        if _unsure(quoted) or not self._is_chance(credit, quoted, claims.doubtful):
            rows = self._rows(credit, [*quoted, *claims.doubtful], "code_unsure")
            rows.sort(key=lambda row: not self._same_amount(credit, row))
            return self._suggest(credit, "UNMATCHED", rows)
        if conflict := self.conflict(quoted, named):
            return self._name_first(credit, quoted, conflict)
        if len(quoted) + len(claims.unknown) > 1:
            return self._several(credit, quoted, claims.unknown)
        order = quoted[0].orders[0]
        if heard.cut and self.book.is_open(order) and credit.amount > self.book.owed[order]:
            also = [row for row in self._cut_rows(credit, heard) if row.order != order]
            if also:
                rows = [*self._rows(credit, quoted, "several_references"), *also]
                return self._suggest(credit, "SPLIT_MISMATCH", rows)
        return self.one(credit, quoted[0])

    def _is_chance(self, credit: Credit, quoted: list[Claim], doubtful: list[Claim]) -> bool:
        """Whether all that is in doubt are numbers that together read as one, beside a reference
        whose bill the amount is to the đồng."""
        if any(claim.doubt not in (IN_PARTS, MAY_BE_TWO) for claim in doubtful):
            return False
        return not doubtful or (len(quoted) == 1 and self._is_whole(credit, quoted[0].orders[0]))

    def one(self, credit: Credit, claim: Claim) -> Outcome:
        """One clear order: book what came, never more than is owed, and flag a difference."""
        order, owed = claim.orders[0], self.book.owed[claim.orders[0]]
        rule = FIRM_RULE[claim.kind, claim.how == "exact"]
        if self._is_undone(credit, order):
            return self._suggest(credit, "UNMATCHED", [self._undone(credit, claim)])
        if not self.book.is_open(order):
            return self._closed(credit, claim, rule)
        if owed != credit.amount and (rival := self._rival(credit, claim)) is not None:
            rows = [
                self._cut_row(credit, claim, rival),
                *self._rows(credit, [claim], "code_unsure"),
            ]
            return self._suggest(credit, "UNMATCHED", rows)
        row = self._row(credit, claim, rule, amount=min(credit.amount, owed))
        self.book.apply(credit.line_id, [(order, row.amount)])
        code = "" if credit.amount == owed else "UNDERPAID" if credit.amount < owed else "OVERPAID"
        return Outcome(Decision.AUTO, code, [row], credit=credit.amount - row.amount)

    def _closed(self, credit: Credit, claim: Claim, rule: str) -> Outcome:
        """The order takes no more money: cancelled, or paid by an earlier line or before."""
        order, row = claim.orders[0], self._row(credit, claim, rule)
        if self.book.status[order] == "CANCELLED":
            return self._suggest(credit, "ORDER_CLOSED", [row])
        first = next(iter(self.book.payers_of.get(order, ())), "")
        return Outcome(Decision.SUGGEST, "DUPLICATE_PAYMENT", [row], related=first)

    def _rival(self, credit: Credit, claim: Claim) -> int | None:
        """Another order that could be meant: its reference begins like this one up to the gap,
        and the amount is its own. "MSHS00123 45" may be a cut MSHS00123 with a number behind it.
        """
        if not claim.sure:
            return None
        for ref in self.references.forms.starting(claim.ref[: claim.sure], _MOST_RIVALS):
            for order in self.references.orders(ref):
                untouched = self.book.owed[order] == self.book.billed[order]
                if untouched and self._is_whole(credit, order):
                    return order
        return None

    def _is_whole(self, credit: Credit, order: int) -> bool:
        return self.book.is_open(order) and self.book.owed[order] == credit.amount

    def _cut_row(self, credit: Credit, claim: Claim, order: int) -> Row:
        span = (claim.start, claim.start + claim.sure)
        seen = Evidence("reference", claim.read, self.orders.refs[order], Verdict.AMBIGUOUS, span)
        return Row(order, credit.amount, "reference_cut", (seen, self._amount(credit, order)))

    def _several(self, credit: Credit, quoted: list[Claim], unknown: list[Claim]) -> Outcome:
        """Several references: booked only if all are open and add up to the credit exactly."""
        orders = [claim.orders[0] for claim in quoted]
        agrees = sum(self.book.owed[order] for order in orders) == credit.amount
        clear = all(self.book.is_open(o) and not self._is_undone(credit, o) for o in orders)
        rule = "several_references"
        rows = [
            self._row(credit, claim, rule, amount=min(credit.amount, self.book.owed[order]))
            for claim, order in zip(quoted, orders, strict=True)
        ]
        if agrees and clear and not unknown:
            self.book.apply(
                credit.line_id, [(row.order, row.amount) for row in rows if row.order is not None]
            )
            return Outcome(Decision.AUTO, "", rows)
        return self._suggest(credit, "SPLIT_MISMATCH", rows)

    def _doubtful(self, credit: Credit, heard: Heard) -> Outcome:
        """A short reference of letters alone might be a word, a number in parts might be two:
        the amount must agree."""
        claims, named = heard.claims, heard.named
        claim, *more = claims.doubtful
        word = claim.doubt in (LIKE_A_WORD, IN_PARTS) and not more and len(claim.orders) == 1
        if word and not claims.unknown and self._is_whole(credit, claim.orders[0]):
            if conflict := self.conflict([claim], named):
                return self._name_first(credit, [claim], conflict)
            return self.one(credit, replace(claim, doubt=""))
        rows = self._rows(credit, claims.doubtful, "code_unsure")
        return self._suggest(credit, "UNMATCHED", self._best_first(credit, heard, rows))

    def _best_first(self, credit: Credit, heard: Heard, unsure: list[Row]) -> list[Row]:
        """What is read but in doubt, among what the payer and the rest of a reference hint at.

        Open orders of this very amount first: those of a payer who is named, what is read, then
        what may have been cut; the rest as it was read.
        """
        theirs = [row for one in telling(heard.named) for row in self._of_payer(credit, one)]
        known = {row.order for row in theirs}
        rows = [*unsure, *theirs, *self._cut_rows(credit, heard)]
        agree = [row for row in rows if row.order is not None and self._is_whole(credit, row.order)]
        agree.sort(key=lambda row: row.order not in known)
        return [*agree, *unsure, *rows]

    def _weakly_quoted(
        self, credit: Credit, weak: list[Claim], claims: Claims, named: Sequence[Named]
    ) -> Outcome:
        """A corrected code, or one without its prefix: open, and the amount must agree."""
        if conflict := self.conflict(weak, named):
            return self._name_first(credit, weak, conflict)
        clear = not _unsure(weak) and all(self.book.is_open(claim.orders[0]) for claim in weak)
        alone = not claims.doubtful and not claims.unknown
        owed = sum(self.book.owed[claim.orders[0]] for claim in weak)
        undone = any(self._is_undone(credit, claim.orders[0]) for claim in weak)
        if len(weak) == 1 and len(weak[0].orders) == 1 and alone and not undone:
            order = weak[0].orders[0]
            if not self.book.is_open(order) and self.book.billed[order] == credit.amount:
                return self._closed(credit, weak[0], "code_unsure")
        if not (clear and alone and owed == credit.amount) or undone:
            every = [*weak, *claims.doubtful]
            return self._suggest(credit, "UNMATCHED", self._rows(credit, every, "code_unsure"))
        rows = [
            self._row(credit, claim, _WEAK_RULE[claim.how], amount=self.book.owed[claim.orders[0]])
            for claim in weak
        ]
        self.book.apply(
            credit.line_id, [(row.order, row.amount) for row in rows if row.order is not None]
        )
        return Outcome(Decision.AUTO, "", rows)

    def _unquoted(self, credit: Credit, heard: Heard) -> Outcome:
        """No reference that decides: the bank's own business, or candidates for a person."""
        claims, named = heard.claims, heard.named
        if heard.business is not None and not named:
            bank, span = heard.business
            words = Evidence("words", bank, "", Verdict.AGREES, span)
            row = Row(None, credit.amount, "bank_business", (words,))
            return Outcome(Decision.EXCEPTION, "NON_ORDER", [row])
        rows = self._candidates(credit, heard)
        if rows and (named or not claims.unknown):
            return self._suggest(credit, "UNMATCHED", rows)
        if claims.unknown:
            seen = tuple(
                Evidence(one.kind, one.ref, "", Verdict.MISSING, (one.start, one.end))
                for one in claims.unknown
            )
            return Outcome(
                Decision.EXCEPTION, "UNKNOWN_REF", [Row(None, credit.amount, "none", seen)]
            )
        return Outcome(Decision.EXCEPTION, "UNMATCHED", [Row(None, credit.amount, "none")])

    def _candidates(self, credit: Credit, heard: Heard) -> list[Row]:
        """Open orders that the line hints at, best first."""
        rows: list[Row] = []
        for claim in heard.bodies:
            rows += self._rows(credit, [claim], "code_unsure")
        cut = self._cut_rows(credit, heard)
        rows += cut
        for one in telling(heard.named):
            rows += self._of_payer(credit, one)
        for order in self.payers.of_name(credit.sender):
            if self.book.owed[order] == credit.amount:
                seen = Evidence("sender_name", credit.sender, self._name(order), Verdict.AGREES)
                row = Row(
                    order, credit.amount, "sender_and_amount", (seen, self._amount(credit, order))
                )
                rows.append(row)
        rows = [row for row in rows if row.order is not None and self.book.is_open(row.order)]
        # Who is named as well as quoted, however little is left of the reference, comes first.
        hinted = Counter(row.order for row in rows)
        quoted = {row.order for row in cut if hinted[row.order] > 1}
        rows.sort(
            key=lambda row: (
                row.order not in quoted,
                not self._same_amount(credit, row),
                -row.score,
                self._due(row),
            )
        )
        return _best(rows)

    def _cut_rows(self, credit: Credit, heard: Heard) -> list[Row]:
        """Open orders whose reference begins like one that breaks off; those of the payer or
        of the sender first, then those of the same amount."""
        if not heard.cut:
            return []
        theirs = {order for one in telling(heard.named) for order in one.orders}
        theirs.update(self.payers.of_name(credit.sender))
        found: dict[int, tuple[str, tuple[int, int]]] = {}
        for text, span in heard.cut:
            mine = [one for one in sorted(theirs) if self.references.begins(one, text)]
            for order in (*mine, *self.references.starting(text)):
                if self.book.is_open(order):
                    found.setdefault(order, (text, span))
        best = sorted(
            found, key=lambda order: (order not in theirs, self.book.owed[order] != credit.amount)
        )
        rows = []
        for order in best[:MOST_SUGGESTED]:
            text, span = found[order]
            cut = Evidence("reference", text, self.orders.refs[order], Verdict.AMBIGUOUS, span)
            seen = (cut, self._amount(credit, order))
            rows.append(Row(order, credit.amount, "reference_cut", seen))
        return rows

    def _of_payer(self, credit: Credit, named: Named) -> list[Row]:
        rows = []
        every: Sequence[int] = named.orders
        if len(every) > COMMON:  # of so many only some of those that owe just this
            whole = [order for order in every if self._is_whole(credit, order)]
            every = nsmallest(COMMON, whole, key=self._due_of)
        for order in every:
            same = self.book.owed[order] == credit.amount
            who = (
                self.orders.payer_codes[order] if named.kind == "payer_code" else self._name(order)
            )
            seen = Evidence(named.kind, named.text, who, Verdict.AGREES, (named.start, named.end))
            rule = "payer_and_amount" if same else "payer_only"
            rows.append(Row(order, credit.amount, rule, (seen, self._amount(credit, order))))
        return rows

    def conflict(self, quoted: list[Claim], named: Sequence[Named]) -> list[Named]:
        """Payers named beside the reference who are not those of the quoted orders.

        A code says more than a name: many people share a name. Whether the named payer has paid
        by now does not matter: the reference is somebody else's all the same.
        """
        orders = {order for claim in quoted for order in claim.orders}
        for kind in ("payer_code", "payer_name"):
            of_kind = [one for one in named if one.kind == kind]
            if any(self.payers.is_of(order, one) for one in of_kind for order in orders):
                return []
            if kind == "payer_name":  # a name that owed nothing before is somebody's namesake
                of_kind = [one for one in of_kind if self._owed_before(one)]
            if of_kind:
                return of_kind
        return []

    def _owed_before(self, named: Named) -> bool:
        return any(self.book.status[order] == "OPEN" for order in named.orders)

    def _name_first(self, credit: Credit, quoted: list[Claim], named: Sequence[Named]) -> Outcome:
        rows = []
        for one in named:
            mine = [row for row in self._of_payer(credit, one) if self.book.is_open(row.order or 0)]
            mine.sort(key=lambda row: (not self._same_amount(credit, row), self._due(row)))
            rows += [Row(row.order, row.amount, "payer_named", row.evidence) for row in mine]
        rows = _best(rows, MOST_SUGGESTED - 1)
        rows += self._rows(credit, quoted, "reference_quoted")
        return self._suggest(credit, "REF_CONFLICT", _best(rows, MOST_SUGGESTED + len(quoted)))

    def _suggest(self, credit: Credit, code: str, rows: list[Row]) -> Outcome:
        if not rows:
            return Outcome(Decision.EXCEPTION, code, [Row(None, credit.amount, "none")])
        return Outcome(Decision.SUGGEST, code, _best(rows))

    def _rows(self, credit: Credit, claims: Iterable[Claim], rule: str) -> list[Row]:
        return [
            Row(order, credit.amount, rule, self._evidence(credit, claim, order))
            for claim in claims
            for order in claim.orders[:MOST_SUGGESTED]
        ]

    def _row(self, credit: Credit, claim: Claim, rule: str, amount: int | None = None) -> Row:
        came = credit.amount if amount is None else amount
        return Row(claim.orders[0], came, rule, self._evidence(credit, claim, claim.orders[0]))

    def _undone(self, credit: Credit, claim: Claim) -> Row:
        seen = Evidence("undone", "", self.orders.refs[claim.orders[0]], Verdict.CONTRADICTS)
        row = self._row(credit, claim, "reference_quoted")
        return Row(row.order, row.amount, row.rule, (*row.evidence, seen))

    def _evidence(self, credit: Credit, claim: Claim, order: int) -> tuple[Evidence, ...]:
        unsure = claim.doubt or len(claim.orders) > 1
        verdict = Verdict.AMBIGUOUS if unsure else Verdict.AGREES
        span = (claim.start, claim.end)
        quoted = Evidence(claim.kind, claim.read, self.orders.refs[order], verdict, span)
        evidence = (quoted, self._amount(credit, order))
        if self.book.is_open(order):
            return evidence
        status = self.book.status[order] if self.book.status[order] != "OPEN" else "PAID"
        return (*evidence, Evidence("status", "", status, Verdict.CONTRADICTS))

    def _amount(self, credit: Credit, order: int) -> Evidence:
        return amounts(credit.amount, self.book.owed[order])

    def _same_amount(self, credit: Credit, row: Row) -> bool:
        return row.order is not None and self.book.owed[row.order] == credit.amount

    def _due(self, row: Row) -> tuple[str, str]:
        return self._due_of(row.order or 0)

    def _due_of(self, order: int) -> tuple[str, str]:
        return self.orders.due[order], self.orders.ids[order]

    def _name(self, order: int) -> str:
        return self.orders.payer_names[order]

    def _open_any(self, claim: Claim) -> bool:
        return any(self.book.is_open(order) for order in claim.orders)

    def _is_undone(self, credit: Credit, order: int) -> bool:
        return self.orders.ids[order] in credit.undone


def _unsure(quoted: list[Claim]) -> bool:
    """Whether one reference has two orders, or two readings share characters."""
    if any(len(claim.orders) > 1 for claim in quoted):
        return True
    return any(a.overlaps(b) for i, a in enumerate(quoted) for b in quoted[:i])


def _best(rows: list[Row], most: int = MOST_SUGGESTED) -> list[Row]:
    """Each order once, at its best place."""
    first: dict[int | None, Row] = {}
    for row in rows:
        first.setdefault(row.order, row)
    return list(first.values())[:most]

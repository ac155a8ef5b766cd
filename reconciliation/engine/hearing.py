"""Hearing: all that one line says by itself, before anything is decided. Pure, line by line.

No line's hearing looks at another line or at what an order still owes, so lines may be heard in
any order and anywhere: match(hearer=...) takes whoever does it. What is heard is a few texts and
numbers (packed, unpacked), so that it can come from another process. Deciding stays in one
place and in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from payments.domain.memo import Reading, fold
from reconciliation import kinds
from reconciliation.engine.batches import Batches, OfBatch
from reconciliation.engine.claims import Claim, Claims, References
from reconciliation.engine.folding import compact
from reconciliation.engine.payers import Named, Payers

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a line says. claims: references; named: payers beside them; of_batch: settlements.

    Of a line that quotes nothing also: business, the bank's words for what is no payment, and
    where they stand; bodies, references without their prefix. cut: what is left of references
    that break off, and where it stands.
    """

    claims: Claims
    named: Sequence[Named] = ()
    of_batch: OfBatch | None = None
    business: tuple[str, Span] | None = None
    bodies: Sequence[Claim] = ()
    cut: Sequence[tuple[str, Span]] = ()


Hearer = Callable[[Callable[[int], Heard], Sequence[int]], Iterable[Heard]]
"""Calls a function for each of these places and gives what it returns, in their order."""


def in_turn(hear: Callable[[int], Heard], places: Sequence[int]) -> Iterable[Heard]:
    """One after the other, in this process."""
    return map(hear, places)


@dataclass(frozen=True, slots=True)
class Listener:
    """Knows the orders' references, their payers and the batches that are due."""

    references: References
    payers: Payers
    batches: Batches = field(default_factory=lambda: Batches(()))

    def claims(self, reading: Reading) -> Claims:
        """Every reference that the memo claims, overlaps settled."""
        claims = self.references.claims(reading)
        # A payer's number may have the shape of a reference; it is not one that nobody has.
        claims.unknown = [
            one
            for one in claims.unknown
            if not (self.payers.has_code(one.ref) or self.payers.has_code(compact(one.read)))
        ]
        if not claims.orders():
            claims.unknown = [one for one in claims.unknown if not self.references.is_cut(one)]
        return claims

    def credit(self, reading: Reading, sender: str) -> Heard:
        """What a line with money in says. sender: the account holder's name, as the bank has it."""
        claims = self.claims(reading)
        named = tuple(self._named(reading, sender, claims))
        if claims.firm:
            # More than one bill owes may be for a second one, whose reference breaks off.
            spans = [*claims.spans(), *((one.start, one.end) for one in named)]
            alone = len(claims.firm) == 1
            return Heard(claims, named, cut=self.references.cut(reading, spans) if alone else ())
        of_batch = self.batches.told(reading, sender, alone=not claims.orders())
        if claims.corrected or claims.prefix_lost or claims.doubtful:
            return Heard(claims, named, of_batch)
        spans, business = claims.spans(), None
        if kinds.kind_of(reading.text, 1) is kinds.Kind.NON_ORDER:
            words, span = kinds.words_in(reading.text)
            business = words, reading.span(*span)
        bodies = self.references.bodies(reading)
        cut = self.references.cut(reading, spans)
        return Heard(claims, named, of_batch, business, tuple(bodies), tuple(cut))

    def _named(self, reading: Reading, sender: str, claims: Claims) -> list[Named]:
        """Payers named beside the references; not those who are a part of the sender's name.

        NGUYEN DINH THUY NGA who signs her own transfer does not name DINH THUY NGA.
        """
        named = self.payers.named(reading, claims.spans())
        if not named:
            return named
        sender = fold(sender).strip()
        start = reading.text.find(sender) if sender else -1
        if start < 0:
            return named
        first, last = reading.span(start, start + len(sender))
        return [
            one
            for one in named
            if one.kind != "payer_name"
            or not (first <= one.start and one.end <= last and one.end - one.start < last - first)
        ]


def packed(heard: Heard) -> tuple[Any, ...]:
    """Tuples, texts and numbers only."""
    claims, batch = heard.claims, heard.of_batch
    groups = (claims.firm, claims.corrected, claims.prefix_lost, claims.doubtful, claims.unknown)
    return (
        tuple([_of_claim(one) for one in group] for group in groups),
        [(one.kind, one.text, one.orders, one.start, one.end) for one in heard.named],
        batch and (batch.named, batch.gateways, batch.settles),
        heard.business,
        [_of_claim(one) for one in heard.bodies],
        heard.cut,
    )


def unpacked(parts: tuple[Any, ...]) -> Heard:
    """What was packed."""
    groups, named, batch, business, bodies, cut = parts
    return Heard(
        Claims(*([Claim(*one) for one in group] for group in groups)),
        tuple(Named(*one) for one in named),
        batch and OfBatch(*batch),
        business,
        tuple(Claim(*one) for one in bodies),
        tuple(cut),
    )


def _of_claim(one: Claim) -> tuple[Any, ...]:
    return (
        one.kind, one.ref, one.how, one.orders, one.start, one.end, one.doubt, one.read, one.sure,
    )  # fmt: skip

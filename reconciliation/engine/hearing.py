"""Hearing: all that the lines say by themselves, before anything is decided. Pure, share by share.

No line's hearing looks at another line or at what an order still owes, so shares of the lines may
be heard in any order and anywhere: match(hearer=...) takes whoever does it. What is heard is
columns, a few texts and numbers (Told.packed), so that it can come from another process. Deciding
stays in one place and in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from payments.domain.memo import Reading, compact, fold
from reconciliation import kinds
from reconciliation.engine.batches import Batches, OfBatch
from reconciliation.engine.claims import Claim, Claims, References
from reconciliation.engine.payers import Named, Payers
from reconciliation.engine.quick import Plain

MOST_AT_ONCE = 16_384

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

    def alone(self) -> Claim | None:
        """The claim, if one order is quoted and nothing else is, however weakly."""
        claims = self.claims
        if len(claims.firm) != 1 or self.cut or claims.unknown:
            return None
        if claims.corrected or claims.prefix_lost or claims.doubtful:
            return None
        return claims.firm[0] if len(claims.firm[0].orders) == 1 else None


@dataclass(frozen=True, slots=True)
class Told:
    """What a share of the lines says. plain: what columns tell of each; heard: by place among all
    lines, those of which that is not enough."""

    plain: Plain
    heard: Mapping[int, Heard]

    def packed(self) -> tuple[Any, ...]:
        """Bytes, tuples, texts and numbers only."""
        columns = (self.plain.order, self.plain.exact, self.plain.whole)
        lines = [(at, _packed(one)) for at, one in self.heard.items()]
        return tuple(column.tobytes() for column in columns), lines

    @classmethod
    def unpacked(cls, parts: tuple[Any, ...]) -> Told:
        """What was packed."""
        (order, exact, whole), lines = parts
        flags = (np.frombuffer(column, dtype=bool) for column in (exact, whole))
        plain = Plain(np.frombuffer(order, dtype=np.int64), *flags)
        return cls(plain, {at: _unpacked(one) for at, one in lines})


Hear = Callable[[range], Told]
Hearer = Callable[[Hear, int], Iterable[Told]]
"""Has so many lines heard, share by share, and gives what was told of each share, in order."""


def shares(lines: int, most: int = MOST_AT_ONCE) -> list[range]:
    """Lines 0 to `lines` in shares of at most so many."""
    return [range(start, min(start + most, lines)) for start in range(0, lines, most)]


def in_turn(hear: Hear, lines: int) -> Iterable[Told]:
    """One after the other, in this process."""
    return map(hear, shares(lines))


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
        if claims.orders():
            # Beside a reference that is known, a number may be anything.
            claims.unknown = [one for one in claims.unknown if not self.references.is_bare(one)]
        else:
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
        if claims.corrected or claims.prefix_lost:
            return Heard(claims, named, of_batch)
        if claims.doubtful:
            # What is in doubt is mostly the rest of a reference and what stands behind it.
            others = [(one.start, one.end) for one in named]
            return Heard(claims, named, of_batch, cut=tuple(self.references.cut(reading, others)))
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


def _packed(heard: Heard) -> tuple[Any, ...]:
    claims, batch = heard.claims, heard.of_batch
    groups = (claims.firm, claims.corrected, claims.prefix_lost, claims.doubtful, claims.unknown)
    return (
        tuple([_of_claim(one) for one in group] for group in groups),
        [(one.kind, one.text, one.orders, one.start, one.end) for one in heard.named],
        batch and (batch.named, batch.gateways, batch.settles, batch.days),
        heard.business,
        [_of_claim(one) for one in heard.bodies],
        heard.cut,
    )


def _unpacked(parts: tuple[Any, ...]) -> Heard:
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

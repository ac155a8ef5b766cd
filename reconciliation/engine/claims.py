"""What one line's memo claims: which references stand in it, and which orders have them.

All readings are heard first; then those that overlap are settled, the stronger one staying.
Nothing is decided here: matching.py and deciding.py do that.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from payments.domain import codes
from payments.domain.codes import How
from payments.domain.memo import Reading, fold
from reconciliation.engine import forms
from reconciliation.engine.doubts import LIKE_A_DAY
from reconciliation.engine.folding import compacted_all
from reconciliation.engine.forms import Forms
from reconciliation.engine.places import Places
from reconciliation.engine.spelling import Spelling, Spellings
from reconciliation.engine.syllables import may_be_words

_MOST_CUT = 300

_LIKE_A_CODE = re.compile(r"[HVL]P(?=.*[AC-HJKMNP-Y])[0-9A-Y]{10}")
_WRITTEN_AS_A_CODE = f"[HVL]P[{codes.ALPHABET}]{{{codes.LENGTH - 2}}}"
_SYMBOLS = (string.digits + string.ascii_letters).encode()
_NO_SYMBOLS = bytes(set(range(256)) - set(_SYMBOLS))
_IS_SYMBOL = bytes(one in _SYMBOLS for one in range(256))
_FLAT = bytes.maketrans(
    string.ascii_lowercase.encode() + b"OILSBZoilsbz",
    string.ascii_uppercase.encode() + b"011582011582",
)
_OTHER = re.compile("[^0-9A-Z]+")
_DIGIT = re.compile(r"\d")
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """A reference read on a line. orders: places of the orders that have it, mostly one or none.

    kind: "code" (ours) or "reference"; how: exact, glued, split, look_alike, corrected or
    prefix_lost; doubt: why it may not be what the payer wrote, or ""; sure: where in the reference
    the first gap is, if a number in a row was parted there and could be a cut one, else 0.
    """

    kind: str
    ref: str
    how: str
    orders: tuple[int, ...]
    start: int
    end: int
    doubt: str = ""
    read: str = ""
    sure: int = 0

    @property
    def firm(self) -> bool:
        """Whether the reading alone is enough to say which reference was meant."""
        return not self.doubt and self.how not in ("corrected", "prefix_lost")

    def overlaps(self, other: Claim) -> bool:
        """Whether both claim some of the same characters."""
        return self.start < other.end and other.start < self.end

    def within(self, other: Claim) -> bool:
        """Whether this is a part of the other, and smaller."""
        inside = other.start <= self.start and self.end <= other.end
        return inside and self.end - self.start < other.end - other.start


@dataclass(slots=True)
class Claims:
    """A line's claims by strength."""

    firm: list[Claim] = field(default_factory=list)
    corrected: list[Claim] = field(default_factory=list)
    prefix_lost: list[Claim] = field(default_factory=list)
    doubtful: list[Claim] = field(default_factory=list)
    unknown: list[Claim] = field(default_factory=list)

    def spans(self) -> list[tuple[int, int]]:
        """Where references stand, so that no payer is read out of one."""
        every = (*self.firm, *self.corrected, *self.prefix_lost, *self.doubtful, *self.unknown)
        return [(claim.start, claim.end) for claim in every]

    def orders(self) -> list[int]:
        """Every order that is claimed, however weakly."""
        every = (*self.firm, *self.corrected, *self.prefix_lost, *self.doubtful)
        return [order for claim in every for order in claim.orders]


class References:
    """The references of the orders, and how to find them in a memo."""

    def __init__(self, refs: Sequence[str], learned: Forms | None = None) -> None:
        """refs: one for each order, in the order of the frame. learned: their forms, if known."""
        self._refs = refs
        self.compact = compacted_all(refs)
        self.places = Places(self.compact)
        ours = _valid_codes(self.compact)
        self.ours = ours
        self._codes = set(self.compact[ours])
        self.forms = learned or forms.learn(pd.Series(list(refs), dtype="str")[~ours])
        self._own = Forms((), tuple(self._codes))
        self._own.spelled(), self.forms.spelled()
        parted = [Spelling.of(form) for form in self.forms.forms if form.cuts]
        self._spellings = Spellings(parted, self._as_written)
        self._varies = self.forms.vary_in_length()
        self.longer = _begin_others(self.compact, self.forms)

    def orders(self, ref: str) -> tuple[int, ...]:
        """The places of the orders with this compact reference."""
        only = self.places.only(ref)
        return (only,) if only >= 0 else self.places.of(ref)

    def written(self, ref: str) -> str:
        """A compact reference as its order writes it, folded."""
        return fold(self._refs[self.orders(ref)[0]]).strip()

    @property
    def has_codes(self) -> bool:
        """Whether some order has a code of ours."""
        return bool(self._codes)

    def compact_of(self, order: int) -> str:
        """The compact reference of an order."""
        return str(self.places.keys[order])

    def spaced(self, order: int) -> str:
        """An order's reference with one blank for each separator that the order writes."""
        return _OTHER.sub(" ", fold(self._refs[order]).strip())

    def spelled(self, text: str, foreign: frozenset[str]) -> Iterable[tuple[int, int]]:
        """[start, end) of references in a folded text, written with their orders' separators."""
        return self._spellings.spans(text, foreign)

    def _begins_another(self, orders: Sequence[int]) -> bool:
        return bool(orders) and bool(self.longer[orders[0]])

    def _as_written(self, ref: str) -> str:
        return self.written(ref) if ref in self.places else ""

    def kind(self, ref: str) -> str:
        """ "code" for one of ours, "reference" for another system's."""
        return "code" if ref in self._codes else "reference"

    def claims(self, reading: Reading) -> Claims:
        """Everything the memo claims, overlaps settled."""
        return _settled([*self._codes_in(reading), *self._refs_in(reading)])

    def cut(
        self, reading: Reading, without: Sequence[tuple[int, int]]
    ) -> list[tuple[str, tuple[int, int]]]:
        """What is left of references that break off outside `without`, and where it stands."""
        found: dict[int, tuple[str, tuple[int, int]]] = {}
        heads = list(codes.beginnings(reading)) if self._codes else []
        for piece in reading.pieces:
            heads += self.forms.beginnings(piece)
        for text, start, end in heads:
            if start in found or any(start < stop and begin < end for begin, stop in without):
                continue
            if self._own.starting(text, 1) or self.forms.starting(text, 1):
                found[start] = text, (start, end)
        return list(found.values())

    def starting(self, text: str) -> list[int]:
        """Orders whose reference begins like this, the first hundreds by spelling."""
        refs = [*self._own.starting(text, _MOST_CUT), *self.forms.starting(text, _MOST_CUT)]
        return [order for ref in refs for order in self.orders(ref)]

    def is_cut(self, claim: Claim) -> bool:
        """Whether what no order has is the beginning of a longer reference that one has."""
        longer = self._varies and claim.kind == "reference"
        return longer and bool(self.forms.starting(claim.ref, 1))

    def is_bare(self, claim: Claim) -> bool:
        """Whether what no order has is a number of which no digit tells that it is a reference."""
        return claim.ref.isdigit() and self.forms.are_bare(len(claim.ref))

    def begins(self, order: int, text: str) -> bool:
        """Whether the reference of this order begins like this."""
        return self.compact_of(order).startswith(text)

    def bodies(self, reading: Reading) -> list[Claim]:
        """References whose prefix was left out: tokens that are the rest of one that exists."""
        found = []
        for piece in reading.pieces:
            for start, end in (*piece.tokens(), *self.forms.parted_bodies(piece)):
                token = piece.symbols[start:end]
                for ref in self.forms.bodies(token):
                    if orders := self.orders(ref):
                        span = piece.span(start, end)
                        found.append(
                            Claim("reference", ref, "prefix_lost", orders, *span, "", token)
                        )
        return found

    def _codes_in(self, reading: Reading) -> Iterable[Claim]:
        for found in codes.find(reading):
            orders = self.orders(found.code)
            if found.how is How.CORRECTED and _borrows_a_word(reading, found.start, found.end):
                continue
            sure = found.how not in (How.CORRECTED, How.PREFIX_LOST)
            # A guess that nobody was ever issued is noise, not a claim.
            if orders or sure:
                read = reading.original[found.start : found.end]
                how = found.how.value
                yield Claim("code", found.code, how, orders, found.start, found.end, "", read)
        if self._codes:
            yield from self._broken_codes(reading)

    def _broken_codes(self, reading: Reading) -> Iterable[Claim]:
        """Words that look like a code of ours in everything but its checks: nobody's, for now."""
        for piece in reading.pieces:
            for start, end in piece.tokens():
                if end - start != codes.LENGTH:
                    continue
                word = piece.symbols[start:end]
                if _LIKE_A_CODE.fullmatch(word) and _is_no_word(word):
                    span = piece.span(start, end)
                    yield Claim("code", word, "broken", (), *span, "", word)

    def _refs_in(self, reading: Reading) -> Iterable[Claim]:
        for piece in reading.pieces:
            for read in self.forms.read(piece):
                orders, doubt = self.orders(read.ref), read.doubt
                if (
                    doubt == LIKE_A_DAY
                    and reading.near is not None
                    and read.tail not in reading.near
                ):
                    doubt = ""
                if orders or (read.told and not doubt):
                    text = reading.original[read.start : read.end]
                    yield Claim(
                        "reference",
                        read.ref,
                        read.how,
                        orders,
                        read.start,
                        read.end,
                        doubt,
                        text,
                        read.sure or (len(read.ref) if self._begins_another(orders) else 0),
                    )


def where(memo: str, ref: str) -> tuple[int, int]:
    """[start, end) of a reference that is known to stand in the memo; (0, 0) if it does not.

    ref: compact. Case, separators and look-alikes are read through.
    """
    upper = memo.upper()
    start = upper.find(ref) if len(upper) == len(memo) else -1
    if start >= 0:
        return start, start + len(ref)
    letters = memo.encode("ascii", "replace")  # one for each, and none of them a new letter
    start = letters.translate(_FLAT, _NO_SYMBOLS).find(ref.encode().translate(_FLAT))
    if start < 0:
        return 0, 0
    places = list(compress(range(len(memo)), letters.translate(_IS_SYMBOL)))
    return places[start], places[start + len(ref) - 1] + 1


def _begin_others(refs: pd.Series[str], known: Forms) -> npt.NDArray[np.bool_]:
    """Which references are the beginning of a longer one: what is left of that when it is cut."""
    found = np.zeros(len(refs), dtype=bool)
    if not known.vary_in_length():
        return found
    spelled = np.asarray(sorted(set(refs) - {""}), dtype=object).tolist()
    begin = {one for one, after in pairwise(spelled) if after.startswith(one)}
    return refs.isin(list(begin)).to_numpy(dtype=bool) if begin else found


def _is_no_word(word: str) -> bool:
    """Whether a word is rather a code with some mistakes than HPNGUYENVANA."""
    return len(_DIGIT.findall(word)) >= _FEWEST or not may_be_words(_DIGIT.sub("", word[2:]))


def _borrows_a_word(reading: Reading, start: int, end: int) -> bool:
    """Whether the letters behind the last gap are a word of their own: "HP7K2M9QX4 ck"."""
    words = _OTHER.split(fold(reading.original[start:end]))
    return len(words) > 1 and words[-1].isalpha()


def _valid_codes(refs: pd.Series[str]) -> npt.NDArray[np.bool_]:
    """Which of these compact references are codes of ours, checks and all.

    As codes.is_valid, by columns: both sums of docs/explanation/payment-codes.md are zero.
    """
    like = refs.str.fullmatch(_WRITTEN_AS_A_CODE).to_numpy(dtype=bool)
    found = np.zeros(len(refs), dtype=bool)
    at = np.flatnonzero(like)
    if not len(at):
        return found
    letters = np.frombuffer("".join(refs.iloc[at]).encode(), dtype=np.uint8)
    values = _VALUE[letters].reshape(len(at), codes.LENGTH)
    # The prefix counts as the symbol behind the last one; its second letter says nothing.
    symbols = np.column_stack([values[:, 2:], _PREFIX[letters].reshape(values.shape)[:, 0]])
    digits = (symbols[:, : codes.LENGTH - 4] < 10).sum(axis=1)
    mixed = (digits >= _FEWEST) & (digits <= codes.LENGTH - 4 - _FEWEST)
    found[at] = mixed & ((symbols @ _WEIGHTS) % len(codes.ALPHABET) == 0).all(axis=1)
    return found


def _table(symbols: str) -> npt.NDArray[np.int64]:
    """For each character, its place among these."""
    table = np.zeros(128, dtype=np.int64)
    table[[ord(symbol) for symbol in symbols]] = np.arange(len(symbols))
    return table


_VALUE = _table(codes.ALPHABET)
_PREFIX = _table("".join(prefix[0] for prefix in codes.Prefix))
_WEIGHTS = np.array(
    [[pow(19, power * place, 29) for power in (1, 2)] for place in range(codes.LENGTH - 1)]
)


def _settled(heard: list[Claim]) -> Claims:
    if len(heard) < _FEWEST:  # nothing that it could be at odds with
        if not heard:
            return Claims()
        if heard[0].orders and heard[0].firm:
            return Claims(firm=heard)
    known = [claim for claim in heard if claim.orders and claim.firm]
    unknown = [claim for claim in heard if not claim.orders]
    of_codes = [claim for claim in heard if claim.kind == "code" and claim.how != "broken"]
    taken = {(claim.kind, claim.ref) for claim in of_codes}
    unknown = [
        one
        for one in unknown
        if one.how != "broken" or (_free(one, of_codes) and (one.kind, one.ref) not in taken)
    ]
    # MSHS0012345 that nobody has must not lend its tail to HS0012345.
    known = [
        claim
        for claim in known
        if not any(claim.within(other) and not _is_rival(claim, other) for other in known)
        and not (claim.how == "glued" and any(claim.within(other) for other in unknown))
    ]
    claims = Claims(firm=_once(known))
    weak = [claim for claim in heard if claim.orders and not claim.firm and _free(claim, known)]
    claims.corrected = _once([claim for claim in weak if claim.how == "corrected"])
    claims.prefix_lost = _once([claim for claim in weak if claim.how == "prefix_lost"])
    claims.doubtful = _once([claim for claim in weak if claim.doubt])
    heard_well = known + weak
    claims.unknown = _once([claim for claim in unknown if _free(claim, heard_well)])
    return claims


def _is_rival(claim: Claim, other: Claim) -> bool:
    """Whether a shorter reference stands alone where a longer one is read over a gap.

    BN801 5 may be BN801 or a parted BN8015.
    """
    return claim.how == "exact" and other.how == "split" and other.sure > 0


def _free(claim: Claim, taken: list[Claim]) -> bool:
    return not any(claim.overlaps(other) for other in taken)


def _once(claims: list[Claim]) -> list[Claim]:
    first: dict[str, Claim] = {}
    for claim in claims:
        first.setdefault(claim.ref, claim)
    return sorted(first.values(), key=lambda claim: (claim.start, claim.ref))

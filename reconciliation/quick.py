"""The plain lines first: one reference that stands alone, and nothing else that could matter.

Most memos are a reference, a few words without information and a bank's numbers. They are told
by their words alone, which costs a twentieth of a full reading. Whatever holds one word that is
not known to be harmless goes the long way, so this never decides anything the long way would
not: a property test compares the two.
"""

from __future__ import annotations

import re

from reconciliation.claims import Claim, Claims, References
from reconciliation.payers import Payers

_WORD = re.compile(r"[0-9A-Z]+(?:-[0-9A-Z]+)*")
_HEAD = re.compile(r"MBVCB[.]\d{10,14}[.](?:\d{4}[0-9A-Z]{12}[.])?")
_TAIL = re.compile(r"[.]CT TU \d")
_BANK = re.compile(r"FT\d{11,14}|CTLNH[A-Z]{0,5}\d*")

# Words that payers and banks write and that say nothing. Less those that the names and forms at
# hand could make use of: see Quick.
_EMPTY_WORDS = """
MBVCB TKTHE TAI MB VCB CT DEN NAPAS IBFT GD CRE TCB ACB BIDV CHUYEN TIEN KHOAN CK NOP HOC PHI
VIEN LE THU THANH TOAN TT THANG KY DOT NAM CHO CUA KHAM BENH HOSO HO SO XIN CAM ON DONG
"""


class Quick:
    """Knows which words are harmless with these references and payers."""

    def __init__(self, references: References, payers: Payers) -> None:
        self._references = references
        self._payers = payers
        prefixes = [*references.forms.prefixes(), *payers.prefixes()]
        # A form without letters in front can begin in any number: nothing is harmless then.
        self._usable = all(len(prefix) >= 2 for prefix in prefixes)
        self._empty = {
            word
            for word in frozenset(_EMPTY_WORDS.split()) - payers.words()
            if not any(_may_begin(word, prefix) for prefix in prefixes)
        }

    def claims(self, memo: str, bank_ref: str) -> Claims | None:
        """The one firm claim of a plain memo, or None: read it in full."""
        if not self._usable or not memo.isascii():
            return None
        text = memo.upper()
        head, tail = _HEAD.match(text), _TAIL.search(text)
        start, end = head.end() if head else 0, tail.start() if tail else len(text)
        found = ""
        for word in _WORD.findall(text, start, end):
            if word == found or all(map(self._is_harmless, word.split("-"))):
                continue
            if found or not self._references.orders(word.replace("-", "")):
                return None
            found = word
        if not found or found in bank_ref.upper():
            return None
        return self._claim(memo, found, text.index(found, start))

    def _is_harmless(self, word: str) -> bool:
        return word in self._empty or self._is_number(word)

    def _is_number(self, word: str) -> bool:
        if word.isdigit():
            return not self._payers.has_code(word)
        return _BANK.fullmatch(word) is not None

    def _claim(self, memo: str, read: str, start: int) -> Claims | None:
        ref = read.replace("-", "")
        orders = self._references.orders(ref)
        # A dash that the order itself does not write is a separator: the long way tells.
        odd = read != ref and read != self._references.written(ref)
        if len(orders) != 1 or odd or self._payers.has_code(ref) or ref.isdigit():
            return None
        kind, end = self._references.kind(ref), start + len(read)
        return Claims(firm=[Claim(kind, ref, "exact", orders, start, end, "", memo[start:end])])


def _may_begin(word: str, prefix: str) -> bool:
    """Whether a reference with this prefix could begin inside the word."""
    return prefix in word or any(
        word.endswith(prefix[:size]) for size in range(1, min(len(prefix), len(word)) + 1)
    )

"""Whether letters in a row could be Vietnamese: a word, a name, several of them glued. Pure."""

from __future__ import annotations

import re

_ONSET = "NGH|NG|NH|CH|GH|GI|KH|PH|QU|TH|TR|[BCDGHKLMNPQRSTVX]"
_CODA = "NG|NH|CH|[CMNPT]"
_SYLLABLES = re.compile(f"(?:(?:{_ONSET})?[AEIOUY]{{1,3}}(?:{_CODA})?)+")


def may_be_words(letters: str) -> bool:
    """letters: folded, A to Z only. "HOCPHI" may be words, "KGNEM" is none in Vietnamese."""
    return _SYLLABLES.fullmatch(letters) is not None

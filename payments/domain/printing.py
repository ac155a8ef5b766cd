"""What people write to be read by others: no character may hide, or turn the text round. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNPRINTED: Final = ("Cc", "Cf", "Cs", "Co", "Cn")


def unprinted(text: str) -> bool:
    """Whether it has characters that nobody sees; ends of lines and tabs are not meant.

    A right-to-left mark makes an approver read another reason than the one that is kept.
    """
    return any(unicodedata.category(one) in _UNPRINTED for one in text if one not in "\r\n\t")

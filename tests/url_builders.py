"""Code that werkzeug writes for each address of an application: written once in a test run.

Most tests make an application of their own, 160 addresses each, and four fifths of making one is
compiling this code, which depends on nothing but how the address is spelled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]

_written: Final[dict[object, Builder]] = {}


def write_once() -> None:
    """From now on, what was compiled for an address is taken again."""
    compile_ = Rule._compile_builder  # werkzeug has no door to it

    def taken_again(rule: Rule, append_unknown: bool = True) -> Builder:  # theirs
        if rule.defaults:  # their values are written into the code
            return compile_(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)  # as above
        if key not in _written:
            _written[key] = compile_(rule, append_unknown)
        return _written[key]

    Rule._compile_builder = taken_again  # type: ignore[assignment, method-assign]  # as above

"""Finds every sentence that pages say: calls of t and tn in templates and in web's modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from web.rendering import HERE


def spoken() -> dict[str, bool]:
    """Sentence -> whether it has a plural, of everything under web/."""
    found: dict[str, bool] = {}
    for path in sorted((HERE / "templates").rglob("*.html")):
        for name, sentence in _in_template(path):
            found[sentence] = found.get(sentence, False) or name == "tn"
    for path in sorted(HERE.rglob("*.py")):
        for name, sentence in _in_module(path):
            found[sentence] = found.get(sentence, False) or name == "tn"
    return found


def _in_template(path: Path) -> Iterator[tuple[str, str]]:
    tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else ""
        if name in ("t", "tn"):
            first = call.args[0]
            assert isinstance(first, nodes.Const), f"{path}:{call.lineno}: say whole sentences"
            yield name, first.value


def _in_module(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("t", "tn") and node.args and isinstance(node.args[0], ast.Constant):
            yield node.func.attr, str(node.args[0].value)

"""The description knows a shape by its name alone: two of one name would overwrite each other."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

import web.api
from web.api.shapes import Shape


def test_no_two_shapes_of_the_api_share_a_name() -> None:
    for module in pkgutil.iter_modules(web.api.__path__, "web.api."):
        importlib.import_module(module.name)
    todo, names = Shape.__subclasses__(), Counter[str]()

    while todo:
        shape = todo.pop()
        todo += shape.__subclasses__()
        if shape.__module__.startswith("web.api."):
            names[shape.__qualname__] += 1

    assert len(names) > 60
    assert [name for name, count in names.items() if count > 1] == []

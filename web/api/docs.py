"""The page at /api/docs: the description as plain HTML. No script, no style of its own, no CDN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ info.title }} API</title>
<link rel="icon" href="/static/favicon.svg">
<link rel="stylesheet" href="/static/vendor/pico-2.1.1.min.css">
</head>
<body>
<main class="container">
<h1>{{ info.title }} API</h1>
<p>{{ info.description }}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI {{ openapi }}).
Send <code>Authorization: Bearer thp_…</code> with every request.</p>
<nav aria-label="Addresses"><ul>
{% for uri, methods in paths.items() %}{% for method, one in methods.items() %}
<li><a href="#{{ one.operationId }}">{{ method | upper }} {{ uri }}</a></li>
{% endfor %}{% endfor %}
</ul></nav>
{% for uri, methods in paths.items() %}{% for method, one in methods.items() %}
<article id="{{ one.operationId }}">
<h2><code>{{ method | upper }} {{ uri }}</code></h2>
<p>{{ one.summary }}</p>
{% if one.description %}<p>{{ one.description | lines }}</p>{% endif %}
{% if one["x-scope"] %}<p>Scope: <code>{{ one["x-scope"] }}</code></p>{% endif %}
{% if one.parameters %}
<table><thead><tr><th>Parameter</th><th>In</th><th>Schema</th></tr></thead><tbody>
{% for given in one.parameters %}
<tr><td><code>{{ given.name }}</code>{% if given.required %} *{% endif %}</td>
<td>{{ given.in }}</td><td><code>{{ given.schema | schema }}</code></td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% if one.requestBody %}<p>Body: {{ one.requestBody.content | body }}</p>{% endif %}
<p>Answers:</p>
<ul>{% for status, answer in one.responses.items() %}
<li><code>{{ status }}</code> {{ answer.description }}
{{ answer.content | default(none) | body }}</li>
{% endfor %}</ul>
</article>
{% endfor %}{% endfor %}
<h2>Schemas</h2>
{% for name, schema in schemas.items() %}
<article id="schema-{{ name }}"><h3>{{ name }}</h3>
{% if schema.description %}<p>{{ schema.description }}</p>{% endif %}
<pre><code>{{ schema | pretty }}</code></pre></article>
{% endfor %}
</main>
</body>
</html>
"""
_REF: Final = "#/components/schemas/"


def page(spec: Mapping[str, Any]) -> str:
    """The description as a page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters.update(schema=_short, body=_bodies, pretty=_pretty, lines=_lines)
    return environment.from_string(_PAGE).render(
        info=spec["info"],
        openapi=spec["openapi"],
        paths={
            uri: {method: _Filled(one) for method, one in methods.items()}
            for uri, methods in spec["paths"].items()
        },
        schemas={name: _Filled(one) for name, one in spec["components"]["schemas"].items()},
    )


class _Filled(dict[str, Any]):
    """A part of the description in which what is not said is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _short(schema: Mapping[str, Any]) -> str:
    return json.dumps(
        {key: value for key, value in schema.items() if key not in ("title", "description")},
        ensure_ascii=False,
    )


def _bodies(content: Mapping[str, Any] | None) -> str:
    if not content:
        return ""
    said = (
        f"{kind}: {one.get('schema', {}).get('$ref', '').removeprefix(_REF) or 'object'}"
        for kind, one in content.items()
    )
    return ", ".join(said)


def _pretty(schema: Mapping[str, Any]) -> str:
    return json.dumps(
        {key: value for key, value in schema.items() if key != "description"},
        ensure_ascii=False,
        indent=2,
    )


def _lines(text: str) -> str:
    # The library joins the lines of a docstring by <br/>.
    return " ".join(text.replace("<br/>", " ").split())

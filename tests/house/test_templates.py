"""Every page in every state and both languages: strict policy, whole translation, small weight."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import pytest
from babel.messages.pofile import read_po
from lxml import html as parser

from tests.house import preview
from tests.house.sentences import spoken
from web.console import bulk as console_bulk
from web.console import call_pages, channel_pages, month_pages, night_pages
from web.console import callbacks as console_callbacks
from web.console import decisions as console_decisions
from web.console import pages as console_pages
from web.console import papers as console_papers
from web.console import payouts as console_payouts
from web.console import settling as console_settling
from web.language import CATALOGUE, Language
from web.pages import Page
from web.portal import pages as portal_pages
from web.portal import ways as portal_ways
from web.rendering import HERE, Pages

PAGES: Final = Pages()
NAMES: Final = sorted(preview.samples(Language.VI))
BOTH: Final = [(name, language) for name in NAMES for language in Language]
FRAGMENTS: Final = {name for name in NAMES if name.startswith("strip")}
WEIGHT: Final = 60_000
ASSETS: Final = (
    "vendor/pico-2.1.1.min.css",
    "thuphi.css",
    "vendor/htmx-2.0.11.min.js",
    "thuphi.js",
    "favicon.svg",
)
STAFF: Final = "keys.js"
"""What staff fetch as well."""


@cache
def page(name: str, language: Language) -> Page:
    return preview.samples(language)[name]


@cache
def source(name: str, language: Language) -> str:
    return PAGES.render(page(name, language), preview.frame(name, language))


def tree(name: str, language: Language) -> Any:
    """The parsed page. Any: lxml's stubs leave xpath answers open."""
    text = source(name, language)
    return parser.fragment_fromstring(text, "div") if name in FRAGMENTS else parser.fromstring(text)


def strings(value: object) -> Iterator[str]:
    """Every plain string of a page: names, numbers and addresses, never a sentence."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value) and type(value).__name__ != "Both":
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, Sequence):
        for one in value:
            yield from strings(one)


def vietnamese(text: str) -> list[str]:
    """The words of a text that carry Vietnamese marks; đồng is English here."""
    return [
        word
        for word in re.findall(r"\w+", text)
        if word != "đồng"
        and ("đ" in word.lower() or unicodedata.normalize("NFD", word) != word)
    ]  # fmt: skip


# ---- the catalogue ----


def test_every_sentence_has_its_english_and_no_english_is_left_over() -> None:
    with CATALOGUE.open(encoding="utf-8") as file:
        catalogue = read_po(file, locale="en", abort_invalid=True)
    entries = {
        (entry.id if isinstance(entry.id, str) else entry.id[0]): entry
        for entry in catalogue
        if entry.id
    }

    assert entries.keys() == spoken().keys()
    assert not [key for key, entry in entries.items() if entry.fuzzy]
    for key, plural in spoken().items():
        said = entries[key].string
        forms = [said] if isinstance(said, str) else list(said or ())
        assert len(forms) == (2 if plural else 1), key
        assert all(form.strip() for form in forms), key


def test_a_translation_keeps_the_places_for_its_values() -> None:
    with CATALOGUE.open(encoding="utf-8") as file:
        catalogue = read_po(file, locale="en", abort_invalid=True)

    for entry in catalogue:
        if entry.id:
            key = entry.id if isinstance(entry.id, str) else entry.id[0]
            forms = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
            places = set(re.findall(r"{\w+}", key))
            assert all(set(re.findall(r"{\w+}", form)) == places for form in forms), key


# ---- every page ----


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_a_page_obeys_the_strictest_policy(name: str, language: Language) -> None:
    root = tree(name, language)

    assert not root.xpath("//*[@style]|//style|//script[not(@src)]|//iframe|//object|//base")
    assert not root.xpath("//@*[starts-with(name(), 'on')]|//@*[starts-with(name(), 'hx-on')]")
    assert not root.xpath("//*[starts-with(@href, 'javascript:')]")
    fetched = root.xpath("//link/@href|//script/@src|//img/@src")
    assert all(address.startswith("/static/") for address in fetched)


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_a_page_is_whole_for_eyes_and_ears(name: str, language: Language) -> None:
    root = tree(name, language)

    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert not root.xpath("//button[not(@type)]|//th[not(@scope)]")
    assert not root.xpath("//svg[not(@aria-hidden) and not(@role='img' and @aria-label)]")
    for field in root.xpath("//input[@type!='hidden' or not(@type)]|//select|//textarea"):
        labelled = root.xpath("//label[@for=$id]", id=field.get("id", ""))
        assert labelled or field.xpath("ancestor::label"), field.attrib
    for target in root.xpath("//@aria-labelledby|//@aria-describedby"):
        assert set(target.split()) <= set(ids), target
    if name not in FRAGMENTS:
        assert root.get("lang") == language.value
        assert len(root.xpath("//h1")) == 1
        assert len(root.xpath("//main[@id='main']")) == 1
        assert root.findtext(".//title").strip()


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_form_that_posts_carries_its_token(name: str, language: Language) -> None:
    for form in tree(name, language).xpath("//form[@method='post']"):
        assert form.xpath(".//input[@name='csrf_token']/@value") == ["sample-token"]
        assert form.get("action")


@pytest.mark.parametrize("name", NAMES)
def test_the_english_page_is_english_but_for_names(name: str) -> None:
    root = tree(name, Language.EN)
    for spoken_as_is in root.xpath("//*[@lang='vi' and not(self::html)]"):
        spoken_as_is.drop_tree()

    text = " ".join([*root.itertext(), *root.xpath("//@aria-label|//@placeholder|//@data-name")])
    names = {known for known in strings(page(name, Language.EN)) if vietnamese(known)}
    for known in sorted(names, key=len, reverse=True):
        text = text.replace(known, " ").replace(known.replace(" ", "\u00a0"), " ")

    assert vietnamese(text) == []


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_nothing_of_the_machinery_shows_through(name: str, language: Language) -> None:
    root = tree(name, language)

    for as_it_came in root.xpath("//*[contains(@class, 'raw')]"):
        as_it_came.drop_tree()
    text = " ".join(root.itertext())
    assert not re.search(r"[{}]|\bNone\b|\bTrue\b|Both\(|Markup", text)
    assert not re.search(r"\d{4,}[.,]\d\d ?₫|\b\d{5,} ?₫", text), "an amount without groups"


def test_a_double_rule_stands_only_under_a_sum_that_agrees() -> None:
    page_ = portal_pages.Bill("Khoản thu", "Trần Gia Bảo", "", 100, lines=(
        portal_pages.BillLine("Nước uống", 99),
    ))  # fmt: skip
    sample = page("pay", Language.VI)
    assert isinstance(sample, portal_pages.PayPage)

    wrong = PAGES.render(
        dataclasses.replace(sample, bills=(page_,)), preview.frame("pay", Language.VI)
    )

    assert '<tfoot class="unchecked">' in wrong
    assert "<tfoot>" in source("pay", Language.VI)


# ---- the house ----


def test_every_page_has_a_sample_and_every_template_a_page() -> None:
    modules = (
        portal_pages,
        portal_ways,
        console_pages,
        console_papers,
        console_payouts,
        console_decisions,
        console_bulk,
        console_settling,
        console_callbacks,
        channel_pages,
        call_pages,
        month_pages,
        night_pages,
    )
    known = {
        value.template
        for module in modules
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and hasattr(value, "template")
    } | {"problem.html"}

    shown = {page(name, Language.VI).template for name in NAMES}
    folder = HERE / "templates"
    files = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.html")
        if path.parent.name not in ("components", "layouts")
    }

    assert shown == known == files


def test_every_component_is_used_and_says_what_it_is_for() -> None:
    folder = HERE / "templates"
    everything = "".join(path.read_text("utf-8") for path in folder.rglob("*.html"))

    for path in (folder / "components").glob("*.html"):
        assert f'"components/{path.name}"' in everything, path.name
        assert path.read_text("utf-8").startswith("{#"), path.name


def test_no_template_says_a_sentence_that_cannot_be_translated() -> None:
    for path in (HERE / "templates").rglob("*.html"):
        text = re.sub(r"{#.*?#}|{{.*?}}|{%.*?%}", " ", path.read_text("utf-8"), flags=re.S)
        assert vietnamese(re.sub(r"<[^>]*>", " ", text)) == [], path.name


@pytest.mark.parametrize(
    "name",
    [
        *("pay", "pay-more-ways", "pay-two-children", "today", "discrepancies"),
        *("channels", "channel", "calls", "call"),
    ],
)
def test_a_page_with_all_its_assets_stays_within_its_weight(name: str) -> None:
    assets = [(HERE / "static" / asset).read_bytes() for asset in (*ASSETS, STAFF)]

    heaviest = max(
        sum(len(gzip.compress(part)) for part in [source(name, language).encode(), *assets])
        for language in Language
    )

    assert heaviest <= WEIGHT


def test_the_weight_counts_every_asset_that_a_page_asks_for() -> None:
    root = tree("pay", Language.VI)

    asked = {address.partition("?")[0] for address in root.xpath("//link/@href|//script/@src")}

    assert asked == {f"/static/{asset}" for asset in ASSETS}
    root = tree("today", Language.VI)
    asked = {address.partition("?")[0] for address in root.xpath("//link/@href|//script/@src")}
    assert asked == {f"/static/{asset}" for asset in (*ASSETS, STAFF)}


def test_vendored_files_are_the_ones_that_were_published() -> None:
    folder = HERE / "static" / "vendor"
    table = re.findall(
        r"^\| (\S+) \| .* \| ([0-9a-f]{64}) \|$", (folder / "README.md").read_text("utf-8"), re.M
    )

    assert {name for name, _ in table} == {
        path.name for path in folder.iterdir() if path.suffix in (".css", ".js")
    }
    for name, digest in table:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name

"""Which language a page speaks, and how a sentence gets its values."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from web.language import Both, Language, choose, speech

VI, EN = Language.VI, Language.EN


@pytest.mark.parametrize(
    ("asked", "remembered", "accepts", "spoken"),
    [
        (None, None, "", VI),
        (None, None, "fr-FR,fr;q=0.9", VI),
        (None, None, "en-GB,en;q=0.9,vi;q=0.8", EN),
        (None, None, "en;q=0.3, vi-VN;q=0.8", VI),
        (None, None, "en;q=0, fr", VI),
        (None, None, "en;q=nonsense", VI),
        (None, "en", "vi", EN),
        ("vi", "en", "en", VI),
        ("xx", "en", "vi", EN),
        ("<script>", "<script>", "*", VI),
    ],
)
def test_the_link_decides_before_the_cookie_and_the_cookie_before_the_browser(
    asked: str | None, remembered: str | None, accepts: str, spoken: Language
) -> None:
    assert choose(asked=asked, remembered=remembered, accepts=accepts) is spoken


def test_vietnamese_says_the_sentence_as_it_is_written() -> None:
    assert speech(VI).t("Chờ thanh toán {n}", n=3) == "Chờ thanh toán 3"


def test_english_comes_from_the_catalogue_that_lies_beside_the_code() -> None:
    assert speech(EN).t("Thanh toán {amount}", amount="581.000 ₫") == "Pay 581.000 ₫"


def test_english_tells_one_from_many_and_vietnamese_does_not() -> None:
    sentence = "Xem {n} khoản trong giấy báo"

    said = [speech(EN).tn(sentence, n=n) for n in (1, 4)]

    assert said == ["View the 1 item on the bill", "View the 4 items on the bill"]
    assert speech(VI).tn(sentence, n=1) == "Xem 1 khoản trong giấy báo"


def test_a_value_is_escaped_unless_it_is_markup_of_ours() -> None:
    t = speech(EN).t

    assert t("cho {who}", who="<b>Bảo</b>") == "for &lt;b&gt;Bảo&lt;/b&gt;"
    assert t("cho {who}", who=Markup("<b>Bảo</b>")) == "for <b>Bảo</b>"


def test_what_happened_is_said_in_the_language_of_the_page_and_a_name_stays() -> None:
    what = Both("Thiếu 40.000", "40.000 short")

    assert speech(VI).say(what) == "Thiếu 40.000"
    assert speech(EN).say(what) == "40.000 short"
    assert speech(EN).say("Lê Gia Huy") == "Lê Gia Huy"


def test_each_language_offers_the_other() -> None:
    assert (VI.other, EN.other) == (EN, VI)

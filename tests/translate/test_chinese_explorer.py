"""The explorer in Chinese: every text of the English table, with its places and numbers, and a page that fits."""

import re

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.explorer.build import texts
from notebooks.translate.glossary import Glossary
from notebooks.translate.languages import ENGLISH, find_language
from notebooks.translate.wording import differences, faults_of_type, parts
from tests.explorer.opened import VIEWS, follow, show
from tests.notebooks.browser import needs_chromium

CHINESE = find_language("zh")
TEXTS, TRANSLATED = texts(ENGLISH), texts(CHINESE)
PLACE = re.compile(r"\{\w+\}")
GLOSSARY = Glossary.read(CHINESE.folder / "glossary.json")


def faults(name):
    """What is wrong with a text of the table."""
    english, chinese = PLACE.sub("", TEXTS[name]), PLACE.sub("", TRANSLATED[name])
    return [*differences(parts(english), parts(chinese)), *GLOSSARY.faults(english, chinese, f"explorer/{name}"),
            *faults_of_type(PLACE.sub("1", TRANSLATED[name]))]


def test_every_text_is_translated_with_its_places_and_numbers_and_set_well():
    assert list(TRANSLATED) == list(TEXTS)
    for name, text in TEXTS.items():
        assert sorted(PLACE.findall(TRANSLATED[name])) == sorted(PLACE.findall(text)), name
        assert faults(name) == [], name


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_every_view_fits_the_window_in_chinese(browser, site, width):
    file = site / "zh" / "explorer.html"
    show(browser, file, "", width)
    assert browser.evaluate("document.documentElement.lang") == "zh-CN"
    for link in VIEWS:
        follow(browser, link)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, link
        assert re.search(r"[\u4e00-\u9fff]", browser.evaluate("document.getElementById('view').innerText")), link
        for href in browser.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"):
            name = href.partition("#")[0]
            assert not name or (file.parent / name).is_file(), href
    assert browser.errors == browser.strangers() == []


@needs_chromium
def test_the_switch_keeps_the_view(browser, site):
    show(browser, site / "explorer.html", "#token,8,4,2,token=7x7,key=15")
    browser.evaluate("document.querySelector('.language').addEventListener('click', (e) => e.preventDefault());"
                     "document.querySelector('.language').click()")
    address = browser.evaluate("document.querySelector('.language').href")
    assert address.startswith((site / "zh" / "explorer.html").as_uri() + "#token,8,4,2") and "key=15" in address

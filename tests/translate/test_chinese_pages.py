"""The Chinese pages in headless Chromium: what they say, that they fit the window, and where their links lead."""

import re
import subprocess
from shutil import which

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.publish.files import ROOT, find, read
from notebooks.publish.pages import INDEX, answers
from notebooks.publish.rendering import page_of_document
from notebooks.translate.documents import DOCS, NAMES
from notebooks.translate.languages import find_language
from tests.notebooks.browser import needs_chromium

FONTS = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False
                       ).stdout if which("fc-list") else ""
pytestmark = [needs_chromium,
              pytest.mark.skipif(not FONTS.strip(), reason="there is no Chinese font: apt-get install fonts-noto-cjk")]
CHINESE = find_language("zh")
PATHS = find([])
STEMS = [path.stem for path in PATHS]
DOCUMENTS = [page_of_document(file) for file in map(ROOT.joinpath, NAMES) if file.parent == DOCS]


def markdown(path):
    return "\n".join(cell.source for cell in CHINESE.read(path).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_a_page_is_chinese_from_its_headings_to_the_descriptions_of_its_pictures(browser, site, path):
    browser.open((site / "zh" / f"{path.stem}.html").as_uri())
    assert browser.evaluate("document.documentElement.lang") == "zh-CN"
    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    headings = browser.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => h.textContent)")
    plain = [re.sub(r"[*`]", "", line).lstrip("# ") for line in markdown(path).splitlines() if line.startswith("#")]
    assert headings == plain
    said = browser.evaluate("[...document.images].map(i => i.alt)")
    assert all(re.search(r"[\u4e00-\u9fff]", alt) for alt in said)
    shown = browser.evaluate("[...document.querySelectorAll('main > :is(p, ul, ol, blockquote), .answer > p')].map("
                             "each => each.cloneNode(true)).map(each => { each.querySelectorAll('code').forEach("
                             "code => code.remove()); return each.textContent; }).join('')")
    assert "*" not in shown and len(shown) > 200
    folded = browser.evaluate("[...document.querySelectorAll('.answer > summary')].map(s => s.textContent)")
    assert set(folded) <= {"答案"} and bool(folded) == any(answers(read(path).cells))
    assert browser.strangers() == browser.errors == []


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", [INDEX, *(f"{stem}.html" for stem in STEMS)])
def test_a_page_is_no_wider_than_the_window(browser, site, name, width):
    browser.open((site / "zh" / name).as_uri(), width=width)
    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("stem", STEMS)
def test_slides_are_no_wider_than_the_window(browser, site, stem, width):
    browser.open((site / "zh" / f"{stem}.slides.html").as_uri(), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.strangers() == browser.errors == []


@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_as_many_slides_and_fragments_as_in_english(browser, site, path):
    counts = []
    for folder in ("", "zh"):
        browser.open((site / folder / f"{path.stem}.slides.html").as_uri())
        counts.append(browser.evaluate("['.slide', '.fragment', '.notes', 'img', 'math', '.cell'].map("
                                       "kind => document.querySelectorAll(kind).length)"))
    assert counts[0] == counts[1] and counts[0][0] > 3


def test_every_link_of_the_chinese_pages_leads_somewhere_and_stays_chinese_where_it_can(site):
    pages = sorted((site / "zh").glob("*.html"))
    own = 2 + 5                                         # the contents and the explorer, and those of the talk
    assert len(pages) == 2 * len(PATHS) + own + len(DOCUMENTS)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for href in re.findall(r'<a [^>]*?href="([^"]+)"', text):
            if "://" in href:
                continue
            name, _, place = href.partition("#")
            file = (page.parent / name).resolve() if name else page
            assert file.exists(), (page.name, href)
            if place and file.suffix == ".html" and file.name != "explorer.html":
                assert f' id="{place}"' in file.read_text(encoding="utf-8"), (page.name, href)
        english = re.findall(r'<a ([^>]*?)href="\.\./(\w+(?:\.slides)?\.html)"', text)
        assert {name for _, name in english if name.partition(".")[0] in STEMS or name in DOCUMENTS
                } <= {page.name}, page.name


@pytest.mark.parametrize("name", [INDEX, f"{STEMS[0]}.html", f"{STEMS[5]}.slides.html", f"{STEMS[-1]}.html"])
def test_the_switch_leads_to_the_same_page_and_back(browser, site, name):
    browser.open((site / name).as_uri())
    switch = "document.querySelector('a[hreflang=\"%s\"]')"
    assert browser.evaluate(f"{switch % 'zh-CN'}.textContent") == "中文"
    assert browser.evaluate(f"{switch % 'zh-CN'}.href") == (site / "zh" / name).as_uri()
    browser.open((site / "zh" / name).as_uri())
    assert browser.evaluate(f"{switch % 'en'}.href") == (site / name).as_uri()
    assert browser.evaluate(f"{switch % 'en'}.lang") == "en"


def test_pages_that_are_english_only_lead_to_the_chinese_contents(site):
    for name in ("performance.html", "glossary.html", "reference.html"):
        assert 'href="zh/index.html"' in (site / name).read_text(encoding="utf-8"), name


def test_chinese_is_set_wider_apart_and_never_justified(browser, site):
    browser.open((site / "zh" / f"{STEMS[4]}.html").as_uri())
    height, align, font = browser.evaluate(
        "(style => [parseFloat(style.lineHeight) / parseFloat(style.fontSize), style.textAlign, style.fontFamily])"
        "(getComputedStyle(document.querySelector('main > p')))")
    assert height >= 1.7 and align == "start" and "Noto Sans CJK SC" in font and "PingFang SC" in font


def test_the_buttons_of_the_film_are_chinese(browser, site):
    browser.open((site / "zh" / "05_cyclic_shift_and_masks.html").as_uri())
    browser.evaluate("[...document.querySelectorAll('.film button')][1].click()")
    assert browser.evaluate("[...document.querySelectorAll('.film button')].map(b => b.textContent)"
                            ) == ["后退", "播放", "前进"]
    assert re.fullmatch(r"第 \d+ 帧，共 \d+ 帧", browser.evaluate("document.querySelector('.film span').textContent"))

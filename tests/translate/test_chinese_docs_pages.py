"""The Chinese documents as pages: titles, links, the switch between the languages, and what Chromium makes of them."""

import re

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.publish.documents import documents, title
from notebooks.publish.files import ROOT
from notebooks.publish.rendering import Target, markdown, page_of_document
from notebooks.translate.documents import DOCS, is_translated, translation
from notebooks.translate.languages import ENGLISH, find_language
from tests.notebooks.browser import needs_chromium

CHINESE = find_language("zh")
TRANSLATED = [path for path in documents() if is_translated(path, CHINESE)]
NAMES = [page_of_document(path) for path in TRANSLATED]
HAN = re.compile(r"[\u4e00-\u9fff]")
CODE = re.compile(r'<div class="highlight">.*?</div>|<pre>.*?</pre>', re.DOTALL)


def links(html):
    return re.findall(r'<a href="([^"]+)"', html)


def test_the_documents_for_users_are_there_and_those_for_contributors_are_english():
    assert NAMES == ["docs.html", "attention.html", "teaching.html", "porting.html", "checkpoints.html",
                     "evidence.html"]
    assert len(documents()) > len(NAMES)


@pytest.mark.parametrize("path", TRANSLATED, ids=NAMES)
def test_a_page_has_its_chinese_title_and_the_code_of_the_english_page(site, path):
    name = page_of_document(path)
    english, chinese = ((folder / name).read_text(encoding="utf-8") for folder in (site, site / "zh"))
    assert '<html lang="zh-CN">' in chinese and '<html lang="en">' in english
    heading = title(translation(path, CHINESE))
    assert HAN.search(heading) and f"<title>{heading}</title>" in chinese and f">{heading}</h1>" in chinese
    assert CODE.findall(chinese) == CODE.findall(english)
    for kind in ("<h2", "<tr>", "<td>", "<li>", "<img"):
        assert chinese.count(kind) == english.count(kind), kind
    assert all(HAN.search(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', chinese))


@pytest.mark.parametrize("path", documents(), ids=page_of_document)
def test_every_page_leads_to_itself_in_the_other_language_or_to_the_chinese_contents(site, path):
    name = page_of_document(path)
    there = f"zh/{name}" if path in TRANSLATED else "zh/index.html"
    assert f'<a href="{there}" lang="zh-CN" hreflang="zh-CN">中文</a>' in (site / name).read_text(encoding="utf-8")
    if path in TRANSLATED:
        chinese = (site / "zh" / name).read_text(encoding="utf-8")
        assert f'<a href="../{name}" lang="en" hreflang="en">English</a>' in chinese


@pytest.mark.parametrize("name", NAMES)
def test_the_links_above_a_page_are_to_chinese_pages_where_there_are_some(site, name):
    navigation = re.search(r"<nav>.*?</nav>", (site / "zh" / name).read_text(encoding="utf-8"), re.DOTALL)[0]
    expected = [("" if path in TRANSLATED else "../") + page_of_document(path) for path in documents()]
    assert links(navigation) == ["index.html", *expected, "../reference.html", f"../{name}"]
    assert f'<a href="{name}" aria-current=page>' in navigation


def test_the_contents_lead_to_the_documents_of_their_language(site):
    for folder in (site, site / "zh"):
        assert "docs.html" in links((folder / "index.html").read_text(encoding="utf-8")), folder


@pytest.mark.parametrize(("source", "language", "link", "href"), [
    (DOCS, ENGLISH, "zh/README.md", "zh/docs.html"), (DOCS / "zh", CHINESE, "../README.md", "../docs.html"),
    (DOCS / "zh", CHINESE, "evidence.md#错误的输入", "evidence.html#错误的输入"),
    (DOCS / "zh", CHINESE, "../performance.md", "../performance.html"),
    (DOCS / "zh", CHINESE, "../../notebooks/14_questions.ipynb", "14_questions.html"),
    (DOCS / "zh", CHINESE, "../../swin_np/ragged.py", "../swin_np.ragged.html"),
    (DOCS / "zh", CHINESE, "../../swin_np/crosscheck/PORTING.zh-CN.md", "../../swin_np/crosscheck/PORTING.zh-CN.md"),
    (ROOT / "notebooks" / "exercises", CHINESE, "../../docs/teaching.md#Grading", "teaching.html#评分"),
    (ROOT / "notebooks" / "exercises", ENGLISH, "../../docs/teaching.md#Grading", "teaching.html#Grading"),
])
def test_a_document_leads_to_the_page_it_names_and_a_notebook_to_that_of_its_language(source, language, link, href):
    target = Target(source, ROOT / "pages" / language.place, ".html", language)
    assert links(markdown(f"[x]({link})", target)) == [href]


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_the_window_is_set_in_chinese_type_and_asks_for_nothing(browser, site, name, width):
    browser.open((site / "zh" / name).as_uri(), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 100)")
    height, align, font = browser.evaluate(
        "(style => [parseFloat(style.lineHeight) / parseFloat(style.fontSize), style.textAlign, style.fontFamily])"
        "(getComputedStyle(document.querySelector('main > p')))")
    assert height >= 1.7 and align == "start" and "Noto Sans CJK SC" in font
    assert browser.errors == browser.strangers() == []

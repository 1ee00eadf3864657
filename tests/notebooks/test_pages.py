"""The built pages in headless Chromium: what is there, at what size, and that nothing is asked for elsewhere."""

import time

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from browser import needs_chromium, wait_for

from notebooks.publish.files import find, read
from notebooks.publish.pages import slide_type

pytestmark = needs_chromium
PATHS = find([])
STEMS = [path.stem for path in PATHS]


def markdown(path):
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def pictures(path):
    outputs = [output for cell in read(path).cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_a_page_shows_its_headings_formulas_and_pictures_and_asks_for_nothing(browser, site, path):
    browser.open((site / f"{path.stem}.html").as_uri())
    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    headings = browser.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => h.textContent)")
    assert headings == [line.lstrip("# ") for line in markdown(path).splitlines() if line.startswith("#")]
    drawn = browser.evaluate("[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect())"
                             ".map(b => b.width > 0 && b.height > 0)")
    assert all(drawn) and len(drawn) >= markdown(path).count("$$") / 2
    assert "\\" not in browser.evaluate("[...document.querySelectorAll('math')].map(m => m.textContent).join('')")
    loaded = browser.evaluate("[...document.images].map(i => i.complete && i.naturalWidth > 100 && i.alt.length > 10)")
    assert all(loaded) and len(loaded) == pictures(path)
    assert browser.strangers() == browser.errors == []
    assert all(url.startswith("data:") for url in browser.requests[1:])     # the first is the page itself


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_a_page_is_no_wider_than_the_window(browser, site, path, width):
    browser.open((site / f"{path.stem}.html").as_uri(), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_every_link_of_the_pages_leads_somewhere(browser, site, path):
    for name in ("index.html", f"{path.stem}.html", f"{path.stem}.slides.html"):
        browser.open((site / name).as_uri())
        missing = browser.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"
                                   ".filter(id => !document.getElementById(decodeURIComponent(id)))")
        assert missing == []
        for href in browser.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"):
            if "://" not in href and not href.startswith("#"):
                assert (site / href.partition("#")[0]).is_file(), href


def test_the_contents_list_every_notebook(browser, site):
    browser.open((site / "index.html").as_uri())
    linked = browser.evaluate("[...document.querySelectorAll('.contents a')].map(a => a.getAttribute('href'))")
    assert linked == [f"{stem}{ending}" for stem in STEMS for ending in (".html", ".slides.html")]
    assert browser.strangers() == []


@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_keys_lead_through_all_slides_and_back(browser, site, path):
    browser.open((site / f"{path.stem}.slides.html").as_uri())
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    expected = sum(slide_type(cell) in ("slide", "subslide") for cell in read(path).cells)
    assert browser.evaluate("document.querySelectorAll('.slide').length") == expected
    hidden = browser.evaluate("document.querySelectorAll('.hidden').length")
    assert hidden >= sum(slide_type(cell) == "fragment" for cell in read(path).cells) + 5
    seen = ["1"]
    while seen[-1] != str(expected):
        browser.press("ArrowRight")
        time.sleep(0.03)
        seen.append(wait_for("the counter", lambda: browser.evaluate("counter.textContent")).split(" / ")[0])
        assert len(seen) < 10 * expected
    assert list(dict.fromkeys(seen)) == [str(number) for number in range(1, expected + 1)]
    assert browser.evaluate("document.querySelectorAll('.hidden').length") <= hidden / 2
    browser.press("Home")
    wait_for("the return", lambda: browser.evaluate("counter.textContent").startswith("1 /"))
    assert browser.strangers() == browser.errors == []


def test_slides_on_paper_have_a_page_each_at_least(browser, site):
    path = PATHS[0]
    browser.open((site / f"{path.stem}.slides.html").as_uri())
    slides = browser.evaluate("document.querySelectorAll('.slide').length")
    assert slides <= browser.print_pages() <= 3 * slides


def test_the_browser_would_notice_a_request_to_another_machine(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="https://example.org/a.png"><script src="https://example.org/b.js"></script>')
    browser.open(page.as_uri())
    assert sorted(browser.strangers()) == ["https://example.org/a.png", "https://example.org/b.js"]

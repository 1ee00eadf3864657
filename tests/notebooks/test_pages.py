"""The built pages in headless Chromium: what is there, at what size, and that nothing is asked for elsewhere."""

import time

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from browser import needs_chromium, wait_for

from notebooks.publish.files import FOLDER, find, read
from notebooks.publish.pages import slide_type

pytestmark = needs_chromium
PATHS = find([])
STEMS = [path.stem for path in PATHS]
CONTRASTS = """[...document.querySelectorAll('main *, .slide *, nav *')].filter(element =>
  [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) && element.checkVisibility()
  && !element.closest('button')
).map(element => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = colour => {
    const [red, green, blue] = channels(colour).slice(0, 3).map(c => linear(c / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const own = getComputedStyle(element);
  let ground = element;
  while (channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
  const [one, other] = [own.color, getComputedStyle(ground).backgroundColor].map(luminance);
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  return contrast < 4.5 ? element.textContent.slice(0, 40) + ' ' + contrast.toFixed(1) : '';
}).filter(text => text)"""                             # texts below the 4.5 to 1 that WCAG 2 asks for


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
    drawn = [stem for stem in STEMS if '"image/png"' in (FOLDER / f"{stem}.ipynb").read_text(encoding="utf-8")]
    assert browser.evaluate("document.querySelectorAll('.contents li > img').length") == len(drawn) >= len(STEMS) - 1
    exercises = browser.evaluate("[...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))"
                                 ".filter(href => href.endsWith('.ipynb')).map(href => href.split('/').pop())")
    assert exercises == sorted(path.name for path in (FOLDER / "exercises").glob("*.ipynb"))
    assert browser.strangers() == []


@pytest.mark.parametrize("name", ["05_cyclic_shift_and_masks.html", "12_the_evidence.html", "index.html",
                                  "evidence.html", "swin_np.windows.html", "04_shifted_windows.slides.html"])
def test_on_a_dark_screen_every_text_stands_out_from_its_ground(browser, site, name):
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    try:
        browser.open((site / name).as_uri())
        assert browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert browser.evaluate(CONTRASTS) == []
    finally:
        browser.call("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("width", [360, 1200])
def test_no_code_is_cut(browser, site, width):
    for stem in ("03_window_attention", "05_cyclic_shift_and_masks"):
        browser.open((site / f"{stem}.html").as_uri(), width=width)
        assert browser.evaluate("[...document.querySelectorAll('.highlight pre')]"
                                ".filter(pre => pre.scrollWidth > pre.clientWidth).length") == 0


@pytest.mark.parametrize("ending", [".html", ".slides.html"])
def test_the_film_of_the_roll_stops_and_steps(browser, site, ending):
    browser.open((site / f"05_cyclic_shift_and_masks{ending}").as_uri())
    film = "document.querySelector('.film')"
    click = "[...document.querySelectorAll('.film button')].find(b => b.textContent === '%s').click()"
    browser.evaluate(click % "pause")
    at = browser.evaluate(f"{film}.querySelector('span').textContent")
    number, frames = int(at.split(" of ")[0]), int(at.split(" of ")[1])
    time.sleep(1.5)                                    # longer than a frame
    assert browser.evaluate(f"{film}.querySelector('span').textContent") == at
    before = browser.evaluate(f"{film}.querySelector('img').src")
    browser.evaluate(click % "step")
    assert browser.evaluate(f"{film}.querySelector('span').textContent") == f"{number % frames + 1} of {frames}"
    assert browser.evaluate(f"{film}.querySelector('img').src") != before
    browser.evaluate(click % "back")
    assert browser.evaluate(f"{film}.querySelector('img').src") == before
    browser.evaluate(click % "play")
    wait_for("the next frame", lambda: browser.evaluate(f"{film}.querySelector('span').textContent") != at)


@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_keys_lead_through_all_slides_and_back(browser, site, path):
    browser.open((site / f"{path.stem}.slides.html").as_uri())
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    expected = sum(slide_type(cell) in ("slide", "subslide") for cell in read(path).cells)
    assert browser.evaluate("document.querySelectorAll('.slide').length") == expected
    hidden = browser.evaluate("document.querySelectorAll('.hidden').length")
    assert hidden >= max(1, sum(slide_type(cell) == "fragment" for cell in read(path).cells))
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

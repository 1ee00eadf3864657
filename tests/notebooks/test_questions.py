"""Questions of the notebooks and their answers, apart on pages and on slides; and slides of which nothing is cut."""

from itertools import takewhile

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from browser import needs_chromium, wait_for
from toys import code, text, toy

from notebooks.publish.files import find, read, text_of
from notebooks.publish.pages import DISCUSSION, SHEETS, TALKS, answers, page, slides

PATHS = find([])
STEMS = [path.stem for path in PATHS]
QUESTION = "**Predict:** how many?"


@pytest.mark.parametrize(("cells", "expected"), [
    ([text("nothing asked"), code("1")], [False, False]),
    ([text(f"## One\n\n{QUESTION}"), code("1"), text("so many"), text("## Two"), code("2")],
     [False, True, True, False, False]),
    ([text(f"## One\n\n{QUESTION}"), code("1"), text(QUESTION), code("2")], [False, True, False, True]),
    ([text(QUESTION), text("## Two"), code("1"), text("## Three"), code("2")], [False, False, True, False, False]),
])
def test_what_follows_a_question_up_to_the_next_question_or_heading_is_its_answer(cells, expected):
    assert answers(cells) == expected


def test_answers_are_folded_on_pages_and_fragments_on_slides(tmp_path):
    path = toy(tmp_path / "toy.ipynb", text(f"## One\n\n{QUESTION}", "slide"), code("1 + 2"),
               code("3 + 4"), text("## Two", "slide"), text(QUESTION), text("on a slide of its own", "subslide"))
    notebook = read(path)
    notebook.cells[3].metadata["slideshow"] = {"slide_type": "subslide"}
    path.write_text(text_of(notebook), encoding="utf-8")
    first, second = page([path], 0, tmp_path).split("<details")[1:]
    assert first.count('<div class="cell">') == 2 and "</details>" in first.partition("Two")[0]
    assert "of its own" in second
    html = slides([path], 0, tmp_path)
    assert html.count('<div class="fragment"><div class="cell">') == 1     # the others begin slides
    assert html.count('<div class="fragment">') == 1


def answers_of(path):
    """For each question of a notebook, the code that follows it and the descriptions of the pictures it shows."""
    cells = read(path).cells
    for i, cell in enumerate(cells):
        if cell.cell_type == "markdown" and "**Predict:**" in cell.source:
            following = list(takewhile(lambda each: each.cell_type == "code", cells[i + 1:]))
            yield [each.source.strip() for each in following], [
                output.metadata["image/png"].alt for each in following for output in each.outputs
                if "image/png" in output.get("data", {})]


def seen_and_said(browser):
    """The code that is seen on a page, cell by cell, and all that a screen reader can say of it."""
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    sources = browser.evaluate("[...document.querySelectorAll('.cell > .highlight')].filter(each => "
                               "each.checkVisibility()).map(each => each.textContent.trim())")
    return sources, [node.get("name", {}).get("value") for node in nodes if not node["ignored"]]


@needs_chromium
@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_on_a_page_no_answer_is_seen_or_said_before_it_is_unfolded(browser, site, path):
    browser.open((site / f"{path.stem}.html").as_uri())
    code_before, said_before = seen_and_said(browser)
    browser.evaluate("document.querySelector('.unfold').click()")
    code_after, said_after = seen_and_said(browser)
    for sources, descriptions in answers_of(path):
        assert not set(sources) & set(code_before) and set(sources) <= set(code_after)
        assert not set(descriptions) & set(said_before) and set(descriptions) <= set(said_after)


@needs_chromium
@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_on_a_slide_no_answer_is_seen_or_said_together_with_its_question(browser, site, path):
    browser.open((site / f"{path.stem}.slides.html").as_uri(), width=1280, height=720)
    shown = browser.evaluate("""slides.filter((slide) => slide.innerText.includes("Predict:")).map((slide) => [
        slide.innerText.replace(/\\s+/g, " "), [...slide.querySelectorAll(".cell, img")].filter((each) => {
          const question = [...slide.querySelectorAll("strong")].find((strong) => strong.textContent === "Predict:");
          return each.checkVisibility() && question.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING;
        }).length])""")
    assert shown and all(answers == 0 for _, answers in shown), shown


@pytest.mark.parametrize("width", [800, 1280])
@needs_chromium
@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_no_code_of_a_slide_is_cut(browser, site, path, width):
    browser.open((site / f"{path.stem}.slides.html").as_uri(), width=width, height=720)
    browser.evaluate("document.body.classList.add('all-shown')")
    assert browser.evaluate("[...document.querySelectorAll('.slide pre')].filter((each) => each.clientWidth === 0"
                            " || each.scrollWidth > each.clientWidth).length") == 0


@needs_chromium
@pytest.mark.parametrize("path", PATHS, ids=STEMS)
def test_no_slide_is_cut(browser, site, path):
    browser.open((site / f"{path.stem}.slides.html").as_uri(), width=1280, height=720)
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    wait_for("the size of each slide", lambda: browser.evaluate(
        "slides.every((slide) => slide.querySelector('.fitted').style.zoom)"))
    assert browser.evaluate("document.documentElement.scrollWidth") <= 1280
    seen, tall, presses = 0, 0, 0                      # of the present slide: its pixels from the top that were seen
    while True:
        number, bottom, height = browser.evaluate("(() => { const slide = slides[current()]; return [current(), "
                                                  "innerHeight - slide.getBoundingClientRect().top, "
                                                  "slide.offsetHeight]; })()")
        tall += height > 721
        seen = max(seen, bottom)
        if number == browser.evaluate("slides.length") - 1 and bottom >= height - 1:
            break
        browser.press("ArrowRight")
        presses += 1
        assert presses < 300
        if browser.evaluate("current()") != number:
            assert seen >= height - 1, number + 1
            seen = 0
    assert browser.evaluate("slides.every((slide) => slide.offsetHeight <= innerHeight + 1"
                            " || Number(slide.querySelector('.fitted').style.zoom) === LEAST)")


@needs_chromium
def test_the_contents_lead_to_the_talks_the_sheets_and_the_questions(browser, site):
    browser.open((site / "index.html").as_uri())
    linked = browser.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert {DISCUSSION, *(f"{stem}.html" for stem in (*TALKS, *SHEETS))} <= set(linked)

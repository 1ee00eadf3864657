"""The talk in headless Chromium: size, steps, keys, paper, the presenter's window; and nothing asked for elsewhere."""

import re

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from browser import needs_chromium, wait_for

from notebooks.publish.decks import deck, discussion
from notebooks.publish.pages import DISCUSSION, SHEETS, TALKS
from notebooks.publish.talk import SOURCE, interface
from notebooks.translate.languages import languages

pytestmark = needs_chromium
LARGEST = 3_000_000                                    # bytes of a page
SMALLEST_TYPE, SMALLEST_PICTURE = 24, 200              # pixels of a slide of 1280 x 720
OVERFLOWING = """
  (() => {
    const slide = slides[state.slide], frame = slide.getBoundingClientRect();
    const bottom = slide.querySelector("footer").getBoundingClientRect().top;
    return [...slide.querySelectorAll("h2, .body *")].filter((each) => {
      const box = each.getBoundingClientRect();
      return box.width && (box.left < frame.left || box.right > frame.right + 1 || box.top < frame.top
        || box.bottom > bottom + 1 || each.tagName === "PRE" && each.scrollWidth > each.clientWidth);
    }).map((each) => `slide ${state.slide + 1}: ${each.tagName} ${each.textContent.slice(0, 40)}`);
  })()"""
SMALL = f"""
  [...slides[state.slide].querySelectorAll(".body *")].filter((each) => !each.closest(".code, math")
    && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
    && parseFloat(getComputedStyle(each).fontSize) < {SMALLEST_TYPE}).map((each) => each.textContent)"""
PICTURES = """
  [...slides[state.slide].querySelectorAll("img")].map((each) => {
    const box = each.getBoundingClientRect(), ratio = each.naturalWidth / each.naturalHeight;
    return Math.min(box.height, box.width / ratio) / parseFloat(stage.style.transform.split("scale(")[1]);
  })"""
ANSWERS = "[...slides[state.slide].querySelectorAll('.step p strong')].map((each) => each.textContent)"
HIDDEN = "[...slides[state.slide].querySelectorAll('.step, .step *')].every((each) => " \
         "!each.checkVisibility({ visibilityProperty: true }))"


QUESTIONS = [language.labels["**Predict:**"] for language in languages().values()]
ALL = [(talk, language) for language in languages().values() for talk in TALKS if language.has(talk)]


def asked(slide) -> int:
    """How many questions a slide asks."""
    return sum(map(slide.body.count, QUESTIONS))


@pytest.fixture(params=ALL, ids=[f"{talk}-{language.code}" for talk, language in ALL])
def talk(request, browser, site):
    """A talk that is open in the browser, and its slides as they are written."""
    name, language = request.param
    browser.open("about:blank")
    browser.open((site / language.place / f"{name}.html").as_uri(), width=1280, height=720)
    assert browser.evaluate("document.documentElement.lang") == language.lang
    return browser, deck(SOURCE / f"{name}.md", language)[1]


def said(browser) -> str:
    """All that a screen reader can say of the page as it is now: texts, and descriptions of pictures."""
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    return " ".join(str(node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"])


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_no_slide_is_cut_and_all_can_be_read_from_the_last_row(talk, size):
    browser, slides = talk
    browser.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
    wait_for("the slide in its size", lambda: browser.evaluate(
        f"Math.abs(slides[0].getBoundingClientRect().width - {size[0]}) < 1"))
    for number in range(len(slides)):
        for step in range(browser.evaluate(f"go({number}, 0); steps({number})") + 1):
            browser.evaluate(f"go({number}, {step})")
            assert browser.evaluate(OVERFLOWING) == []
        assert browser.evaluate(SMALL) == []
        assert all(height >= SMALLEST_PICTURE for height in browser.evaluate(PICTURES)), slides[number].title


def test_every_slide_shows_title_part_and_minutes_and_has_notes_that_nobody_sees(talk):
    browser, slides = talk
    minutes = browser.evaluate("['minute', 'minutes'].map((name) => TEXT[name])")
    for number, slide in enumerate(slides):
        browser.evaluate(f"go({number}, 0)")
        shown = browser.evaluate("slides[state.slide].innerText")
        assert slide.title in shown and minutes[slide.minutes > 1].format(slide.minutes) in shown
        assert browser.evaluate("slides[state.slide].dataset.part") in shown
        notes = browser.evaluate("slides[state.slide].querySelector('.notes').textContent")
        assert len(re.findall(r"[\u4e00-\u9fff]|[\w-]+", notes, re.ASCII)) >= 60 and notes[:30] not in shown
    assert browser.evaluate("getComputedStyle(document.querySelector('.notes')).display") == "none"


def test_no_answer_is_seen_or_said_before_its_step(talk):
    browser, slides = talk
    answers = 0
    for number, slide in enumerate(slides):
        if not browser.evaluate(f"go({number}, 0); steps({number})"):
            continue
        assert browser.evaluate(HIDDEN), slide.title
        told = said(browser)
        bold = [answer for answer in browser.evaluate(ANSWERS) if len(answer) > 2]
        assert [answer for answer in bold if re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", told)] == [], slide.title
        browser.evaluate(f"go({number}, Infinity)")
        told = " ".join(said(browser).split())
        assert all(" ".join(answer.split()) in told for answer in bold), slide.title
        answers += asked(slide) > 0
    assert answers >= 0.8 * sum(asked(slide) > 0 for slide in slides) > 5


def test_a_question_is_never_part_of_a_step(talk):
    browser, slides = talk
    assert browser.evaluate("document.querySelectorAll('.step blockquote').length") == 0
    assert browser.evaluate("document.querySelectorAll('.slide blockquote').length") == sum(map(asked, slides))


def test_keys_lead_through_every_step_and_back(talk):
    browser, slides = talk
    presses = browser.evaluate("slides.length - 1 + slides.reduce((sum, each, number) => sum + steps(number), 0)")
    for key in ("ArrowRight", "PageDown", " ", *["ArrowDown"] * (presses - 3)):
        browser.press(key)
    assert browser.evaluate("[state.slide, state.step === steps(state.slide)]") == [len(slides) - 1, True]
    assert browser.evaluate("location.hash") == f"#{len(slides)}"
    browser.press("ArrowRight")
    assert browser.evaluate("state.slide") == len(slides) - 1
    for key in ("PageUp", "ArrowLeft", *["ArrowUp"] * (presses - 2)):
        browser.press(key)
    assert browser.evaluate("[state.slide, state.step]") == [0, 0]
    browser.press("End")
    assert browser.evaluate("state.slide") == len(slides) - 1
    browser.press("Home")
    assert browser.evaluate("state.slide") == 0
    browser.evaluate("location.hash = '#3'")
    wait_for("the slide of the address", lambda: browser.evaluate("state.slide === 2"))
    browser.press("?")
    assert browser.evaluate("help.open && help.innerText").count("\t") >= 6
    browser.press("?")
    assert not browser.evaluate("help.open")
    assert browser.strangers() == browser.errors == []


def test_a_finger_turns_the_slides(talk):
    browser, _ = talk
    for start, end, expected in ((600, 300, 1), (300, 600, 0)):
        for kind, x in (("touchStart", start), ("touchEnd", end)):
            points = [{"x": x, "y": 300}]
            browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points if kind == "touchStart" else [])
            if kind == "touchStart":
                browser.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": end, "y": 300}])
        assert browser.evaluate("state.slide + state.step") == expected


@pytest.mark.parametrize("size", [(900, 1200), (1920, 1080)])
def test_paper_has_a_page_a_slide_with_all_steps(talk, size):
    browser, slides = talk
    browser.evaluate("go(3, 0)")
    browser.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
    assert browser.print_pages() == len(slides)
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.evaluate("[...document.querySelectorAll('.slide, .step')].every((each) => "
                                "each.checkVisibility({ visibilityProperty: true }))")
        assert not browser.evaluate("[...document.querySelectorAll('.before, .notes, .controls, .desk')].some((each) =>"
                                    " each.checkVisibility())")
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_a_talk_asks_for_nothing_and_is_small(talk, site):
    browser, _ = talk
    assert browser.strangers() == browser.errors == []
    assert all(url.startswith("data:") for url in browser.requests[1:])
    assert all((site / f"{name}.html").stat().st_size < LARGEST for name in (*TALKS, *SHEETS))


@pytest.mark.parametrize("language", languages().values(), ids=languages())
def test_the_presenter_s_window_has_the_notes_follows_and_leads(browser, site, language):
    slides, texts = deck(SOURCE / "talk_swin.md", language)[1], interface(SOURCE, language)
    browser.open("about:blank")
    browser.open((site / language.place / "talk_swin.html").as_uri(), width=1280, height=720)
    browser.press("s")
    desk = browser.other_window("talk_swin.html#presenter")

    def at(number: int) -> None:
        begin = " ".join(slides[number].notes.split()[:8])[:40]
        wait_for(f"the notes of slide {number + 1}", lambda: begin in desk.evaluate(
            "document.querySelector('.spoken')?.innerText.replace(/\\s+/g, ' ') ?? ''"))
        minutes = texts["minutes" if slides[number].minutes > 1 else "minute"].format(slides[number].minutes)
        assert desk.evaluate("document.querySelector('.slide-now').textContent") == texts["planned"].format(
            number + 1, len(slides), minutes)

    at(0)
    assert slides[1].title in desk.evaluate("document.querySelector('.coming-title').textContent")
    assert desk.evaluate("document.querySelector('.elapsed-now').textContent") == "0:00"
    browser.press("ArrowRight")
    at(1)
    assert texts["ahead"].strip(" {}") in desk.evaluate("document.querySelector('.plan-now').textContent")
    assert texts["one more step"].format(slides[2].title) == desk.evaluate(
        "document.querySelector('.coming-title').textContent")
    desk.press("ArrowRight")
    wait_for("the step", lambda: browser.evaluate("state.step === 1"))
    desk.press("PageDown")
    at(2)
    assert browser.evaluate("state.slide") == 2
    browser.evaluate("state.started = Date.now() - 20 * 60 * 1000; show()")
    late = texts["behind"].strip(" {}")
    wait_for("the delay", lambda: late in desk.evaluate("document.querySelector('.plan-now').textContent"))
    wait_for("the clock", lambda: re.match(r"\d+:\d\d", desk.evaluate(
        "document.querySelector('.clock-now').textContent")))
    assert desk.evaluate("document.querySelector('.elapsed-now').textContent").startswith("20:0")
    assert desk.errors == browser.errors == []
    desk.call("Page.reload")                           # either window may be loaded again
    at(2)
    desk.evaluate("close()")


@pytest.mark.parametrize("place", [language.place for language in languages().values()])
@pytest.mark.parametrize("sheet", SHEETS)
def test_a_sheet_is_one_page_of_a4_with_its_figures_and_equations(browser, site, sheet, place):
    browser.open((site / place / f"{sheet}.html").as_uri(), width=900, height=1200)
    assert browser.print_pages() == 1
    assert all(browser.evaluate("[...document.images].map((each) => each.naturalWidth > 100 && each.alt.length > 10)"))
    equations = "".join(browser.evaluate("[...document.querySelectorAll('math[display=block]')].map((m) => "
                                         "m.textContent)"))
    expected = "1234" if sheet == "sheet_swin" else "1"
    assert sorted(re.findall(r"\((\d)\)", equations)) == list(expected)
    assert browser.strangers() == browser.errors == []


@pytest.mark.parametrize("language", languages().values(), ids=languages())
def test_the_questions_are_there_and_their_answers_folded(browser, site, language):
    browser.open((site / language.place / DISCUSSION).as_uri())
    questions = [question for question, _ in discussion(SOURCE, language)]
    assert browser.evaluate("[...document.querySelectorAll('summary')].map((each) => each.textContent)") == questions
    answer = re.split("[,，]", discussion(SOURCE, language)[3][1])[0]
    assert answer not in said(browser)
    browser.evaluate("document.querySelectorAll('details')[3].open = true")
    assert answer in said(browser)
    assert browser.strangers() == browser.errors == []

"""The explorer as readers have it: offline, by mouse, finger and keys, read aloud, on a phone, in the dark, on paper."""

import json
import re

import numpy as np
import pytest

from tests.notebooks.browser import needs_chromium, wait_for

pytestmark = needs_chromium
LARGEST = 1_500_000                                    # bytes of the page
PHONE, DESK = 390, 1280                                # pixels of a window's width
TARGET = 40                                            # pixels of the smallest thing to press, in one direction
CONTRAST = 4.5                                         # of texts, as WCAG 2.1 AA asks
VIEWS = [
    "#fig4,8,4,2,step=3,token=7x7", "#fig4,7x10,4,2,step=2,policy=timm", "#fig4,9,4,2,policy=microsoft", "#windows,8,4,2",
    "#token,8,4,2,token=7x7,key=15", "#reach,16,4,2,after=6", "#reach,15,4,2,policy=microsoft,after=1", "#sliding,8,4,2",
    "#network,same,full,example", "#network,flock,no_bias,example,level=block,block=4",
    "#network,same,full,g7x6.g8x9,cursor=7x6,level=head,block=2", "#network,same,no_shift,empty,level=softmax,block=3",
    "#network,same,full,g7x6.g8x9,cursor=7x6,level=product,block=2,key=11", "#model,swin_t,224,model",
    "#model,swin_b,256x512,stage3.block2.attn", "#model,swin_t,224,merging1", "#cost,448,1,adds", "#cost,448,2,bytes",
    "#cost,224,4,scores",
]
PLAIN = """
[...document.querySelectorAll("body *")].filter((e) => !e.closest("script, [translate=no], math, [hidden]"))
  .flatMap((e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent)
    .concat(["aria-label", "aria-valuetext", "title", "alt"].map((name) => e.getAttribute(name) ?? "")))
"""
SMALL = """
[...document.querySelectorAll("button, select, input:not([type=radio]), a, summary, .choice label")]
  .filter((e) => e.getClientRects().length && !e.closest(".skip, footer, .text p"))
  .map((e) => [(e.closest(".toggle") ?? e).getBoundingClientRect(), e.outerHTML.slice(0, 80)])
  .filter(([box]) => Math.min(box.width, box.height) < %d && !(box.width > 100 && box.height > 22)).map(([, html]) => html)
"""


def show(browser, file, link, width=DESK):
    """The page with a link, freshly opened."""
    browser.open("about:blank")
    browser.open(file.as_uri() + link, width=width)


def address(browser):
    return browser.evaluate("location.hash")


def follow(browser, link):
    """Go to a link within the page."""
    browser.evaluate(f"location.hash = {json.dumps(link)}; new Promise((done) => setTimeout(done, 50))")


def centre(browser, selector, cell):
    """Where in the window the middle of a cell (row, column) of a map is, and nothing lies above it."""
    return browser.evaluate(f"""(() => {{
      const map = document.querySelector({json.dumps(selector)});
      map.scrollIntoView({{ block: "center" }});
      const cells = [...map.querySelectorAll("[role=gridcell]")];
      const box = cells[{cell}].querySelector(".cell").getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    }})()""")


def test_the_page_is_small_and_asks_for_nothing(browser, explorer_file):
    assert explorer_file.stat().st_size < LARGEST
    show(browser, explorer_file, "")
    for link in VIEWS:
        follow(browser, link)
    assert [url.partition("#")[0] for url in browser.requests if not url.startswith("data:")] == [explorer_file.as_uri()]
    assert browser.errors == []


def test_every_view_fits_a_phone_and_a_desk(browser, explorer_file):
    for width in (PHONE, DESK):
        show(browser, explorer_file, "", width)
        for link in VIEWS:
            follow(browser, link)
            assert browser.evaluate("document.documentElement.scrollWidth") <= width, (width, link)
            assert browser.evaluate(SMALL % TARGET) == [], (width, link)
        assert browser.errors == []


def test_a_link_leads_to_what_it_says_and_the_address_leads_back(browser, explorer_file):
    show(browser, explorer_file, "")
    for link in VIEWS:
        follow(browser, link)
        assert browser.evaluate("document.getElementById('notice').hidden"), link
        said = address(browser)
        assert {*link[1:].split(",")} <= {*said[1:].split(",")} | {"policy=torchvision", "image=224"}, said
        text = browser.evaluate("document.getElementById('view').innerText")
        show(browser, explorer_file, said)
        assert address(browser) == said
        assert browser.evaluate("document.getElementById('view').innerText") == text


@pytest.mark.parametrize("link", ["#fig4,8,4,nine", "#fig4,8,4,2,colour=red", "#nowhere", "#network,same,full,x1x1",
                                  "#model,swin_x"])
def test_what_a_link_says_wrongly_is_told(browser, explorer_file, link):
    show(browser, explorer_file, link)
    notice = browser.evaluate("document.getElementById('notice').textContent")
    assert link.split(",")[-1].removeprefix("#") in notice and browser.errors == []


def test_all_texts_come_from_the_table(browser, explorer_file, tmp_path):
    from notebooks.explorer.build import page, texts

    other = {name: "⟦" + re.sub(r"(\{\w+\})", r"⟧\1⟦", text) + "⟧" for name, text in texts().items()}
    file = tmp_path / "other.html"
    file.write_text(page(other), encoding="utf-8")
    show(browser, file, "")
    assert browser.evaluate("document.title").startswith("⟦")
    names = {*browser.evaluate("Object.keys(explorer.data.policies)"), "M", "k", "G", "T"}
    for link in [*VIEWS, "#nowhere"]:
        follow(browser, link)
        found = {re.sub(r"⟦[^⟧]*⟧", " ", text).strip() for text in browser.evaluate(PLAIN)}
        words = {word for text in found for word in re.findall(r"[^\W\d_][\w.-]*", text)}
        assert words - names <= {"nowhere"}, (link, words - names)


def test_every_text_of_the_table_is_used_and_says_something():
    from notebooks.explorer.build import scripts, texts

    sources = "\n".join(path.read_text(encoding="utf-8") for path in scripts())
    literals = re.findall(r'"([\w.]+)"|`([\w.${}()\[\] +?:"]*)`', sources)
    patterns = [re.sub(r"\\\$\\\{.*?\\\}", r"[\\w.]+", re.escape(plain or template)) for plain, template in literals]
    for name, text in texts().items():
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name
        assert text.strip() == text != ""


def test_all_that_can_be_reached_by_keys_has_a_name(browser, explorer_file):
    show(browser, explorer_file, "")
    browser.call("Accessibility.enable")
    try:
        for link in VIEWS:
            follow(browser, link)
            nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
            named = ("button", "link", "slider", "switch", "radio", "combobox", "spinbutton", "grid", "gridcell", "image",
                     "group", "complementary", "navigation")
            for node in nodes:
                if not node.get("ignored") and node["role"]["value"] in named[:10]:
                    assert node["name"]["value"].strip(), (link, node)
            grids = [node for node in nodes if node["role"].get("value") == "grid"]
            chosen = [node for node in nodes if any(prop["name"] == "activedescendant" for prop in node.get("properties", []))]
            assert len(chosen) == len(grids), link
    finally:
        browser.call("Accessibility.disable")


def test_the_arrow_keys_move_the_token(browser, explorer_file):
    show(browser, explorer_file, "#windows,8,4,2,token=3x3")
    browser.evaluate("document.querySelector('.tokens').focus()")
    for key, token in (("ArrowRight", "3x4"), ("ArrowDown", "4x4"), ("ArrowLeft", "4x3"), ("ArrowUp", "3x3")):
        browser.press(key)
        assert address(browser) == f"#windows,8,4,2,token={token}"
        assert browser.evaluate("document.activeElement.matches('.tokens')")
    follow(browser, "#windows,8,4,2,token=0x0")
    browser.evaluate("document.querySelector('.tokens').focus()")
    browser.press("ArrowUp")
    assert address(browser) == "#windows,8,4,2,token=0x0"


def test_after_the_partition_the_arrow_keys_cross_the_gaps(browser, explorer_file):
    show(browser, explorer_file, "#fig4,8,4,2,token=5x5,step=3")
    browser.evaluate("document.querySelector('.tokens').focus()")
    browser.press("ArrowRight")
    assert address(browser) == "#fig4,8,4,2,token=5x6,step=3"


def test_marks_are_put_removed_and_dragged_by_keys(browser, explorer_file):
    show(browser, explorer_file, "#network,same,full,empty,cursor=7x6")
    browser.evaluate("document.querySelectorAll('.tools input')[2].click(); document.querySelector('.board').focus()")
    browser.press(" ")
    assert address(browser) == "#network,same,full,g7x6,cursor=7x6"
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight", modifiers=8)
    assert address(browser) == "#network,same,full,g7x7"
    browser.press("Delete")
    assert address(browser) == "#network,same,full,empty"


def test_a_mark_is_dragged_by_a_finger_and_the_answer_follows(browser, explorer_file):
    show(browser, explorer_file, "#network,same,full,g2x2.g4x4", PHONE)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        before = browser.evaluate("document.querySelector('.answer').innerText")
        (x, y), (to_x, to_y) = (centre(browser, ".board", cell) for cell in (2 * 16 + 2, 12 * 16 + 13))
        browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for share in np.linspace(0, 1, 30):
            browser.call("Input.dispatchTouchEvent", type="touchMove",
                         touchPoints=[{"x": x + share * (to_x - x), "y": y + share * (to_y - y)}])
        browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        wait_for("the drag", lambda: "g12x13" in address(browser))
        assert address(browser) == "#network,same,full,g4x4.g12x13,cursor=12x13"
        assert browser.evaluate("document.querySelector('.answer').innerText") != before
    finally:
        browser.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_a_tap_chooses_a_token(browser, explorer_file):
    show(browser, explorer_file, "#windows,8,4,2", PHONE)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        x, y = centre(browser, ".tokens", 8 * 5 + 6)
        for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
            browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        wait_for("the tap", lambda: address(browser) == "#windows,8,4,2,token=5x6")
    finally:
        browser.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_the_mouse_scrubs_the_steps_and_drags_the_image_size(browser, explorer_file):
    show(browser, explorer_file, "#fig4,8,4,2")
    for step in ("2.5", "5", "0.5"):
        browser.evaluate(f"""(() => {{
          const slider = document.querySelector(".scrub input");
          slider.value = {step};
          slider.dispatchEvent(new Event("input"));
        }})()""")
        assert address(browser) == f"#fig4,8,4,2,step={step}"
    follow(browser, "#cost,224,1,adds")
    left, right, y = browser.evaluate("""(() => {
      const box = document.querySelector(".chart").getBoundingClientRect();
      return [box.left + box.width * 0.2, box.left + box.width * 0.9, box.top + box.height / 2];
    })()""")
    for kind, x in (("mousePressed", left), ("mouseMoved", right), ("mouseReleased", right)):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
    assert int(re.match(r"#cost,(\d+)", address(browser))[1]) > 1000


def luminance(colour):
    values = np.array([int(value) for value in re.findall(r"\d+", colour)[:3]]) / 255
    linear = np.where(values <= 0.03928, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_by_day_and_by_night(browser, explorer_file, scheme):
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        show(browser, explorer_file, "#fig4,8,4,2")
        paper, *inks = browser.evaluate("""[getComputedStyle(document.documentElement).backgroundColor,
          ...["p", ".lead", "a", "dt", "button", "h2"].map((s) => getComputedStyle(document.querySelector(`main ${s}, footer ${s}`)).color)]""")
        assert (luminance(paper) < 0.1) == (scheme == "dark")
        for ink in inks:
            low, high = sorted((luminance(paper), luminance(ink)))
            assert (high + 0.05) / (low + 0.05) >= CONTRAST, ink
    finally:
        browser.call("Emulation.setEmulatedMedia", features=[])


def test_on_paper_there_is_the_figure_and_nothing_to_press(browser, explorer_file):
    show(browser, explorer_file, "#fig4,8,4,2")
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        seen = browser.evaluate("[...document.querySelectorAll('nav, .controls, .scrub, .tour-opener, .tokens')]"
                                ".filter((e) => e.getClientRects().length).map((e) => e.getAttribute('class'))")
        assert seen == ["tokens"] and 1 <= browser.print_pages() <= 2
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_the_tour_has_ten_steps_and_each_leads_somewhere(browser, explorer_file):
    show(browser, explorer_file, "")
    browser.evaluate("document.querySelector('.tour-opener').click()")
    addresses = []
    for step in range(1, 11):
        browser.evaluate("new Promise((done) => setTimeout(done, 50))")
        assert str(step) in browser.evaluate("document.querySelector('.tour .count').textContent")
        assert browser.evaluate("document.getElementById('notice').hidden") and browser.errors == []
        addresses.append(address(browser))
        browser.evaluate("document.querySelectorAll('.tour button')[1].click()")
    assert len(set(addresses)) == 10 and browser.evaluate("document.querySelectorAll('.tour button')[1].disabled")
    browser.evaluate("document.querySelectorAll('.tour button')[2].click()")
    assert browser.evaluate("document.querySelector('.tour').hidden")
    assert browser.evaluate("document.activeElement.matches('.tour-opener')")


@pytest.mark.parametrize(("ablation", "joined"), [("no_shift", False), ("full", True)])
def test_without_the_shift_marks_in_two_quadrants_never_meet(browser, explorer_file, ablation, joined):
    """Then the logits are a sum of what each mark gives alone, whatever the colours."""
    show(browser, explorer_file, "")
    logits = np.array(browser.evaluate(f"""(() => {{
      const pixels = explorer.data.pixels.map(explorer.model.decode);
      const weights = explorer.model.decodeAll(explorer.data.probes.same.weights.{ablation});
      const options = {{ shift: {json.dumps(joined)}, mask: true, bias: true }};
      return ["r7x6.r8x9", "r7x6.g8x9", "g7x6.r8x9", "g7x6.g8x9"].map((marks) => Array.from(explorer.model.forward(
        weights, explorer.boards.image(explorer.board.codec.read(marks), pixels), options).logits));
    }})()"""))
    crossed = np.abs(logits[0] - logits[1] - logits[2] + logits[3]).max()
    assert crossed > 1 if joined else crossed < 1e-9


def test_every_notebook_and_page_of_the_reference_it_leads_to_is_there(site, explorer_file, browser):
    show(browser, explorer_file, "")
    parts = browser.evaluate("Object.values(explorer.data.parts)")
    places = {part["notebook"]["page"] for part in parts} | {source["page"] for part in parts for source in part["sources"]}
    for page, _, anchor in (place.partition("#") for place in sorted({*places, "index.html"})):
        assert (site / page).is_file() and f' id="{anchor}"' in (site / page).read_text(encoding="utf-8") + ' id=""', page


def test_the_library_s_lines_are_those_of_its_files():
    from notebooks.explorer.data import everything
    from notebooks.publish.files import ROOT

    for part in everything()["parts"].values():
        for source in part["sources"]:
            lines = (ROOT / source["file"]).read_text(encoding="utf-8").splitlines()
            shown = source["text"].splitlines()
            assert [line.strip() for line in lines[source["line"] - 1:][:len(shown)]] == [line.strip() for line in shown]


def test_the_command_refuses_a_file_of_another_ending(capsys):
    from notebooks.explorer.__main__ import main

    assert main(["explorer.pdf"]) == 2
    assert ".html" in capsys.readouterr().err

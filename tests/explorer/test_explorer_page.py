"""The explorer as readers have it: offline, by deep links, read aloud, on a phone, in the dark, on paper."""

import re

import numpy as np
import pytest

from tests.explorer.opened import DESK, VIEWS, address, follow, show
from tests.notebooks.browser import needs_chromium, wait_for

pytestmark = needs_chromium
LARGEST = 1_500_000                                    # bytes of the page
PHONE = 390                                            # pixels of a window's width
TARGET = 40                                            # pixels of the smallest thing to press, in one direction
CONTRAST = 4.5                                         # of texts, as WCAG 2.1 AA asks
NAMED = ("button", "link", "slider", "switch", "radio", "combobox", "spinbutton", "grid", "gridcell", "image")
PLAIN = """
[...document.querySelectorAll("body *")].filter((e) => !e.closest("script, [translate=no], math, [hidden]"))
  .flatMap((e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent)
    .concat(["aria-label", "aria-valuetext", "title", "alt"].map((name) => e.getAttribute(name) ?? "")))
"""
SMALL = """
[...document.querySelectorAll("button, select, input:not([type=radio]), a, summary, .choice label")]
  .filter((e) => e.getClientRects().length && !e.closest(".skip, footer, .text p"))
  .map((e) => [(e.closest(".toggle") ?? e).getBoundingClientRect(), e.outerHTML.slice(0, 80)])
  .filter(([box]) => Math.min(box.width, box.height) < %d && !(box.width > 100 && box.height > 22))
  .map(([, html]) => html)
"""


def test_the_page_is_small_and_asks_for_nothing(browser, explorer_file):
    assert explorer_file.stat().st_size < LARGEST
    show(browser, explorer_file, "")
    for link in VIEWS:
        follow(browser, link)
    asked = [url.partition("#")[0] for url in browser.requests if not url.startswith("data:")]
    assert asked == [explorer_file.as_uri()]
    assert browser.errors == []


def test_every_view_fits_a_phone_and_a_desk(browser, explorer_file):
    for width in (PHONE, DESK):
        show(browser, explorer_file, "", width)
        for link in VIEWS:
            follow(browser, link)
            assert browser.evaluate("document.documentElement.scrollWidth") <= width, (width, link)
            assert browser.evaluate(SMALL % TARGET) == [], (width, link)
        assert browser.errors == []


def test_texts_stay_in_their_places(browser, explorer_file):
    for width in (PHONE, DESK):
        show(browser, explorer_file, "", width)
        for link in [*VIEWS, "#token,20x17,10,9", "#token,7x10,4,3,policy=timm"]:
            follow(browser, link)
            assert browser.evaluate("""[...document.querySelectorAll(".tokens .numeral")].filter((text) =>
              text.getBBox().width > text.parentNode.querySelector(".cell").getBBox().width)
              .map((text) => text.textContent)""") == [], (width, link)
            assert browser.evaluate("""[...document.querySelectorAll(".wide")].filter((e) =>
              e.offsetWidth > e.clientWidth || e.scrollHeight > e.clientHeight).length""") == 0, (width, link)


@pytest.mark.parametrize("width", [PHONE, 1000, 1265, DESK])
def test_a_probability_stands_in_one_line(browser, explorer_file, width):
    show(browser, explorer_file, "#network,same,full,g7x6.g8x9", width)
    lines = browser.evaluate("[...document.querySelectorAll('.answers .number')].map((e) => e.getClientRects().length "
                             "* e.offsetHeight / parseFloat(getComputedStyle(e).lineHeight))")
    assert max(lines) < 1.5 and browser.evaluate("document.querySelector('.answers').innerText.includes('100.0 %')")


def test_all_columns_of_a_softmax_are_seen_on_a_desk(browser, explorer_file):
    show(browser, explorer_file, "#network,same,full,g7x6.g8x9,level=softmax,block=2")
    seen, whole = browser.evaluate("(({ clientWidth, scrollWidth }) => [clientWidth, scrollWidth])"
                                   "(document.querySelector('.level .wide'))")
    assert whole == seen


def test_a_phone_that_is_turned_keeps_its_sizes(browser, explorer_file):
    show(browser, explorer_file, "#fig4,8,4,2", PHONE)
    browser.call("Emulation.setDeviceMetricsOverride", width=844, height=PHONE, deviceScaleFactor=1, mobile=False)
    assert browser.evaluate("document.querySelector('.sizes summary, .sizes .controls').getClientRects().length")


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


def test_the_address_follows_what_is_shown(browser, explorer_file):
    show(browser, explorer_file, "#fig4,8,4,2")
    for share in range(1, 300):
        browser.evaluate(f"explorer.page.change({{ step: {share / 100} }})")
    wait_for("the address", lambda: browser.evaluate("location.hash") == "#fig4,8,4,2,step=2.99")
    assert browser.errors == []


@pytest.mark.parametrize("link", ["#fig4,8,4,nine", "#fig4,8,4,2,colour=red", "#nowhere", "#fig4,8,4,2,step=3=5",
                                  "#fig4,8,4,2,map=9", "#network,same,full,r1x1.g1x1", "#fig4,8,21", "#windows,0",
                                  "#network,same,full,x1x1", "#model,swin_x", "#fig4,%", "#constructor",
                                  "#fig4,8,4,2,toString=1"])
def test_what_a_link_says_wrongly_is_told(browser, explorer_file, link):
    show(browser, explorer_file, link)
    notice = browser.evaluate("document.getElementById('notice').textContent")
    assert link.split(",")[-1].removeprefix("#") in notice and browser.errors == []


@pytest.mark.parametrize(("link", "told", "shown"), [
    ("#fig4,8,4,7", "shift=7", "#fig4,8,4,3"), ("#windows,8,4,2,token=3x8", "token=3x8", "#windows,8,4,2,token=3x7"),
    ("#token,8,4,2,key=16", "key=16", "#token,8,4,2,key=15"),
    ("#token,2x8,4,2,key=4,policy=microsoft", "key=4", "#token,2x8,4,2,policy=microsoft,key=3"),
    ("#reach,20,4,2,policy=microsoft,after=6", "after=6", "#reach,20,4,2,policy=microsoft,after=5"),
    ("#network,same,full,empty,head=4", "head=4", "#network,same,full,empty,head=2"),
    ("#model,swin_t,224,stage3.block9", "box=stage3.block9", "#model,swin_t,224,stage3")])
def test_what_a_link_asks_for_and_cannot_have_is_told(browser, explorer_file, link, told, shown):
    show(browser, explorer_file, link)
    notice = browser.evaluate("document.getElementById('notice').innerText")
    assert told in notice and browser.errors == [] and address(browser) == shown
    show(browser, explorer_file, shown)
    assert browser.evaluate("document.getElementById('notice').hidden")


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


def test_all_that_can_be_reached_by_keys_has_a_name(browser, explorer_file):
    show(browser, explorer_file, "")
    browser.call("Accessibility.enable")
    try:
        for link in VIEWS:
            follow(browser, link)
            nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
            for node in nodes:
                if not node.get("ignored") and node["role"]["value"] in NAMED:
                    assert node["name"]["value"].strip(), (link, node)
            grids = [node for node in nodes if node["role"].get("value") == "grid"]
            assert all("activedescendant" in [each["name"] for each in grid["properties"]] for grid in grids), link
    finally:
        browser.call("Accessibility.disable")


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
          ...["main p", ".lead", "footer a", "dt", "main button", "h2"].map((name) => document.querySelector(name))
            .map((element) => getComputedStyle(element).color)]""")
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


def test_every_notebook_and_page_of_the_reference_it_leads_to_is_there(site, explorer_file, browser):
    show(browser, explorer_file, "")
    parts = browser.evaluate("Object.values(explorer.data.parts)")
    places = {source["page"] for part in parts for source in part["sources"]}
    assert [place for place in [*(part["notebook"]["page"] for part in parts), "index.html"]
            if not (site / place).is_file()] == []
    for page, _, anchor in (place.partition("#") for place in sorted(places)):
        assert f' id="{anchor}"' in (site / page).read_text(encoding="utf-8"), page

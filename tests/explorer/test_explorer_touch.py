"""The explorer by mouse, finger and keys, and its guided tour."""

import re

import numpy as np
import pytest

from tests.explorer.opened import DESK, address, centre, follow, show
from tests.notebooks.browser import needs_chromium, wait_for

pytestmark = needs_chromium
PHONE = 390                                            # pixels of a window's width


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


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_tap_chooses_a_token(browser, explorer_file, width):
    show(browser, explorer_file, "#windows,8,4,2", width)
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


def press(browser, kind, place, button="left"):
    browser.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button=button, clickCount=1,
                 buttons={"left": 1, "right": 2}[button])


def test_a_drag_goes_on_outside_of_the_drawing(browser, explorer_file):
    show(browser, explorer_file, "#cost,224,1,adds")
    right, y = browser.evaluate("""(({ right, top }) => [right, top + 50])(
      document.querySelector(".chart").getBoundingClientRect())""")
    press(browser, "mousePressed", (right - 200, y))
    press(browser, "mouseMoved", (right + 100, y))
    press(browser, "mouseReleased", (right + 100, y))
    assert address(browser) == "#cost,1792,1,adds"
    press(browser, "mouseMoved", (right - 200, y))
    assert address(browser) == "#cost,1792,1,adds"
    show(browser, explorer_file, "#network,same,full,g2x2.g4x4")
    start, end = (centre(browser, ".board", cell) for cell in (2 * 16 + 2, 12 * 16 + 13))
    for kind, place in (("mousePressed", start), ("mouseMoved", (start[0], 5)), ("mouseMoved", end),
                        ("mouseReleased", end)):
        press(browser, kind, place)
    assert address(browser) == "#network,same,full,g4x4.g12x13,cursor=12x13"


def test_only_the_first_button_of_a_mouse_puts_marks(browser, explorer_file):
    show(browser, explorer_file, "#network,same,full,empty")
    browser.evaluate("document.querySelectorAll('.tools input')[2].click()")
    place = centre(browser, ".board", 5 * 16 + 5)
    for button, link in (("right", "#network,same,full,empty"), ("left", "#network,same,full,g5x5,cursor=5x5")):
        press(browser, "mousePressed", place, button)
        press(browser, "mouseReleased", place, button)
        assert address(browser) == link


@pytest.mark.parametrize("link", ["#fig4,8,4,2,step=1.5", "#windows,8,4,2"])
def test_a_link_ends_the_movement_of_fig_4(browser, explorer_file, link):
    show(browser, explorer_file, "#fig4,8,4,2")
    browser.evaluate("document.querySelectorAll('.steps button')[1].click()")
    follow(browser, link)
    drawn = browser.evaluate("""new Promise((done) => {
      let count = 0;
      new MutationObserver(() => { count += 1; }).observe(document.querySelector(".tokens"), { childList: true });
      setTimeout(() => done(count), 900);
    })""")
    assert address(browser) == link and drawn == 0


def test_an_emptied_size_stays_as_it_was(browser, explorer_file):
    show(browser, explorer_file, "#fig4,8,4,2")
    for typed, height in (("", "8"), ("99", "20x8"), ("-3", "1x8")):
        browser.evaluate(f"""(() => {{
          const input = document.querySelector(".stepper input");
          input.value = "{typed}";
          input.dispatchEvent(new Event("change"));
        }})()""")
        assert address(browser).split(",")[1] == height


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


def test_another_variant_has_the_blocks_that_it_has(browser, explorer_file):
    show(browser, explorer_file, "#model,swin_s,224,stage3.block18.qkv")
    assert address(browser) == "#model,swin_s,224,stage3.block18.qkv"
    browser.evaluate("explorer.page.change({ variant: 'swin_t' })")
    assert address(browser) == "#model,swin_t,224,stage3" and browser.errors == []


def test_a_link_leads_into_the_tour(browser, explorer_file):
    for link, count in (("#tour", "1"), ("#tour,4", "4"), ("#tour,99", "10")):
        show(browser, explorer_file, link)
        wait_for("the step", lambda: browser.evaluate("location.hash") != link)  # noqa: B023
        assert count in browser.evaluate("document.querySelector('.tour .count').textContent").split()
        assert browser.evaluate("document.querySelector('#view h2') !== null") and browser.errors == []

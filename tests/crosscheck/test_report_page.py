"""The page of a report, also in headless Chromium: one file, every point in its tree, the first divergence drawn."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from swin_np.crosscheck.layouts import axes_of
from swin_np.crosscheck.page import STYLE, page
from swin_np.crosscheck.page_tree import LEVELS, tree_of
from swin_np.crosscheck.pictures import DIFFERENCES, NOT_FINITE, VALUES, plane, png, rgb
from swin_np.crosscheck.referee import divergence
from swin_np.crosscheck.report import Divergence
from tests.crosscheck.models import CONFIG, check, every_point, module_outputs, reference
from tests.notebooks.browser import needs_chromium

MISTAKES = ("patch-transposed", "merge-row-major", "no-shift", "no-mask", "scale-twice", "gelu-by-tanh",
            "first-token-for-the-mean")
SIZES = [(1280, "light"), (390, "light"), (1280, "dark"), (390, "dark")]


def broken(points, name, value):
    points[name] = points[name].copy()
    points[name].flat[7] = value
    return points


CANDIDATES = {
    "agrees": every_point,
    "every point": lambda: every_point("no-mask"),
    "modules": lambda: module_outputs(every_point("merge-row-major", "scale-twice")),
    "logits": lambda: {"output": every_point("gelu-by-tanh")["output"]},
    "nan": lambda: broken(every_point(), "layers.0.blocks.1.mlp", np.nan),
    "infinity": lambda: broken(every_point(), "layers.1.blocks.0.attn.scores", np.inf),
    "other images": lambda: {**every_point(), "input": reference().points["input"] + 1},
}


def page_of(report, name="candidate.npz"):
    return page(report, "reference.npz", name, ["A note."])


def pixels(address):
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


@needs_chromium
@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize("what", CANDIDATES)
def test_the_page_fits_the_window_asks_for_nothing_and_is_read_in_both_schemes(browser, tmp_path, what, width, scheme):
    pytest.importorskip("websocket", reason="jupyter is not installed")
    file = tmp_path / "report.html"
    file.write_text(page_of(check(CANDIDATES[what]())), encoding="utf-8")
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        browser.open(file.as_uri(), width=width, height=720)
        browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.evaluate("[...document.images].every(i => i.complete && i.naturalWidth >= 200 "
                                "&& i.getBoundingClientRect().width >= 200 && i.alt.length > 10)")
        assert browser.errors == browser.strangers() == []
        assert all(url.startswith("data:") for url in browser.requests[1:])     # the first is the page itself
        colours = browser.evaluate("[getComputedStyle(document.documentElement)].map(s => [s.color, "
                                   "s.backgroundColor])[0].map(c => Number(c.match(/[0-9]+/)[0]))")
        assert (colours[0] < 64 and colours[1] > 192) if scheme == "light" else (colours[0] > 192 and colours[1] < 64)
    finally:
        browser.call("Emulation.setEmulatedMedia", features=[])


@needs_chromium
def test_a_link_to_a_point_opens_the_way_to_it_and_keys_fold_it(browser, tmp_path):
    pytest.importorskip("websocket", reason="jupyter is not installed")
    file = tmp_path / "report.html"
    report = check(every_point("no-mask"))
    file.write_text(page_of(report), encoding="utf-8")
    browser.open(file.as_uri())
    place = "document.getElementById('point-layers.1.blocks.1.attn')"
    assert not browser.evaluate(f"{place}.checkVisibility()")
    browser.evaluate("document.querySelector('.finding a[href$=\"layers.1.blocks.1.attn\"]').click()")
    assert browser.evaluate(f"{place}.checkVisibility()")
    browser.evaluate(f"{place}.querySelector('summary').focus()")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r",
                 windowsVirtualKeyCode=13)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
    assert browser.evaluate(f"{place}.open")


@pytest.mark.parametrize("what", CANDIDATES)
def test_the_tree_has_every_point_once_in_the_colour_of_the_worst_inside(what):
    report = check(CANDIDATES[what]())
    found = re.findall(r'data-point="([^"]+)"', page_of(report))
    assert sorted(found) == sorted(point.name for point in report.points)
    nodes = [tree_of(report.points)]
    for node in nodes:
        nodes += node.inside.values()
    html = page_of(report)
    for point in report.points:
        inside = [each for each in report.points if f"{each.name}.".startswith(f"{point.name}.")]
        colour = re.search(rf'data-point="{re.escape(point.name)}"[^>]*><summary><span class="name (\w+)"', html)[1]
        most, _ = LEVELS[colour]
        if any(each.whole.verdict == "nan" for each in inside):
            assert colour == "nan"
        else:
            assert max(each.whole.excess for each in inside) <= most
            assert (colour in ("exact", "rounding", "near")) == all(each.whole.agrees for each in inside)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_shows_as_the_first_divergence_with_its_fix(name):
    report = check(every_point(name))
    html = page_of(report)
    section = re.search(r'<section id="divergence">(.*?)</section>', html, re.DOTALL)[1]
    assert report.divergence.name == report.first == re.search(r"<code>(.*?)</code>", section)[1]
    finding, = report.findings
    for text in (finding.sentence, finding.fix, finding.place):
        assert text.replace("'", "&#x27;").replace("<", "&lt;").replace(">", "&gt;") in html
    opened = re.findall(r'data-point="([^"]+)" open', html)
    assert report.first in opened
    assert all(f"{report.first}.".startswith(f"{each}.") for each in opened)


def test_what_agrees_has_no_divergence_and_no_findings():
    html = page_of(check(every_point()))
    assert 'id="divergence"' not in html and 'id="findings"' not in html and "They agree" in html


def test_the_package_contains_the_style_of_the_page():
    settings = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"crosscheck/{STYLE.name}"' in settings and STYLE.is_file()


def test_nothing_in_the_page_leads_elsewhere_and_names_from_files_are_text():
    report = check({**every_point("no-mask"), "<script>alert(1)</script>": np.ones((2, 2))})
    html = page_of(report, '"><img src=x onerror=alert(1)>')
    assert "<script" not in html and "<img src=x" not in html
    assert not re.findall(r'(?:src|href)="(?!data:|#)', html) and "url(" not in html and "@import" not in html


def test_the_module_on_its_own_is_drawn_where_no_point_of_the_whole_run_is_wrong():
    points = check(module_outputs(every_point("no-mask"))).points
    agrees = next(point.whole for point in points if point.whole.agrees)
    points = [replace(point, whole=agrees) for point in points]
    name = next(point.name for point in points if not point.alone.agrees)
    own, shape = np.full_like(reference().points[name], 7), reference().axes[name].shape
    found = divergence(reference(), {name: own.reshape(shape) + 1}, points, SimpleNamespace(truth={name: own}))
    assert (found.name, found.of_module) == (name, True)
    assert (found.ours == 7).all() and (found.theirs == 8).all()
    html = page_of(replace(check(every_point()), points=points, divergence=found))
    assert "ours: the module, run on your own input" in html


def divergence_at(name, place):
    """Where the candidate is off by 100 at one place of one point."""
    ours = reference().points[name]
    theirs = ours.copy()
    theirs[place] += 100
    axes = reference().axes[name]
    return Divergence(name, ours.reshape(axes.shape), theirs.reshape(axes.shape), axes, False)


@pytest.mark.parametrize(("name", "place", "cell", "words"), [
    ("layers.0.blocks.0", (1, 5, 9, 4), (5, 9), "rows and columns of tokens; image 1, channel 4"),
    ("layers.0.blocks.0.attn", (24 + 8, 5, 7), (1 * 3 + 1, 2 * 3 + 2), "tokens; image 1, channel 7"),
    ("layers.0.blocks.0.attn.q", (8, 1, 5, 2), (4, 8), "tokens; image 0, head 1, channel 2"),
    ("layers.0.blocks.0.attn.scores", (24 + 8, 1, 5, 7), (5, 7),
     "queries down, keys across; image 1, row of windows 1, column of windows 2, head 1"),
    ("input", (1, 2, 20, 31), (20, 31), "rows and columns of pixels; image 1, channel 2"),
    ("output", (1, 5), (0, 5), "channels, 32 in a row; image 1"),
])
def test_the_plane_goes_through_the_largest_difference(name, place, cell, words):
    shown = plane(divergence_at(name, place))
    assert np.unravel_index(np.abs(shown.difference).argmax(), shown.difference.shape) == cell
    assert shown.difference[cell] == pytest.approx(100)
    assert shown.ours[cell] == reference().points[name][place]
    assert words in shown.where
    assert f"in row {cell[0]} and column {cell[1]}" in shown.largest


def test_a_vector_is_folded_and_a_large_map_cut_around_the_worst_place(rng):
    axes = axes_of("output", (2, 100), CONFIG, (24, 32))
    ours = rng.standard_normal((2, 100))
    shown = plane(Divergence("output", ours, ours + np.eye(2, 100, 70), axes, False))
    assert shown.ours.shape == (4, 32) and np.isnan(shown.ours[3, 4:]).all()
    assert shown.difference[70 // 32, 70 % 32] == pytest.approx(1)
    axes = axes_of("input", (1, 3, 300, 500), CONFIG, (300, 500))
    ours = np.zeros((1, 3, 300, 500))
    theirs = ours.copy()
    theirs[0, 1, 290, 200] = 1
    shown = plane(Divergence("input", ours, theirs, axes, False))
    assert shown.ours.shape == (256, 256) and "from row 44 and column 72 on" in shown.where
    assert shown.theirs[290 - 44, 200 - 72] == 1


def test_a_picture_has_the_colours_of_its_numbers():
    x = np.array([[-1.0, 0, 1], [np.inf, np.nan, 5]])
    drawn = pixels(png(x, (-1, 1), DIFFERENCES))
    times = drawn.shape[1] // 3
    corners = drawn[::times, ::times]
    assert tuple(corners[0, 0]) == (*rgb(DIFFERENCES[0]), 255)
    assert tuple(corners[0, 1]) == (*rgb(DIFFERENCES[2]), 255)
    assert tuple(corners[0, 2]) == tuple(corners[1, 2]) == (*rgb(DIFFERENCES[-1]), 255)
    assert tuple(corners[1, 0]) == (*rgb(NOT_FINITE), 255)
    assert corners[1, 1, 3] == 0
    luminance = pixels(png(np.arange(32.0)[None], (0, 31), VALUES))[0, ::10, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_ours_and_theirs_are_drawn_on_the_same_scale():
    html = page_of(check(every_point("no-mask")))
    scales = re.findall(r'alt="(ours|theirs)[^"]*from (\S+) to (\S+)"', html)
    assert [name for name, *_ in scales] == ["ours", "theirs"]
    assert scales[0][1:] == scales[1][1:]

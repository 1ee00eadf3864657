"""The numbers that the explorer's views say are the library's, also where sizes do not fit."""

import re

import numpy as np
import pytest

from swin_np.attention import relative_position_index
from swin_np.baselines.padded_windows import window_key_value_bytes
from swin_np.baselines.sliding_window import naive_key_value_bytes
from swin_np.complexity import layer_costs, msa_multiply_adds
from swin_np.plots.sliding import distinct, shifted_key_sets, sliding_key_sets
from swin_np.shape_policy import SHAPE_POLICIES
from swin_np.variants import VARIANTS
from swin_np.windows import MASK_VALUE, region_ids, shifted_window_mask, window_partition
from tests.explorer.opened import show
from tests.notebooks.browser import needs_chromium

pytestmark = needs_chromium
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
THREE_DIGITS = 5.1e-3                                  # half of the third digit, relative to the number
FACTS = """
Object.fromEntries([...%s.querySelectorAll(".facts > div")].map((each) => [...each.children].map((e) => e.innerText)))
"""


def facts(browser, element="document"):
    """What a list of names and values says."""
    return browser.evaluate(FACTS % element)


def number(text):
    """'4.49 GB' -> 4.49e9."""
    digits, unit = re.match(r"([\d.]+)(?: ([kMGT]))?", text).groups()
    return float(digits) * UNITS[unit or ""]


@pytest.mark.parametrize(("h", "w", "m", "s", "policy", "token", "key"), [
    (8, 8, 4, 2, "torchvision", (7, 7), 15), (7, 10, 4, 3, "timm", (6, 1), 5), (7, 10, 4, 3, "torchvision", (6, 1), 5),
    (9, 13, 5, 1, "transformers", (0, 12), 24), (3, 5, 4, 2, "torchvision", (2, 4), 7),
    (1, 1, 1, 0, "microsoft", (0, 0), 0), (6, 9, 3, 2, "microsoft", (5, 0), 8)])
def test_a_token_is_found_in_every_reshape(browser, explorer_file, h, w, m, s, policy, token, key):
    show(browser, explorer_file, f"#token,{h}x{w},{m},{s},policy={policy},token={token[0]}x{token[1]},key={key}")
    (m, n), (down, right) = SHAPE_POLICIES[policy].window_and_shift((h, w), (m, m), (s, s))
    x = np.arange(1, h * w + 1).reshape(1, h, w, 1)
    rows, columns = h + -h % m, w + -w % n             # padded
    pad = ("np.pad", lambda x: np.pad(x, ((0, 0), (0, rows - h), (0, columns - w), (0, 0))))
    roll = ("np.roll", lambda x: np.roll(x, (-down, -right), axis=(1, 2)))
    steps = [pad, roll] if SHAPE_POLICIES[policy].pads_before_roll else [roll, pad]
    steps = [("x", lambda x: x), *(steps if (h, w) != (rows, columns) else [roll]),
             ("reshape", lambda x: x.reshape(1, rows // m, m, columns // n, n, 1)),
             ("transpose", lambda x: x.transpose(0, 1, 3, 2, 4, 5)), ("windows", lambda x: x.reshape(-1, m, n, 1)),
             ("tokens", lambda x: x.reshape(-1, m * n, 1))]
    table = browser.evaluate("[...document.querySelectorAll('tr')].map((row) => [...row.children]"
                            ".map((cell) => cell.innerText))")
    assert len(table) == len(steps) + 3
    for (name, compute), (said, shape, place) in zip(steps, table, strict=False):
        x = compute(x)
        assert (said, shape) == (name, str(x.shape)[:-2] + "C)")
        assert x[tuple(map(int, re.findall(r"\d+", place)))] == token[0] * w + token[1] + 1, name
    window, position = map(int, re.findall(r"\d+", table[len(steps) - 1][2]))
    assert table[-1][1:] == [f"({len(x)}, {m * n}, {m * n})", f"[{window}, {position}, {key}]"]

    index = relative_position_index((m, n)).reshape(m * n, m * n)[position, key]
    computed, said = browser.evaluate("document.querySelector('.pair.small .wide').innerText").split("=")
    assert int(said) == index == eval(computed.replace("·", "*").replace(") (", ") * ("))  # it is what it says
    regions = window_partition(region_ids((rows, columns), (m, n), (down, right))[None, ..., None], (m, n))
    regions = regions.reshape(-1, m * n)
    mask = np.zeros(m * n)
    if down or right:
        mask = shifted_window_mask((rows, columns), (m, n), (down, right))[window, position]
    origin = int(x[window, key, 0]) - 1
    got = facts(browser)
    assert {name: got[name] for name in ("Window", "Position in the window", "Region", "Keys it attends to")} == {
        "Window": str(window), "Position in the window": str(position), "Region": str(regions[window, position]),
        "Keys it attends to": str(np.count_nonzero(mask == 0))}
    assert got["The chosen key was at"] == ("padding" if origin < 0 else f"{origin // w}, {origin % w}")
    said = browser.evaluate("[...document.querySelectorAll('.tokens')[2].querySelectorAll('text')]"
                            ".map((e) => Number(e.textContent))")
    assert said == mask.tolist() and set(said) <= {0, MASK_VALUE}


@pytest.mark.parametrize(("h", "w", "m", "s", "token"), [
    (8, 8, 4, 2, (1, 1)), (10, 15, 5, 1, (9, 14)), (9, 6, 3, 2, (0, 5)), (6, 1, 1, 0, (3, 0))])
def test_sliding_and_shifted_windows_read_what_the_library_says(browser, explorer_file, h, w, m, s, token):
    show(browser, explorer_file, f"#sliding,{h}x{w},{m},{s},token={token[0]}x{token[1]}")
    odd, own = m | 1, token[0] * w + token[1]
    beside = own if w == 1 else own + 1 if token[1] + 1 < w else own - 1
    read = naive_key_value_bytes((h, w), 96, odd), window_key_value_bytes((h, w), 96, m)
    for i, sets in enumerate((sliding_key_sets((h, w), (odd, odd)), shifted_key_sets((h, w), (m, m), (s, s)))):
        got = facts(browser, f"document.querySelectorAll('.pair .text')[{i}]")
        assert got["Different sets of keys"] == str(len(distinct(sets)))
        assert got["Keys read in all"] == str(distinct(sets).sum())
        assert got["Shared with the neighbour"] == f"{(sets[own] & sets[beside]).sum()} of {sets[own].sum()} keys"
        assert number(got["Keys and values read"]) == pytest.approx(read[i], rel=THREE_DIGITS)


def attention_costs(image, stage):
    """Global, window and sliding attention of a stage of Swin-T: multiply-adds, bytes and scores, three each."""
    config, name = VARIANTS["swin_t"], f"layers.{stage - 1}.blocks.0"
    layers = {cost.name: cost for cost in layer_costs(config, (image, image))}
    h, w, channels = layers[f"{name}.norm1"].output_shape
    windows, tokens, _ = layers[f"{name}.attn"].output_shape
    in_windows = sum(layers[f"{name}.attn{part}"].multiply_adds for part in (".qkv", "", ".proj"))
    return {"adds": (msa_multiply_adds(h, w, channels), in_windows, h * w * channels * (4 * channels + 2 * 49)),
            "bytes": (window_key_value_bytes((h, w), channels, (h, w)), window_key_value_bytes((h, w), channels, 7),
                      naive_key_value_bytes((h, w), channels, 7)),
            "scores": (h * w * h * w, windows * tokens * tokens, h * w * 49)}


@pytest.mark.parametrize("measure", ["adds", "bytes", "scores"])
@pytest.mark.parametrize(("image", "stage"), [(224, 1), (56, 4), (100, 2), (1792, 1), (1000, 3)])
def test_attention_costs_what_the_library_says_for_any_image(browser, explorer_file, image, stage, measure):
    show(browser, explorer_file, f"#cost,{image},{stage},{measure}")
    right = attention_costs(image, stage)[measure]
    said = browser.evaluate("[...document.querySelectorAll('.entry p')].map((e) => e.innerText.split(':')[1].trim())")
    assert [number(text) for text in said] == pytest.approx(right, rel=THREE_DIGITS)
    ratios = re.findall(r"\d[\d.]*", browser.evaluate("document.querySelector('.text > .strong').innerText"))
    assert [float(text) for text in ratios] == pytest.approx(
        [right[0] / right[1], right[2] / right[1]], rel=THREE_DIGITS)


def test_numbers_are_shortened_to_three_digits(explorer):
    for whole, short in ((0, "0"), (999, "999"), (1234, "1.23 k"), (999_499, "999 k"), (999_700, "1.00 M"),
                         (4_494_292_224, "4.49 G"), (999_999_999_999, "1.00 T")):
        assert explorer("elements.short", whole) == short

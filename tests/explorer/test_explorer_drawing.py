"""What the explorer draws is what the library computes: tokens of Fig. 4 at their places, keys in full colour."""

import re

import numpy as np
import pytest

from swin_np.plots.sliding import shifted_key_sets
from swin_np.shape_policy import SHAPE_POLICIES
from swin_np.windows import cyclic_shift
from tests.explorer.opened import follow, show
from tests.notebooks.browser import needs_chromium

pytestmark = needs_chromium
CELLS = """
[...document.querySelector(".tokens").querySelectorAll("[role=gridcell]")].map((cell) => {
  const rect = cell.querySelector(".cell"), [row, column] = ["y", "x"].map((name) => rect.getAttribute(name) / 40);
  return [cell.getAttribute("aria-label"), Math.round(row), Math.round(column), rect.matches(".strong"),
          cell.querySelector(".hatched") !== null];
})
"""


def drawn(browser):
    """Each token's row and column in the view's first map, whether it is in full colour, whether it is hatched."""
    return {tuple(map(int, re.findall(r"\d+", label)[:2])): (row, column, strong, hatched)
            for label, row, column, strong, hatched in browser.evaluate(CELLS)}


@pytest.mark.parametrize(("h", "w", "m", "s", "policy"), [
    (8, 8, 4, 2, "microsoft"), (7, 10, 4, 3, "torchvision"), (7, 10, 4, 3, "timm"), (6, 9, 3, 1, "timm"),
    (10, 15, 5, 4, "torchvision"), (9, 13, 5, 2, "transformers")])
def test_each_token_is_drawn_where_numpy_rolls_it(browser, explorer_file, h, w, m, s, policy):
    show(browser, explorer_file, "")
    numbers = np.arange(h * w).reshape(1, h, w, 1)
    if SHAPE_POLICIES[policy].pads_before_roll:
        numbers = np.pad(numbers, ((0, 0), (0, -h % m), (0, -w % m), (0, 0)), constant_values=-1)
    for step, right in ((0, numbers), (1, cyclic_shift(numbers, s)), (4, cyclic_shift(numbers, s)), (5, numbers)):
        follow(browser, f"#fig4,{h}x{w},{m},{s},step={step},policy={policy}")
        tokens = drawn(browser)
        tokens.pop((), None)                           # padding
        assert len(tokens) == h * w
        for (row, column), (drawn_row, drawn_column, *_) in tokens.items():
            assert right[0, drawn_row, drawn_column, 0] == row * w + column, step


@pytest.mark.parametrize("step", [0.5, 4.5])
def test_on_the_way_of_the_roll_tokens_have_gone_half_of_the_shift(browser, explorer_file, step):
    show(browser, explorer_file, f"#fig4,8,4,2,step={step}")
    for (row, column), (drawn_row, drawn_column, *_) in drawn(browser).items():
        wraps = row < 2 or column < 2                  # these come in from the other end
        right = ((row - 2) % 8 + 1, (column - 2) % 8 + 1) if wraps else (row - 1, column - 1)
        assert (drawn_row, drawn_column) == right


@pytest.mark.parametrize("view", ["fig4,8,4,2,step=3", "token,8,4,2"])
@pytest.mark.parametrize("token", [(0, 0), (3, 5), (7, 1)])
def test_the_keys_of_a_token_are_drawn_in_full_colour(browser, explorer_file, view, token):
    show(browser, explorer_file, f"#{view},token={token[0]}x{token[1]}")
    masked, unmasked = (sets[token[0] * 8 + token[1]].reshape(8, 8) for sets in (
        shifted_key_sets(8, 4, 2), unmasked_key_sets()))
    for place, (_, _, strong, hatched) in drawn(browser).items():
        assert strong == masked[place] and hatched == (unmasked[place] and not masked[place]), place


def unmasked_key_sets():
    """Which tokens share a window of 4x4 after a roll of an 8x8 map by 2: (64, 64) booleans."""
    window = cyclic_shift(np.arange(4).reshape(2, 2).repeat(4, 0).repeat(4, 1)[None, :, :, None], (-2, -2)).reshape(-1)
    return window[:, None] == window

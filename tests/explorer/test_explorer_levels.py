"""What the live network shows inside it is what the library's trace of the same board has, to the last digit shown."""

import numpy as np
import pytest

import swin_np
from swin_np.plots.style import BLUE, NAVY, PALE, VERMILION
from swin_np.probes import load_probe
from swin_np.windows import cyclic_shift, window_partition
from tests.explorer.opened import show
from tests.notebooks.browser import needs_chromium

pytestmark = needs_chromium
BOARD = "g7x6.g8x9.r14x15"
PLACES = [(2, (7, 6), 2, 11), (2, (15, 14), 1, 3), (3, (7, 6), 3, 0), (4, (15, 0), 4, 9)]  # block, cursor, head, key
DIGITS = 5.1e-4                                        # three decimals are shown; float64 rounds some the other way
IMAGE = f"""Array.from(explorer.boards.image(explorer.board.codec.read("{BOARD}"),
                       explorer.data.pixels.map(explorer.model.decode)))"""
PICTURES = """
[...document.querySelectorAll(".level canvas")].map((canvas) => {
  const { width, height } = canvas, pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  return [height, width, Array.from(pixels).filter((_, i) => i % 4 < 3)];
})
"""
TABLE = """
[...document.querySelectorAll(".level table tr")].slice(1)
  .map((row) => [...row.children].map((cell) => cell.textContent.replaceAll("\\u2212", "-")))
"""


class Inside:
    """The library's trace of the board, and where the query is in one of its blocks; counted from 0."""

    def __init__(self, browser, block, cursor):
        model = load_probe("same", dtype=np.float64)
        with swin_np.trace(model) as self.steps:
            model(np.array(browser.evaluate(IMAGE)).reshape(1, 3, 32, 32))
        self.stage, number = divmod(block - 1, 2)
        self.name, self.side = f"layers.{self.stage}.blocks.{number}", 16 >> self.stage
        self.table = model.layers[self.stage].blocks[number].attn.relative_position_bias_table
        numbers = np.arange(self.side ** 2).reshape(1, self.side, self.side, 1)
        self.members = window_partition(cyclic_shift(numbers, 2 * number), (4, 4)).reshape(-1, 16)
        token = (cursor[0] >> self.stage) * self.side + (cursor[1] >> self.stage)
        (self.window,), (self.position,) = np.nonzero(self.members == token)

    def __getitem__(self, step):
        """A step of the attention of all heads in the query's window."""
        return self.steps[f"{self.name}.attn.{step}"][self.window]


def rgb(colour):
    return np.array([int(colour[at:at + 2], 16) for at in (1, 3, 5)], float)


def share_colours(values):
    """(..., 3): from the smallest, pale, over blue to the largest, navy."""
    values = (values - values.min()) / (np.ptp(values) or 1)
    return np.stack([np.interp(values, [0, 0.5, 1], ends) for ends in zip(*map(rgb, (PALE, BLUE, NAVY)), strict=True)],
                    axis=-1)


def signed_colours(values):
    """(..., 3): pale for 0, the largest in full colour, blue below and vermilion above."""
    values = values / (np.abs(values).max() or 1)
    return np.stack([np.interp(values, [-1, 0, 1], ends)
                     for ends in zip(*map(rgb, (BLUE, PALE, VERMILION)), strict=True)], axis=-1)


def look(browser, file, place, level):
    """The level as the page shows it, and what the library has."""
    block, (row, column), head, key = place
    show(browser, file, f"#network,same,full,{BOARD},cursor={row}x{column},level={level},block={block},head={head},"
                        f"key={key}")
    return Inside(browser, block, (row, column))


def pictures(browser):
    return [np.reshape(pixels, (height, width, 3)) for height, width, pixels in browser.evaluate(PICTURES)]


def assert_pictures(got, right):
    for picture, colours in zip(got, right, strict=True):
        assert picture.shape == colours.shape and np.abs(picture - colours).max() < 1   # a byte is rounded


def test_the_overview_shows_how_long_the_features_are(browser, explorer_file):
    inside = look(browser, explorer_file, PLACES[0], "overview")
    names = ["patch_embed", *(f"layers.{stage}.blocks.{number}" for stage in (0, 1) for number in (0, 1))]
    assert_pictures(pictures(browser), [share_colours(np.linalg.norm(inside.steps[name][0], axis=-1))
                                        for name in names])


@pytest.mark.parametrize("place", PLACES)
def test_a_block_shows_attention_biases_and_features(browser, explorer_file, place):
    inside = look(browser, explorer_file, place, "block")
    heads, side = inside.table.shape[1], inside.side
    attention = np.zeros((heads, side * side))
    attention[:, inside.members[inside.window]] = inside["probabilities"][:, inside.position]
    features = inside.steps[inside.name][0].transpose(2, 0, 1)
    assert_pictures(pictures(browser), [*map(share_colours, attention.reshape(heads, side, side)),
                                        *map(signed_colours, inside.table.T.reshape(heads, 7, 7)),
                                        *map(signed_colours, features)])


@pytest.mark.parametrize("place", PLACES)
def test_a_head_shows_the_attention_of_all_pairs(browser, explorer_file, place):
    inside = look(browser, explorer_file, place, "head")
    got = browser.evaluate("""[...document.querySelectorAll(".level [role=gridcell]")].map((cell) =>
      [...cell.getAttribute("aria-label").matchAll(/\\d+(\\.\\d+)?/g)].map(([number]) => Number(number)))""")
    right = [[query, key, value] for query, row in enumerate(inside["probabilities"][place[2] - 1])
             for key, value in enumerate(row)]
    assert np.abs(np.array(got) - right).max() < DIGITS
    assert browser.evaluate("""[...document.querySelectorAll(".level [role=gridcell]")].findIndex((cell) =>
      cell.getAttribute("aria-selected") === "true")""") == inside.position * 16 + place[3]


@pytest.mark.parametrize("place", PLACES)
def test_a_softmax_shows_every_summand(browser, explorer_file, place):
    inside, head = look(browser, explorer_file, place, "softmax"), place[2] - 1
    scores, biased = inside["scores"], inside["scores_with_bias"]
    summed = inside["scores_with_mask"] if f"{inside.name}.attn.scores_with_mask" in inside.steps else biased
    columns = np.stack([step[head, inside.position] for step in (
        scores, biased - scores, summed - biased, summed, inside["probabilities"])], axis=1)
    rows = browser.evaluate(TABLE)
    assert [(int(row[0]), row[1]) for row in rows] == [
        (key, f"{token // inside.side}, {token % inside.side}")
        for key, token in enumerate(inside.members[inside.window])]
    assert np.abs(np.array([row[2:] for row in rows], float) - columns).max() < DIGITS


@pytest.mark.parametrize("place", PLACES)
def test_a_product_shows_its_numbers_and_their_sum(browser, explorer_file, place):
    inside, head, key = look(browser, explorer_file, place, "product"), place[2] - 1, place[3]
    q, k = inside["q"][head, inside.position], inside["k"][head, key]
    rows = np.array(browser.evaluate(TABLE), float)
    assert np.abs(rows - np.stack([np.arange(len(q)), q, k, q * k], axis=1)).max() < DIGITS
    said = browser.evaluate("[...document.querySelectorAll('.level p')].at(-1).textContent").replace("\u2212", "-")
    assert abs(float(said.split("=")[-1]) - inside["scores"][head, inside.position, key]) < DIGITS

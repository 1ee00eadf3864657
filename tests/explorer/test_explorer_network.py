"""The page's forward pass equals the library's, whole and ablated, and its boards are rendered as the library does."""

import json

import numpy as np
import pytest

from swin_np.functional import erf
from swin_np.probes import ABLATIONS, TASKS, load_probe, logits_of, remove_bias, remove_shift, straddles
from tests.notebooks.browser import needs_chromium

pytestmark = needs_chromium
LOGITS = 1e-4                                          # largest difference of a logit
BOARDS = 200

FORWARD = """
((task, ablation, images, options) => {
  const weights = explorer.model.decodeAll(explorer.data.probes[task].weights[ablation]);
  return images.map((image) => Array.from(explorer.model.forward(
    weights, explorer.model.decode({ shape: [], float32: image }).values, options).logits));
})
"""


def page_logits(browser, task, ablation, boards, **options):
    from notebooks.explorer.data import numbers

    given = [task, ablation, [numbers(image)["float32"] for image in boards.images],
             {"shift": ablation != "no_shift", "mask": True, "bias": True, **options}]
    return np.array(browser.evaluate(f"{FORWARD}({','.join(map(json.dumps, given))})"))


def largest_difference(browser, task, ablation, count, rng):
    boards = TASKS[task].draw(count, rng)
    right = logits_of(load_probe(task, ablation, np.float64), boards)
    return np.abs(page_logits(browser, task, ablation, boards) - right).max()


@pytest.mark.parametrize("ablation", ABLATIONS)
@pytest.mark.parametrize("task", TASKS)
def test_logits_are_the_library_s(browser, explorer, task, ablation, rng):
    assert largest_difference(browser, task, ablation, 10, rng) < LOGITS


@pytest.mark.long
@pytest.mark.parametrize("ablation", ABLATIONS)
@pytest.mark.parametrize("task", TASKS)
def test_logits_are_on_two_hundred_boards(browser, explorer, task, ablation, rng):
    assert largest_difference(browser, task, ablation, BOARDS, rng) < LOGITS


@pytest.mark.parametrize(("switch", "remove"), [("shift", remove_shift), ("bias", remove_bias)])
@pytest.mark.parametrize("task", TASKS)
def test_a_switch_of_the_page_is_what_the_library_removes(browser, explorer, task, switch, remove, rng):
    boards, model = TASKS[task].draw(10, rng), load_probe(task, dtype=np.float64)
    whole = logits_of(model, boards)
    remove(model)
    right = logits_of(model, boards)
    assert np.abs(right - whole).max() > 100 * LOGITS
    assert np.abs(page_logits(browser, task, "full", boards, **{switch: False}) - right).max() < LOGITS


@pytest.mark.parametrize("task", TASKS)
def test_without_the_mask_regions_that_wrapped_around_are_mixed(browser, explorer, task, rng, monkeypatch):
    boards = TASKS[task].draw(10, rng)
    monkeypatch.setattr("swin_np.attention.attention_mask", lambda *_: None)
    right = logits_of(load_probe(task, dtype=np.float64), boards)
    got = page_logits(browser, task, "full", boards, mask=False)
    assert np.abs(got - right).max() < LOGITS < np.abs(page_logits(browser, task, "full", boards) - right).max()


def test_a_board_is_put_together_from_the_library_s_tiles(browser, explorer, rng):
    from notebooks.explorer.data import SEED
    from swin_np.probes.tasks import SIDE, TILE, render

    marks = rng.integers(4, size=(SIDE, SIDE))
    source = np.random.default_rng(SEED)
    whole = [render(np.full((1, SIDE, SIDE), mark), source)[0] for mark in range(4)]
    right = np.choose(marks.repeat(TILE, axis=0).repeat(TILE, axis=1), whole)
    got = browser.evaluate(f"""Array.from(explorer.boards.image({json.dumps(marks.reshape(-1).tolist())},
                               explorer.data.pixels.map(explorer.model.decode)))""")
    assert np.array_equal(np.array(got, np.float32), right.reshape(-1))


@pytest.mark.parametrize("task", TASKS)
def test_right_answers_are_the_library_s(explorer, task, rng):
    boards = TASKS[task].draw(BOARDS, rng)
    crossing = straddles(boards.marks)
    for marks, answer, crosses in zip(boards.marks, boards.answers, crossing, strict=True):
        flat = marks.reshape(-1).tolist()
        assert explorer(f"boards.answers.{task}", flat) == answer
        assert explorer("boards.straddles", flat) == crosses


def test_the_error_function_is_the_library_s(browser, explorer):
    x = np.linspace(-7, 7, 2801)
    got = browser.evaluate(f"{json.dumps(x.tolist())}.map(explorer.functional.erf)")
    assert np.abs(np.array(got) - erf(x)).max() < 1e-12


@pytest.mark.parametrize(("ablation", "joined"), [("no_shift", False), ("full", True)])
def test_without_the_shift_marks_in_two_quadrants_never_meet(browser, explorer, ablation, joined):
    """Then the logits are a sum of what each mark gives alone, whatever the colours."""
    logits = np.array(browser.evaluate(f"""(() => {{
      const pixels = explorer.data.pixels.map(explorer.model.decode);
      const weights = explorer.model.decodeAll(explorer.data.probes.same.weights.{ablation});
      const options = {{ shift: {json.dumps(joined)}, mask: true, bias: true }};
      return ["r7x6.r8x9", "r7x6.g8x9", "g7x6.r8x9", "g7x6.g8x9"].map((marks) => Array.from(explorer.model.forward(
        weights, explorer.boards.image(explorer.board.codec.read(marks), pixels), options).logits));
    }})()"""))
    crossed = np.abs(logits[0] - logits[1] - logits[2] + logits[3]).max()
    assert crossed > 1 if joined else crossed < 1e-9

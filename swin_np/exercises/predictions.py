"""Notebook 10: what will come out? Predictions, made before anything is run; a report never shows the answer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from swin_np.attention import relative_position_index
from swin_np.complexity import msa_multiply_adds, window_msa_multiply_adds
from swin_np.exercises.exercise import Exercise, exercise
from swin_np.exercises.sealing import seal
from swin_np.ragged import ragged_windows
from swin_np.variants import SwinConfig
from swin_np.windows import shifted_window_mask

SIDE, M, SHIFT = (56, 56), (7, 7), (3, 3)              # of the first stage of every variant in the paper


def question(title: str, place: str, mistakes: tuple[str, ...]) -> Callable[[Callable], Exercise]:
    """Make the function below, which computes an answer, an Exercise that asks for it. mistakes: wrong predictions."""
    def make(answer: Callable[[], Any]) -> Exercise:
        def reference() -> str:
            return seal(answer.__name__, answer())

        reference.__name__, reference.__doc__ = answer.__name__, answer.__doc__
        return exercise(title, place=place, points=1, minutes=5, toy=tuple, draw=lambda rng: (), covers={},
                        mistakes=mistakes, question=True)(reference)
    return make


def windows_after_the_shift() -> int:
    return len(ragged_windows(SIDE, M, SHIFT))


@question("Windows of a shifted map", "section 3.2, Fig. 2",
          ("windows-as-before-the-shift", "windows-shifted-along-one-axis", "one-window-more",
           "a-window-more-at-every-border", "whole-windows-alone"))
def predict_windows() -> int:
    """The windows of a 56 x 56 map that is cut every 7 tokens from row and column 3 on."""
    return windows_after_the_shift()


def map_of_the_third_stage() -> tuple[int, int, int]:
    config = SwinConfig(img_size=(448, 672))
    return *config.map_sizes()[2], config.channels(2)


@question("The map of the third stage", "section 3.1, Fig. 3a",
          ("map-of-the-second-stage", "map-of-the-fourth-stage", "channels-that-stay", "channels-times-four",
           "width-before-height", "patches-forgotten"))
def predict_map() -> tuple[int, int, int]:
    """Height, width and channels of the third stage's map of an image of 448 x 672 pixels in Swin-T."""
    return map_of_the_third_stage()


def ratio_of_the_costs() -> float:
    return msa_multiply_adds(*SIDE, 96) / window_msa_multiply_adds(*SIDE, 96, M)


@question("What windows save", "section 3.2, Eq. 1 and 2",
          ("ratio-of-the-products-alone", "ratio-the-other-way-round", "ratio-of-the-sides", "side-for-area",
           "ratio-without-the-linear-layers-of-one"))
def predict_ratio() -> float:
    """How many times the multiply-adds of W-MSA global attention takes, on 56 x 56 tokens of 96 channels, M = 7."""
    return ratio_of_the_costs()


def masked_share() -> float:
    return float((shifted_window_mask((8, 8), 4, 2) != 0).mean())


@question("How much is masked", "section 3.2, Fig. 4",
          ("share-of-allowed-pairs", "share-of-windows-with-a-mask", "corner-of-two-regions", "corner-alone",
           "half-of-each-masked-window"))
def predict_masked_share() -> float:
    """The masked share of all pairs of query and key, on an 8 x 8 map with M = 4 and a shift of 2."""
    return masked_share()


def keys_of_the_corner() -> int:
    (rows, columns), *_ = ragged_windows(SIDE, M, SHIFT)
    return (rows.stop - rows.start) * (columns.stop - columns.start)


@question("What the corner sees", "section 3.2, Fig. 2 and 4",
          ("corner-sees-a-whole-window", "corner-of-what-is-left-of-the-window", "corner-of-one-side-cut",
           "corner-of-both-parts", "corner-sees-itself-alone"))
def predict_corner() -> int:
    """How many tokens the one at the top left attends to in a shifted block."""
    return keys_of_the_corner()


def tokens_within_two_blocks() -> int:
    regular, shifted = (ragged_windows(SIDE, M, shift) for shift in ((0, 0), SHIFT))
    seen = np.zeros(SIDE, bool)
    seen[28, 28] = True
    for windows in (shifted, regular):                 # backwards, from the result
        for window in windows:
            seen[window] |= seen[window].any()
    return int(seen.sum())


@question("How far two blocks see", "section 3.2, Eq. 3",
          ("reach-of-one-block", "reach-of-two-windows", "reach-of-window-and-shift", "reach-to-all-neighbours",
           "reach-of-the-whole-map"))
def predict_reach() -> int:
    """From how many tokens one in the middle depends after a block with regular windows and one with shifted ones."""
    return tokens_within_two_blocks()


def numbers_in_bias_tables() -> int:
    return 3 * (int(relative_position_index(M).max()) + 1)


@question("The size of a bias table", "section 3.2, Eq. 4",
          ("table-of-one-head", "table-of-tokens", "table-of-all-pairs", "table-of-2m", "table-of-one-axis"))
def predict_table() -> int:
    """The learned numbers of the relative position bias in a block with M = 7 and three heads."""
    return numbers_in_bias_tables()


def stages_that_shift() -> tuple[int, ...]:
    config = SwinConfig()
    return tuple(stage + 1 for stage, size in enumerate(config.map_sizes()) if min(size) > min(config.window(stage)))


@question("Where there is something to shift", "section 3.1, Fig. 3a, and section 3.2",
          ("all-stages-shift", "every-second-stage-shifts", "the-deep-stage-shifts", "stages-counted-from-0",
           "the-first-stage-does-not-shift"))
def predict_shifting_stages() -> tuple[int, ...]:
    """The numbers, from 1 on, of Swin-T's stages that roll their map for an image of 224 x 224."""
    return stages_that_shift()

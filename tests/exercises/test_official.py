"""The golden values of the exercises are a part of those that the official code has given for the golden tests."""

import numpy as np

from swin_np.exercises.exercise import official
from tests.golden import stored


def test_the_stored_first_stage_is_the_official_code_s():
    theirs, arrays = stored("v1_rect"), official("")
    assert len(arrays) == 39
    for name, value in arrays.items():
        source = "input" if name == "images" else f"state/{name}"
        if name.startswith("output/"):
            source = name.replace("output", "float64")
        assert np.array_equal(value.ravel(), theirs[source].ravel()), name


def test_a_prefix_chooses_and_is_taken_off():
    block = official("layers.0.blocks.1.")
    assert block["attn.qkv.weight"].shape == (24, 8) and block["attn.qkv.weight"].dtype == np.float64
    assert official("output/")["layers.0.downsample"].shape == (1, 4, 8, 16)

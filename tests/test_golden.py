"""The golden data: what the official code, timm and torchvision computed, module by module, in NumPy only."""

import numpy as np
import pytest

from swin_np import trace
from swin_np.errors import StateDictError
from tests import golden
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

FILES = golden.OFFICIAL + golden.TIMM + golden.TORCHVISION


@pytest.mark.parametrize("name", FILES)
def test_every_stored_module_output_is_reproduced(name):
    model = golden.model(name, np.float64)
    with trace(model) as ours:
        model(golden.stored(name)["input"].astype(np.float64))
    compared = 0
    for label, theirs in golden.module_outputs(name).items():
        module = label.split()[0]
        if name in golden.TORCHVISION and module.endswith(".attn"):     # there the attention of the whole map
            module += ".rolled_back"
        result = ours[module]                          # (B, h, w, C) or windows (B nW, M^2, C)
        if label.endswith("(features.0.0)"):
            theirs = np.moveaxis(theirs, 1, -1)        # a convolution's (B, C, h, w)
        assert result.shape[-1] == theirs.shape[-1], label
        assert_matches(result, theirs.reshape(result.shape), MODEL_TOLERANCE)
        compared += 1
    assert compared == sum(key.startswith("float64/") for key in golden.stored(name))


@pytest.mark.parametrize("name", FILES)
def test_the_logits_are_reproduced_in_float64(name):
    stored = golden.stored(name)
    truth = golden.model(name, np.float64)(stored["input"].astype(np.float64))
    assert_matches(truth, stored["logits_float64"], MODEL_TOLERANCE)


@pytest.mark.parametrize("name", FILES)
def test_float32_is_as_near_to_the_stored_logits_as_rounding_allows(name):
    x = golden.stored(name)["input"]
    assert_model_rounds_as_float32(golden.model(name, np.float32), lambda model: model(x.astype(model.dtype)), draws=24)


@pytest.mark.parametrize("name", golden.OFFICIAL)
def test_the_derived_buffers_of_official_files_are_checked(name):
    state, model = golden.official_state(name), golden.model(name, np.float32)
    buffers = [key for key in state if key.endswith(("relative_position_index", "attn_mask"))]
    assert sorted(buffers) == sorted(model.derived_buffers())
    for key in buffers:
        wrong = {**state, key: state[key] + np.eye(*state[key].shape[-2:], dtype=state[key].dtype)}
        with pytest.raises(StateDictError, match=key):
            model.load_state_dict(wrong)


def test_a_file_for_every_golden_model_is_used():
    used = FILES + golden.SWIN_V2 + golden.CONVOLUTIONAL
    assert sorted(used) == sorted(path.stem for path in golden.FOLDER.glob("*.npz"))

"""How a model is compared with its twin in timm or torchvision; a test that imports this is skipped without them."""

import numpy as np
import pytest

from swin_np.layers import Module
from tests.matching import MODEL_TOLERANCE, assert_matches

twins = pytest.importorskip("oracle.vision_twins")


def assert_equals_its_twin(model: Module, library: str, theirs, size: tuple[int, int], batch: int = 2) -> None:
    """Logits and maps are those of `theirs`, in float64, for random images of this size in pixels."""
    images = np.random.default_rng(7).standard_normal((batch, model.config.in_chans, *size))
    ours, expected = twins.our_outputs(model, images), twins.their_outputs(model, library, theirs, images)
    assert_matches(ours.logits, expected.logits, MODEL_TOLERANCE)
    for our_map, their_map in zip(ours.maps, expected.maps, strict=True):
        assert_matches(our_map, their_map, MODEL_TOLERANCE)

"""UPerNet on a Swin backbone equals transformers' model, its float32 is as accurate, and its shapes are checked."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np import TRANSFORMERS_BACKBONE, SwinConfig
from swin_np.dense.segmentation import UPerNet, UPerNetConfig
from swin_np.dense.upernet import UPerHead
from swin_np.errors import ShapeError
from swin_np.layers import redraw
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

CLASSES, CHANNELS = 5, 12
CONFIG = SwinConfig((64, 96), 4, embed_dim=8, depths=(2, 2, 1, 1), num_heads=(1, 2, 4, 4), window_size=2,
                    shape_policy=TRANSFORMERS_BACKBONE)


WINDOW_7 = replace(CONFIG, img_size=224, depths=(2, 2, 2, 2), window_size=7)          # its last map is one window


def redrawn(dtype: type = np.float64, backbone: SwinConfig = CONFIG) -> UPerNet:
    model = UPerNet.random(UPerNetConfig(backbone, CLASSES, CHANNELS))
    redraw(model, 4)
    return model.astype(dtype)


def torch_scores(model: UPerNet, images: np.ndarray) -> np.ndarray:
    """What transformers' UPerNet gives with the same weights."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from oracle.upernet_twin import upernet_twin

    with torch.inference_mode():
        return upernet_twin(model)(torch.from_numpy(images)).logits.numpy()


@pytest.mark.parametrize("size", [(64, 96), (72, 100)])
def test_equals_transformers_pixel_by_pixel(size, rng):
    model, images = redrawn(), rng.standard_normal((2, 3, *size))
    scores = model(images)
    assert scores.shape == (2, CLASSES, *size)
    assert_matches(scores, torch_scores(model, images), MODEL_TOLERANCE)


@pytest.mark.parametrize("size", long_but([(192, 256)], [(192, 256), (224, 224), (224, 448), (97, 231)]))
def test_equals_transformers_where_the_last_map_is_no_larger_than_the_window(size, rng):
    model, images = redrawn(backbone=WINDOW_7), rng.standard_normal((2, 3, *size))
    assert_matches(model(images), torch_scores(model, images), MODEL_TOLERANCE)


def test_float32_errs_as_rounding_does(rng):
    images = rng.standard_normal((1, 3, 64, 96), np.float32)
    assert_model_rounds_as_float32(redrawn(), lambda model: model(images.astype(model.dtype)))


def test_learned_parameters_are_those_that_transformers_uses():
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from oracle.upernet_twin import UNUSED

    with torch.device("meta"):
        twin = transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
            backbone_config=transformers.SwinConfig(out_features=["stage1", "stage2", "stage3", "stage4"]),
            use_auxiliary_head=False, num_labels=150))
    ours = UPerNet.random(UPerNetConfig(SwinConfig()), seed=None)
    assert ours.parameter_count() == sum(p.numel() for name, p in twin.named_parameters() if not name.endswith(UNUSED))


def test_the_batch_does_not_mix(rng):
    model, images = redrawn(), rng.standard_normal((2, 3, 64, 96))
    assert_matches(model(images[1:]), model(images)[1:], MODEL_TOLERANCE)


def test_wrong_maps_are_refused_in_a_sentence(rng):
    head = UPerHead.random((4, 8), 3, 6)
    with pytest.raises(ShapeError, match=r"this head is for maps with \[4, 8\] channels"):
        head([rng.standard_normal((1, 8, 8, 8), np.float32), rng.standard_normal((1, 4, 4, 4), np.float32)])

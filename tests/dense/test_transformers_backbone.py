"""The maps of transformers' SwinBackbone and of MaskFormer's Swin, where maps are large, small, one window, odd."""

from dataclasses import replace

import numpy as np
import pytest

from swin_np import MMDETECTION, SHAPE_POLICIES, TRANSFORMERS, TRANSFORMERS_BACKBONE, SwinConfig
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.dense.backbones import DenseModel
from swin_np.dense.segmentation import UPerNet, UPerNetConfig
from swin_np.errors import ShapeError
from swin_np.layers import redraw
from swin_np.systems.registry import SYSTEMS
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches, largest_difference

torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")

CONFIG = SwinConfig(224, 4, embed_dim=8, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 4), window_size=7,
                    shape_policy=TRANSFORMERS_BACKBONE)
SIZES = [(192, 256), (224, 224), (224, 448), (448, 224), (97, 231), (64, 30), (9, 500)]
"""In pixels; the last maps are 6x8, 7x7, 7x14, 14x7, 4x8, 2x1 and 1x16."""
STAGES = ["stage1", "stage2", "stage3", "stage4"]


def settings() -> dict[str, object]:
    return {"image_size": 224, "patch_size": 4, "embed_dim": 8, "depths": [2, 2, 2, 2], "num_heads": [1, 2, 4, 4],
            "window_size": 7, "out_features": STAGES}


def swin_backbone(state: dict[str, np.ndarray]):
    twin = transformers.SwinBackbone(transformers.SwinConfig(**settings(), attn_implementation="sdpa"))
    names = from_official({name.removeprefix("backbone."): value for name, value in state.items()
                           if name.startswith("backbone.")}, DIALECTS["transformers"])
    names |= {f"hidden_states_norms.stage{int(name[6]) + 1}{name[7:]}": value for name, value in state.items()
              if name.startswith("norms.")}
    return filled(twin, names)


def maskformer_swin(state: dict[str, np.ndarray]):
    twin = transformers.MaskFormerSwinBackbone(transformers.MaskFormerSwinConfig(**settings()))
    names = from_official({name.removeprefix("backbone."): value for name, value in state.items()
                           if name.startswith("backbone.")}, DIALECTS["transformers-files"])
    names = {name.replace("swin.", "model.", 1): value for name, value in names.items()}
    names |= {f"hidden_states_{name}": value for name, value in state.items() if name.startswith("norms.")}
    return filled(twin, names)


def filled(twin, state: dict[str, np.ndarray]):
    """The twin with these numbers; only its own last norm, which no map passes, keeps others."""
    missing, unexpected = twin.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()},
                                               strict=False)
    assert not unexpected and all("layernorm." in name or "relative_position_index" in name for name in missing)
    return twin.double().eval()


def redrawn(policy=TRANSFORMERS_BACKBONE) -> DenseModel:
    model = UPerNet.random(UPerNetConfig(replace(CONFIG, shape_policy=policy), 3, 4))
    redraw(model, 4)
    return model.astype(np.float64)


@pytest.mark.parametrize("size", long_but([(224, 224), (97, 231)], SIZES))
@pytest.mark.parametrize("twin", [swin_backbone, maskformer_swin])
def test_every_map_equals_theirs(twin, size, rng):
    model, images = redrawn(), rng.standard_normal((2, 3, *size))
    with torch.inference_mode():
        theirs = twin(model.state_dict())(torch.from_numpy(images)).feature_maps
    for ours, other in zip(model.feature_maps(images), theirs, strict=True):
        assert_matches(ours.transpose(0, 3, 1, 2), other.numpy(), MODEL_TOLERANCE)


def test_one_of_their_models_has_no_memory_of_other_sizes(rng):
    """Their classifiers remember a clamped window; a backbone never clamps."""
    model = redrawn()
    twin = swin_backbone(model.state_dict())
    for size in ((64, 64), (224, 448), (64, 64)):
        images = rng.standard_normal((1, 3, *size))
        with torch.inference_mode():
            last = twin(torch.from_numpy(images)).feature_maps[-1].numpy()
        assert_matches(model.feature_maps(images)[-1].transpose(0, 3, 1, 2), last, MODEL_TOLERANCE)


@pytest.mark.parametrize("size", [(224, 224), (224, 448)])
def test_the_policy_of_their_classifiers_gives_other_maps(size, rng):
    images = rng.standard_normal((1, 3, *size))
    ours, others = redrawn().feature_maps(images)[-1], redrawn(TRANSFORMERS).feature_maps(images)[-1]
    assert largest_difference(ours, others) > 1e-3
    with pytest.raises(ShapeError):
        redrawn(TRANSFORMERS).feature_maps(rng.standard_normal((1, 3, 192, 256)))


def test_the_policy_is_mmdetections_under_a_name_of_its_own():
    assert replace(TRANSFORMERS_BACKBONE, name="mmdetection") == MMDETECTION
    assert SHAPE_POLICIES["transformers-backbone"] is TRANSFORMERS_BACKBONE
    assert SYSTEMS["upernet_swin_t"].backbone.shape_policy is TRANSFORMERS_BACKBONE

"""The U-Net-style decoder against PyTorch, on the maps of every kind of backbone."""

import numpy as np
import pytest

from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.dense.segmentation import UNet, UNetConfig
from swin_np.dense.unet import UNetDecoder, up_convolution
from swin_np.errors import ShapeError
from swin_np.layers import redraw
from swin_np.variants import SwinConfig
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

CHANNELS = (4, 6, 12)
SIZES = ((13, 22), (7, 11), (4, 6))


def redrawn(dtype: type = np.float64) -> UNetDecoder:
    model = UNetDecoder.random(CHANNELS, 5)
    redraw(model, 2)
    return model.astype(dtype)


def draw_maps(rng, dtype: type = np.float64) -> list[np.ndarray]:
    return [rng.standard_normal((2, *size, c)).astype(dtype) for size, c in zip(SIZES, CHANNELS, strict=True)]


def torch_scores(model: UNetDecoder, maps: list[np.ndarray]) -> np.ndarray:
    """The expansive path from PyTorch's own functions."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    state = {name: torch.from_numpy(value.copy()) for name, value in model.state_dict().items()}
    *skips, x = (torch.from_numpy(x).permute(0, 3, 1, 2) for x in maps)
    for i, skip in enumerate(skips[::-1]):
        name = f"up_blocks.{i}"
        x = functional.conv_transpose2d(x, state[f"{name}.up.weight"], state[f"{name}.up.bias"], stride=2)
        x = torch.cat([skip, x[:, :, :skip.shape[2], :skip.shape[3]]], 1)
        for j in range(2):
            norm = [state[f"{name}.convs.{j}.batch_norm.{part}"]
                    for part in ("running_mean", "running_var", "weight", "bias")]
            x = functional.conv2d(x, state[f"{name}.convs.{j}.conv.weight"], padding=1)
            x = torch.relu(functional.batch_norm(x, *norm, eps=1e-5))
    return functional.conv2d(x, state["classifier.weight"], state["classifier.bias"]).permute(0, 2, 3, 1).numpy()


def test_up_convolution_equals_pytorchs_transposed_convolution(rng):
    torch = pytest.importorskip("torch")
    x, weight, bias = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((4, 6, 2, 2)), rng.standard_normal(6)
    theirs = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(weight), torch.from_numpy(bias), stride=2)
    assert_matches(up_convolution(x, weight, bias), theirs.permute(0, 2, 3, 1).numpy())


def test_equals_pytorch_at_odd_sizes(rng):
    model, maps = redrawn(), draw_maps(rng)
    assert_matches(model(maps), torch_scores(model, maps), MODEL_TOLERANCE)


def test_float32_errs_as_rounding_does(rng):
    maps = draw_maps(rng, np.float32)
    assert_model_rounds_as_float32(redrawn(), lambda model: model([x.astype(model.dtype) for x in maps]))


def test_a_map_that_is_not_half_as_large_is_refused(rng):
    maps = draw_maps(rng)
    with pytest.raises(ShapeError, match="a 3x6 map lies below one of 7x11"):
        redrawn()([*maps[:2], maps[2][:, :3]])


@pytest.mark.parametrize("backbone", [
    SwinConfig((64, 96), embed_dim=8, depths=(1, 2, 1, 1), num_heads=(1, 2, 2, 4), window_size=4),
    ResNetConfig(layers=(1, 1, 1, 1), inplanes=8), Res2NetConfig(layers=(1, 1, 1, 1), inplanes=16),
], ids=lambda backbone: type(backbone).__name__)
def test_scores_every_pixel_on_any_hierarchical_backbone(backbone, rng):
    scores = UNet.random(UNetConfig(backbone, 7))(rng.standard_normal((2, 3, 64, 96), np.float32))
    assert scores.shape == (2, 7, 64, 96)
    assert scores.dtype == np.float32

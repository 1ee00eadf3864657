"""Notebook 7: a whole Swin Transformer (Fig. 3a), and what Res2Net does inside one block (Gao et al., Eq. 1)."""

import numpy as np

from swin_np.baselines.res2net import Bottle2neck
from swin_np.convolution.layers import BatchNorm2d, Conv2d
from swin_np.exercises.exercise import DATA, Arguments, exercise, official
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MICROSOFT
from swin_np.variants import SwinConfig


def drawn_model(rng: np.random.Generator, config: SwinConfig, batch: int) -> Arguments:
    """Images and large random weights for a model of this configuration."""
    model = SwinTransformer.random(config, seed=None)
    redraw(model, int(rng.integers(2 ** 32)))
    state = {name: value.astype(np.float64) for name, value in model.state_dict().items()}
    images = rng.standard_normal((batch, config.in_chans, *config.img_size))
    return images, state, config.depths, config.num_heads, config.window(0)[0]


def model_and_images(rng: np.random.Generator) -> Arguments:
    """A small model of two stages; in some, the second stage has one window on its shorter side."""
    window, heads, d = int(rng.choice([2, 3, 3])), int(rng.integers(2, 4)), int(rng.integers(2, 4))
    size = 4 * window * rng.permutation([1, 2, 3])[:2]                  # 1: the merged map is as high as a window
    config = SwinConfig(tuple(map(int, size)), patch_size=2, num_classes=int(rng.integers(3, 7)), embed_dim=heads * d,
                        depths=(2, int(rng.integers(2, 4))), num_heads=(heads, 2 * heads), window_size=window,
                        mlp_ratio=2.0, shape_policy=MICROSOFT)
    return drawn_model(rng, config, batch=2)


def smallest_model() -> Arguments:
    """Two stages on maps of 6 x 12 and 3 x 6 tokens, the second without a shift."""
    config = SwinConfig((6, 12), patch_size=1, in_chans=1, num_classes=3, embed_dim=4, depths=(2, 2), num_heads=(2, 2),
                        window_size=3, mlp_ratio=2.0, shape_policy=MICROSOFT)
    return drawn_model(np.random.default_rng(6), config, batch=1)


def official_model() -> tuple[Arguments, Array]:
    """Weights, images and logits of a small model that the official code has run; its image is 32 x 64."""
    with np.load(DATA / "official_second_stage.npz") as stored:
        arrays = {**official(""), **{name: stored[name].astype(np.float64) for name in stored.files}}
    state = {name: value for name, value in arrays.items()
             if name != "images" and not name.startswith("output/") and not name.endswith("attn_mask")}
    return (arrays["images"], state, (2, 2), (2, 4), 4), arrays["output/logits"]


@exercise("A whole Swin Transformer", place="section 3.1, Fig. 3a", points=6, minutes=30, toy=smallest_model,
          draw=model_and_images, golden=official_model, seconds=20.0,
          mistakes=("shift-of-a-single-window", "no-shift", "shift-in-every-block", "shift-in-the-other-blocks",
                    "shift-rounded-up", "pool-before-the-norm", "final-norm-left-out", "first-token-for-the-mean",
                    "maximum-for-the-mean", "softmax-in-the-model", "patch-norm-left-out", "merging-norm-left-out",
                    "merge-row-major", "no-mask", "no-reverse-roll"))
def swin_transformer(images: Array, state: dict[str, Array], depths: tuple[int, ...], heads: tuple[int, ...],
                     window: int) -> Array:
    """Images (B, 3, H, W) and the weights in the official names -> class scores (B, classes)."""
    classes, embedding = len(state["head.bias"]), state["patch_embed.proj.weight"]
    config = SwinConfig(
        images.shape[2:], patch_size=embedding.shape[2:], in_chans=images.shape[1], num_classes=classes,
        embed_dim=len(embedding), depths=depths, num_heads=heads, window_size=window, shape_policy=MICROSOFT)
    model = SwinTransformer.random(config, seed=None)
    model.place(state)
    return model(images)


def map_and_kernels(rng: np.random.Generator) -> Arguments:
    """A map of s splits and s - 1 kernels."""
    scale, width = int(rng.integers(3, 6)), int(rng.integers(2, 5))
    h, w = map(int, rng.permutation([3, 4, 5, 6])[:2])
    kernels = tuple(rng.standard_normal((width, width, 3, 3)) * (9 * width) ** -0.5 for _ in range(scale - 1))
    return rng.standard_normal((2, h, w, scale * width)), kernels


def four_splits_of_one_channel() -> Arguments:
    """A map of 2 x 3 pixels; the kernels look at the pixel itself and at the one before it, in the row or above."""
    kernels = np.zeros((3, 1, 1, 3, 3))
    kernels[:, :, :, 1, 1] = 1.0
    kernels[1, :, :, 1, 0] = 10.0
    kernels[2, :, :, 0, 1] = 100.0
    return np.arange(24.0).reshape(1, 2, 3, 4) % 7 - 3, tuple(kernels)


def one_pixel() -> tuple[Arguments, Array]:
    """Kernels that pass on what they get: then y_3 is ReLU(3 + 2), y_4 is ReLU(-6 + 5), and y_5 is ReLU(4 + 0)."""
    kernel = np.zeros((1, 1, 3, 3))
    kernel[0, 0, 1, 1] = 1.0
    splits, results = [-1.0, 2.0, 3.0, -6.0, 4.0], [-1.0, 2.0, 5.0, 0.0, 4.0]
    return (np.array([[[splits]]]), (kernel,) * 4), np.array([[[results]]])


@exercise("The ladder of Res2Net", place="section 3.1, Eq. 1 of the Res2Net paper", points=3, minutes=20,
          toy=four_splits_of_one_channel, draw=map_and_kernels, golden=one_pixel,
          mistakes=("ladder-from-the-first-split", "ladder-without-rungs", "ladder-of-inputs",
                    "ladder-added-after-the-convolution", "last-split-passed-on", "relu-left-out"))
def res2net_ladder(x: Array, kernels: tuple[Array, ...]) -> Array:
    """(B, H, W, s width) and s - 1 kernels (width, width, 3, 3) -> (B, H, W, s width)."""
    width = len(kernels[0])
    one = np.ones(width, x.dtype)
    block = Bottle2neck(None, None, [Conv2d(kernel, None, padding=(1, 1)) for kernel in kernels],
                        [BatchNorm2d(one, 0 * one, 0 * one, one, eps=0.0) for _ in kernels], None, None, None, None)
    code_order = np.roll(x, -width, axis=-1)           # the official code passes the last split on, Eq. 1 the first
    return np.roll(block.multi_scale(code_order), width, axis=-1)

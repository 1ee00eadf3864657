"""Notebook 7: a whole Swin Transformer (Fig. 3a), and Res2Net's block (Gao et al., Eq. 1 and Fig. 2)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from swin_np.baselines.res2net import Bottle2neck
from swin_np.convolution.layers import AvgPool2d, BatchNorm2d, Conv2d
from swin_np.exercises.covering import Condition, alike, maps, one
from swin_np.exercises.exercise import DATA, Arguments, exercise, of_other_systems, official
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
    """A small model of three stages; in some, one or two of them have one window on the shorter side."""
    window, d = int(rng.choice([2, 3, 4, 5])), int(rng.integers(1, 4))
    heads = tuple(map(int, rng.choice([1, 2], 3)))
    patch = int(rng.integers(1, 3))
    sides = rng.permutation([1, 2, 3] if window < 4 else [1, 2])[:2]    # of the last map, in windows
    config = SwinConfig(tuple(map(int, 4 * patch * window * sides)), patch_size=patch,
                        num_classes=int(rng.integers(3, 7)), embed_dim=2 * d, depths=tuple(map(int, rng.permutation(
                            [1, 2, 4] if rng.integers(2) else [2, 3, 4]))), num_heads=heads, window_size=window,
                        mlp_ratio=2.0, shape_policy=MICROSOFT)
    return drawn_model(rng, config, batch=int(rng.integers(2, 5)))


def stages(images: Array, state: dict[str, Array], depths: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Height, width and depth of every stage."""
    patch = state["patch_embed.proj.weight"].shape[2]
    h, w = (side // patch for side in images.shape[2:])
    return [(h >> i, w >> i, depth) for i, depth in enumerate(depths)]


def stage(holds: Callable[[int, int, int, int, int], Any]) -> Condition:
    """That a stage of one draw has it. holds: is given the stage's number, height, width, depth, and M."""
    return one(lambda images, state, depths, window: any(
        holds(i, *each, window) for i, each in enumerate(stages(images, state, depths))))


def odd_before_a_shift(images: Array, state: dict[str, Array], depths: tuple[int, ...], window: int) -> bool:
    """Whether blocks that are counted on through the stages would shift in the wrong ones."""
    found = stages(images, state, depths)
    return any(sum(depths[:i]) % 2 and min(h, w) > window for i, (h, w, _) in enumerate(found))


def few_channels(images: Array, state: dict[str, Array], depths: tuple[int, ...], window: int) -> bool:
    """Whether a stage that shifts has no more channels than a window is wide."""
    channels = len(state["patch_embed.proj.weight"])
    return any(channels << i <= window < min(h, w) and depth > 1
               for i, (h, w, depth) in enumerate(stages(images, state, depths)))


def first_shifted(images: Array, state: dict[str, Array], depths: tuple[int, ...], window: int) -> Any:
    """The sides of the first map, in their order of size, and M, where blocks of the first stage shift."""
    (h, w, depth), *_ = stages(images, state, depths)
    return (*sorted([h, w]), window) if depth > 1 else None


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
          covers={**maps("images", height=2, what="image"), "three stages": one(lambda depths: len(depths) == 3),
                  "a first depth other than 2": one(lambda depths: depths[0] != 2),
                  "a later stage that shifts": stage(lambda i, h, w, depth, m: i > 0 and depth > 1 and min(h, w) > m),
                  "a last stage that shifts": stage(lambda i, h, w, depth, m: i == 2 and depth > 1 and min(h, w) > m),
                  "a stage that shifts twice": stage(lambda i, h, w, depth, m: depth >= 4 and min(h, w) > m),
                  "an odd depth before a stage that shifts": one(odd_before_a_shift),
                  "a stage that shifts, of fewer channels than M": one(few_channels),
                  "a stage of one row of windows, with two blocks, M of 3 or more":
                  stage(lambda i, h, w, depth, m: depth > 1 and 2 < m == h < w),
                  "a stage of one column of windows, with two blocks, M of 3 or more":
                  stage(lambda i, h, w, depth, m: depth > 1 and 2 < m == w < h),
                  "another number of images than of stages": one(lambda images, depths: len(images) != len(depths)),
                  "M = 4, or a larger one": one(lambda window: window > 3), "an odd M": one(lambda window: window % 2),
                  "a map upright and lying that is shifted":
                  alike(first_shifted, lambda images, state, depths: stages(images, state, depths)[0][:2]),
                  "rows of all images that W does not divide":
                  one(lambda images: len(images) * images.shape[2] % images.shape[3])},
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
          covers={**maps("x"), "three splits": one(lambda kernels: len(kernels) == 2),
                  "five splits": one(lambda kernels: len(kernels) == 4),
                  "a number of splits other than their width":
                  one(lambda kernels: len(kernels) + 1 != len(kernels[0]))},
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


def map_and_block(rng: np.random.Generator) -> Arguments:
    """A map and the weights of a block of s splits: one in the middle of a stage, or the first with a stride."""
    scale, width, inputs = map(int, rng.integers((2, 2, 3), (6, 5, 7)))
    first = bool(rng.integers(3))
    stride, outputs = (int(rng.integers(1, 4)), int(rng.integers(3, 9))) if first else (1, inputs)
    shapes = {"conv1": (scale * width, inputs, 1, 1), "conv3": (outputs, scale * width, 1, 1),
              **{f"convs.{i}": (width, width, 3, 3) for i in range(scale - 1)}}
    if first:
        shapes["downsample"] = (outputs, inputs, 1, 1)
    weights = {}
    for name, shape in shapes.items():
        weights[f"{name}.weight"] = rng.standard_normal(shape) * (shape[1] * shape[2] * shape[3]) ** -0.5
        weights[f"{name}.bias"] = rng.standard_normal(shape[0]) / 2
    h, w = map(int, rng.permutation(np.arange(3, 9))[:2])
    return rng.standard_normal((2, h, w, inputs)), weights, scale, stride


def smallest_first_block() -> Arguments:
    """A map of 2 x 3 pixels and two channels; two splits of one channel, the first block of a stage, stride 2."""
    kernel = np.zeros((1, 1, 3, 3))
    kernel[0, 0, 1] = [10.0, 1.0, 0.0]
    one_by_one = {"conv1": [[1.0, 0.0], [0.0, 1.0]], "conv3": [[1.0, 0.0], [0.0, 9.0]],
                  "downsample": [[0.0, 1.0], [1.0, 0.0]]}
    weights = {f"{name}.weight": np.array(value)[:, :, None, None] for name, value in one_by_one.items()}
    return (np.arange(12.0).reshape(1, 2, 3, 2) % 5, {
        **weights, "convs.0.weight": kernel, "conv1.bias": np.zeros(2), "convs.0.bias": np.array([-1.0]),
        "conv3.bias": np.zeros(2), "downsample.bias": np.array([0.0, 100.0])}, 2, 2)


def block_by_timm() -> tuple[Arguments, Array]:
    """A first block with stride 2 of timm, its batch norms folded into the convolutions."""
    found = of_other_systems("res2net")
    x, output = found.pop("x"), found.pop("output")
    return (x, found, 4, 2), output


def is_first(weights: dict[str, Array]) -> bool:
    """Whether these are the weights of the first block of a stage."""
    return "downsample.weight" in weights


@exercise("Res2Net's block", place="section 3.1, Fig. 2 of the Res2Net paper", points=5, minutes=30,
          toy=smallest_first_block, draw=map_and_block, golden=block_by_timm, seconds=10.0,
          covers={**maps("x"), "a block in the middle of a stage, of four splits or more":
                  one(lambda weights, scale: not is_first(weights) and scale > 3),
                  "a first block of stride 1, of three splits or more":
                  one(lambda weights, scale, stride: is_first(weights) and stride == 1 and scale > 2),
                  "a stride of 2 on odd and even sides":
                  one(lambda x, stride: stride == 2 and sum(x.shape[1:3]) % 2),
                  "a stride of 2 with three splits or more": one(lambda scale, stride: stride == 2 and scale > 2),
                  "a stride of 3": one(lambda stride: stride == 3),
                  "two splits": one(lambda scale: scale == 2), "five splits": one(lambda scale: scale == 5),
                  "a number of splits other than their width":
                  one(lambda weights, scale: len(weights["convs.0.bias"]) != scale > 2),
                  "another number of channels out than in": one(
                      lambda x, weights: len(weights["conv3.bias"]) != x.shape[3])},
          mistakes=("splits-not-added", "inputs-of-splits-added", "splits-added-after-the-convolution",
                    "passed-split-added", "first-split-passed-on", "passed-split-put-first", "splits-interleaved",
                    "splits-in-reverse", "splits-added-in-the-first-block", "first-block-not-averaged",
                    "padding-not-counted", "largest-for-the-average", "subsampled-for-averaged",
                    "split-relus-left-out", "relu-behind-conv1-left-out", "relu-before-the-addition",
                    "relu-after-the-addition-left-out", "shortcut-left-out"))
def res2net_block(x: Array, weights: dict[str, Array], scale: int, stride: int) -> Array:
    """(B, H, W, C) -> (B, H/stride, W/stride, C'): Fig. 2b, with the batch norms folded into the convolutions."""
    def convolution(name: str, stride: int = 1) -> Conv2d:
        weight = weights[f"{name}.weight"]
        return Conv2d(weight, weights[f"{name}.bias"], (stride, stride), (weight.shape[2] // 2, weight.shape[3] // 2))

    def nothing(name: str) -> BatchNorm2d:
        one, zero = np.ones_like(weights[f"{name}.bias"]), np.zeros_like(weights[f"{name}.bias"])
        return BatchNorm2d(one, zero, zero, one, eps=0.0)

    names, first = [f"convs.{i}" for i in range(scale - 1)], is_first(weights)
    block = Bottle2neck(
        convolution("conv1"), nothing("conv1"), [convolution(name, stride) for name in names],
        [nothing(name) for name in names], AvgPool2d(3, stride, 1) if first else None, convolution("conv3"),
        nothing("conv3"), [convolution("downsample", stride)] if first else None)
    return block(x)

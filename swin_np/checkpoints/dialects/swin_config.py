"""The configuration of a Swin Transformer, a V2 or a Swin-Mixer: what their shapes tell alike, and what fits them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.attention import relative_position_index
from swin_np.baselines.swin_v2 import SwinV2Config, log_spaced_coordinates
from swin_np.checkpoints.dialects.dialect import State
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.reader import NAMED_AT_MOST, Translated, block_counts, classes, mlp_ratio, with_axes
from swin_np.checkpoints.resizing import resize_window
from swin_np.errors import CheckpointError, SwinError
from swin_np.functional import Array, Size, pair
from swin_np.systems.registry import layer_costs
from swin_np.variants import SwinConfig
from swin_np.windows import shifted_window_mask

INDEX, COORDINATES, MASK = "attn.relative_position_index", "attn.relative_coords_table", "attn_mask"
BUFFER_TOLERANCE = 2.0**-8                             # of coordinates, relative: files in bfloat16 round them too


def depths_of(state: State) -> list[int]:
    """How many blocks each stage has."""
    found = block_counts(state, r"layers\.(\d+)\.blocks\.(\d+)\.")
    return [found[str(stage)] for stage in range(len(found))]


def shared_fields(found: Translated, told_by: dict[str, int]) -> dict[str, object]:
    """The fields of the configuration that do not depend on the window.

    told_by: the heads of every stage, by the name of the parameter that tells them.
    """
    state, wanted = found.state, found.request.num_heads
    patch, depths = with_axes(state, "patch_embed.proj.weight", 4).shape, depths_of(state)
    found.reader.refuse([f"{name} has {number} heads, which do not divide {patch[0] * 2**stage} channels"
                         for stage, (name, number) in enumerate(told_by.items()) if patch[0] * 2**stage % number])
    heads = tuple(told_by.values())
    if wanted is not None and tuple(wanted) != heads:
        raise CheckpointError(f"its shapes are for {heads} heads, and {tuple(wanted)} were asked for: leave num_heads "
                              "out")
    widest, channels = f"layers.{len(depths) - 1}.blocks.0.mlp.fc1.weight", patch[0] * 2 ** (len(depths) - 1)
    hidden, inputs = with_axes(state, widest, 2).shape
    found.reader.refuse([f"{widest} has {inputs} inputs, and that stage {channels} channels"]
                        if inputs != channels else [])
    return {"patch_size": patch[2:], "in_chans": patch[1], "embed_dim": patch[0], "num_classes": classes(state, "head"),
            "depths": depths, "num_heads": heads, "mlp_ratio": mlp_ratio(hidden, channels),
            "ape": "absolute_pos_embed" in state, "patch_norm": "patch_embed.norm.weight" in state,
            "shape_policy": found.dialect.shape_policy}


def fitting_config(found: Translated, fields: dict[str, object], windows: Sequence[tuple[int, int]],
                   sides: Sequence[int]) -> SwinConfig:
    """The configuration with these fields, a window and an image size, that the parameters and buffers fit.

    windows: those that the shapes allow, the squarest first. sides: of each stage's own window, which is smaller where
    it was clamped to the map. Raises CheckpointError if nothing fits, or more than one answer does.
    """
    wanted, told = found.request.image_size, found.request.told
    masked = any(name.endswith(MASK) for name in found.buffers)
    if wanted is not None and masked:
        unasked = replace(found, request=replace(found.request, image_size=None), notes=[])
        own = fitting_config(unasked, fields, windows, sides)
        found = without_masks(found)
        if own.img_size != pair(wanted):
            if told and told.fields.get("img_size") == wanted:
                raise CheckpointError(f"its {told.file} says img_size {wanted}, and its masks are for {own.img_size}: "
                                      f"give the {told.file} that belongs to it")
            found.notes.append(f"The file is for {own.img_size[0]}x{own.img_size[1]} images, its masks were left out.")
    positions = with_axes(found.state, "absolute_pos_embed", 3).shape[1] if fields["ape"] else None
    fitting, problems = [], []
    for window, image in candidates(windows, sides, found.buffers, positions, fields["patch_size"], wanted):
        try:
            config = found.reader.architecture.config(img_size=image, window_size=window, **fields)
            layer_costs(config)                        # ShapeError if the model takes no image of this size
            found.reader.model_around(config, found.state, None)
            found.reader.refuse(wrong_buffers(config, found.buffers))
        except SwinError as error:
            problems.append(str(error))
            continue
        fitting.append(config)
        if plain(config, wanted):
            break
    if not fitting:
        raise CheckpointError(problems[0] if problems else "no window and no image size have weights of its shapes: "
                              "the file is damaged, get it again")
    config = fitting[-1]
    if len(fitting) > 1 and not plain(config, wanted):
        choices = " or ".join(f"image {c.img_size} with window {c.window_size}" for c in fitting[:NAMED_AT_MOST])
        raise CheckpointError(f"it could be for {choices}, and nothing in it tells which: give image_size, or in "
                              "swin_np.load the config")
    if wanted is None and positions is None and not masked:
        note = f"The image size is not in the file: {config.img_size[0]}x{config.img_size[1]} was assumed."
        # a model that takes images of any size gives the same numbers, whatever it is configured for
        found.notes.append(Assumption(note) if config.shape_policy.image == "fixed" else note)
    return config


def plain(config: SwinConfig, image_size: Size | None) -> bool:
    """Whether nobody would look for another answer: a square window, and a square image if none was asked for."""
    return len({*config.window_size}) == 1 and (image_size is not None or len({*config.img_size}) == 1)


def candidates(windows: Sequence[tuple[int, int]], sides: Sequence[int], buffers: State, positions: int | None,
               patch: tuple[int, int], image_size: Size | None) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(window, image size) pairs that could be the configured ones, the squarest first.

    The image size is the one given; or follows from the number of embedded positions or of a mask's windows;
    or is the one for which all maps are multiples of the window; or follows from a window that is smaller than the
    largest, since it was clamped to the map.
    """
    masks = [(int(name.split(".")[1]), len(mask)) for name, mask in buffers.items()
             if name.endswith(MASK) and mask.ndim]
    for window in windows:
        if positions is not None:
            maps = [(0, size) for size in factors(positions)]
        elif masks and masks[0][0] < len(sides):
            stage, count = masks[0]
            maps = [(stage, (a * window[0], b * window[1])) for a, b in factors(count)]
        else:
            clamped = [(stage, pair(side)) for stage, side in enumerate(sides) if side < min(window)]
            maps = [(len(sides) - 1, window), *clamped]
        images = [tuple(side * p * 2**stage for side, p in zip(size, patch, strict=True)) for stage, size in maps]
        yield from ((window, image) for image in (images if image_size is None else [pair(image_size)]))


def factors(number: int) -> Iterator[tuple[int, int]]:
    """All (a, b) with a b = number, those with the nearest a and b first."""
    for a in range(math.isqrt(number), 0, -1):
        if number % a == 0:
            yield from dict.fromkeys([(a, number // a), (number // a, a)])


def wrong_buffers(config: SwinConfig, buffers: State) -> list[str]:
    """What is wrong with the derived buffers: all must follow from the configuration, and no mask be left out."""
    expected = {}                                      # name: (number of elements, what computes it)
    half = tuple(side // 2 for side in config.window_size)
    for i, size in enumerate(config.map_sizes()):
        table_window = config.shape_policy.table_window(size, config.window_size)
        window, shift = config.shape_policy.window_and_shift(size, config.window_size, half)
        padded = tuple(side + -side % of for side, of in zip(size, window, strict=True))
        index = math.prod(table_window) ** 2, partial(relative_position_index, table_window)
        mask = math.prod(padded) * math.prod(window), partial(shifted_window_mask, padded, window, shift)
        for j in range(config.depths[i]):
            block = f"layers.{i}.blocks.{j}"
            expected[f"{block}.{INDEX}"] = index
            if isinstance(config, SwinV2Config):
                expected[f"{block}.{COORDINATES}"] = 2 * math.prod(2 * side - 1 for side in table_window), partial(
                    log_spaced_coordinates, table_window, config.pretrained_window(i, table_window))
            if j % 2 and any(shift):
                expected[f"{block}.{MASK}"] = mask
    problems = []
    for name, value in buffers.items():
        count, compute = expected.get(name, (-1, None))
        tolerance = BUFFER_TOLERANCE if name.endswith(COORDINATES) else 0
        if value.size != count or not follows(value.ravel(), compute, tolerance):
            problems.append(f"{name} {value.shape} is not what follows from window {config.window_size} and image "
                            f"{config.img_size}")
    if any(name.endswith(MASK) for name in buffers):
        problems += [f"{name} is missing" for name in expected if name.endswith(MASK) and name not in buffers]
    return problems


def follows(value: Array, compute: partial, tolerance: float) -> bool:
    """Whether a stored buffer (n,) is what `compute` gives, in no more memory than the largest stored one would take.

    No implementation stores a buffer in single bytes. A mask or an index that does not fit is forgotten again, since
    the next configuration that could be meant asks for another.
    """
    if value.itemsize == 1:
        return False
    if tolerance:
        return np.allclose(value, compute().ravel(), rtol=tolerance, atol=0)
    same = np.array_equal(value, compute().ravel())
    if not same:
        compute.func.cache_clear()
    return same


def without_masks(found: Translated) -> Translated:
    """The same without the masks, which are perhaps for another image size."""
    return replace(found, buffers={name: value for name, value in found.buffers.items() if not name.endswith(MASK)})


def fits(config: SwinConfig, found: Translated) -> bool:
    """Whether parameters and buffers but masks are a model of this configuration."""
    try:
        found.reader.model_around(config, found.state, None)
    except CheckpointError:
        return False
    return not wrong_buffers(config, without_masks(found).buffers)


def fit(config: SwinConfig, found: Translated) -> State:
    """The parameters for a model of `config`: as they are if they fit, and else with resized tables and positions."""
    if fits(config, found):
        return found.state
    wanted = replace(found.request, num_heads=found.request.num_heads or config.num_heads)
    return resize_window(found.state, found.reader.infer(replace(found, request=wanted)), config)

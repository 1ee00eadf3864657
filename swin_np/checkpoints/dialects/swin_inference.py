"""The configuration of a Swin Transformer, a V2 or a Swin-Mixer: what their shapes tell alike, and what fits them."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from swin_np.attention import relative_position_index
from swin_np.baselines.swin_v2 import SwinV2Config, log_spaced_coordinates
from swin_np.checkpoints.dialects.swin import Dialect, State
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.readers import NAMED_AT_MOST, Request, System, mlp_ratio, with_axes
from swin_np.checkpoints.resizing import resize_window
from swin_np.errors import CheckpointError, SwinError
from swin_np.functional import Array, Size, pair
from swin_np.model import SwinConfig
from swin_np.systems.registry import layer_costs
from swin_np.windows import shifted_window_mask

INDEX, COORDINATES, MASK = "attn.relative_position_index", "attn.relative_coords_table", "attn_mask"
BUFFER_TOLERANCE = 2.0**-8                             # relative: files in bfloat16 round their coordinates too


def depths_of(state: State) -> list[int]:
    """How many blocks each stage has."""
    blocks = {tuple(name.split(".")[1:4:2]) for name in state if re.match(r"layers\.\d+\.blocks\.\d+\.", name)}
    found = Counter(stage for stage, _ in blocks)
    return [found[str(stage)] for stage in range(len(found))]


def shared_fields(system: System, state: State, told_by: dict[str, int], dialect: Dialect,
                  wanted: Request) -> dict[str, object]:
    """The fields of the configuration that do not depend on the window.

    told_by: the heads of every stage, by the name of the parameter that tells them.
    """
    patch, depths = with_axes(state, "patch_embed.proj.weight", 4).shape, depths_of(state)
    system.refuse([f"{name} has {number} heads, which do not divide {patch[0] * 2**stage} channels"
                   for stage, (name, number) in enumerate(told_by.items()) if patch[0] * 2**stage % number])
    heads = tuple(told_by.values())
    if wanted.num_heads is not None and tuple(wanted.num_heads) != heads:
        raise CheckpointError(f"its shapes are for {heads} heads, and {tuple(wanted.num_heads)} were asked for: "
                              "leave num_heads out")
    widest, channels = f"layers.{len(depths) - 1}.blocks.0.mlp.fc1.weight", patch[0] * 2 ** (len(depths) - 1)
    hidden, inputs = with_axes(state, widest, 2).shape
    system.refuse([f"{widest} has {inputs} inputs, and that stage {channels} channels"] if inputs != channels else [])
    return {"patch_size": patch[2:], "in_chans": patch[1], "embed_dim": patch[0],
            "num_classes": len(with_axes(state, "head.weight", 2)) if "head.weight" in state else 0,
            "depths": depths, "num_heads": heads, "mlp_ratio": mlp_ratio(hidden, channels),
            "ape": "absolute_pos_embed" in state, "patch_norm": "patch_embed.norm.weight" in state,
            "shape_policy": dialect.shape_policy}


def fitting_configuration(system: System, state: State, buffers: State, fields: dict[str, object],
                          windows: Sequence[tuple[int, int]], sides: Sequence[int], wanted: Request,
                          notes: list[str]) -> SwinConfig:
    """The configuration with these fields, a window and an image size, that the parameters and buffers fit.

    windows: those that the shapes allow, the squarest first. sides: of each stage's own window, which is smaller where
    it was clamped to the map. What had to be assumed is added to `notes`. Raises CheckpointError if nothing fits, or
    more than one answer does.
    """
    masked = any(name.endswith(MASK) for name in buffers)
    if wanted.image_size is not None and masked:
        own = fitting_configuration(system, state, buffers, fields, windows, sides,
                                    replace(wanted, image_size=None), [])
        buffers = {name: value for name, value in buffers.items() if not name.endswith(MASK)}
        if own.img_size != pair(wanted.image_size):
            if wanted.told and wanted.told.fields.get("img_size") == wanted.image_size:
                raise CheckpointError(f"its {wanted.told.file} says img_size {wanted.image_size}, and its masks are "
                                      f"for {own.img_size}: give the {wanted.told.file} that belongs to it")
            notes.append(f"The file is for {own.img_size[0]}x{own.img_size[1]} images, its masks were left out.")
    embedding = with_axes(state, "absolute_pos_embed", 3) if fields["ape"] else None
    fitting, problems = [], []
    for window, image in candidates(windows, sides, buffers, embedding, fields["patch_size"], wanted.image_size):
        try:
            config = system.config(img_size=image, window_size=window, **fields)
            layer_costs(config)                        # ShapeError if the model takes no image of this size
            system.model_around(config, state, None)
            system.refuse(wrong_buffers(config, buffers))
        except SwinError as error:
            problems.append(str(error))
            continue
        fitting.append(config)
        if plain(config, wanted.image_size):
            break
    if not fitting:
        raise CheckpointError(problems[0] if problems else "no window and no image size have weights of its shapes: "
                              "the file is damaged, get it again")
    config = fitting[-1]
    if len(fitting) > 1 and not plain(config, wanted.image_size):
        choices = " or ".join(f"image {c.img_size} with window {c.window_size}" for c in fitting[:NAMED_AT_MOST])
        raise CheckpointError(f"it could be for {choices}, and nothing in it tells which: give image_size, or in "
                              "swin_np.load the config")
    if wanted.image_size is None and embedding is None and not masked:
        note = f"The image size is not in the file: {config.img_size[0]}x{config.img_size[1]} was assumed."
        # a model that takes images of any size gives the same numbers, whatever it is configured for
        notes.append(Assumption(note) if config.shape_policy.image == "fixed" else note)
    return config


def plain(config: SwinConfig, image_size: Size | None) -> bool:
    """Whether nobody would look for another answer: a square window, and a square image if none was asked for."""
    return len({*config.window_size}) == 1 and (image_size is not None or len({*config.img_size}) == 1)


def candidates(windows: Sequence[tuple[int, int]], sides: Sequence[int], buffers: State, embedding: Array | None,
               patch: tuple[int, int], image_size: Size | None) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(window, image size) pairs that could be the configured ones, the squarest first.

    The image size is the one given; or follows from the number of positions of the embedding or of windows of a mask;
    or is the one for which all maps are multiples of the window; or follows from a window that is smaller than the
    largest, since it was clamped to the map.
    """
    masks = [(int(name.split(".")[1]), len(mask)) for name, mask in buffers.items()
             if name.endswith(MASK) and mask.ndim]
    for window in windows:
        if embedding is not None:
            maps = [(0, size) for size in factors(embedding.shape[1])]
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
        if value.size != count or not np.allclose(value.ravel(), compute().ravel(), rtol=tolerance(name), atol=0):
            problems.append(f"{name} {value.shape} is not what follows from window {config.window_size} and image "
                            f"{config.img_size}")
    if any(name.endswith(MASK) for name in buffers):
        problems += [f"{name} is missing" for name in expected if name.endswith(MASK) and name not in buffers]
    return problems


def tolerance(name: str) -> float:
    """How far a derived buffer may be from the computed one: coordinates are logarithms, all else is exact."""
    return BUFFER_TOLERANCE if name.endswith(COORDINATES) else 0


def fits(system: System, config: SwinConfig, state: State, buffers: State) -> bool:
    """Whether parameters and buffers are a model of this configuration; masks are for another image size perhaps."""
    try:
        system.model_around(config, state, None)
    except CheckpointError:
        return False
    return not wrong_buffers(config, {name: value for name, value in buffers.items() if not name.endswith(MASK)})


def fit(system: System, config: SwinConfig, state: State, buffers: State, dialect: Dialect, wanted: Request,
        notes: list[str]) -> State:
    """The parameters for a model of `config`: as they are if they fit, and else with resized tables and positions."""
    if fits(system, config, state, buffers):
        return state
    wanted = replace(wanted, num_heads=wanted.num_heads or config.num_heads)
    return resize_window(state, system.infer(state, buffers, dialect, wanted, notes), config)

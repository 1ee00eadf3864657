"""From a checkpoint of any system and dialect to a model: the configuration is read off the shapes of its tensors."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from swin_np.attention import relative_position_index
from swin_np.checkpoints.dialects import (
    DIALECTS,
    Dialect,
    State,
    derived_buffers,
    from_official,
    recognise,
    to_official,
)
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.resizing import resize_window
from swin_np.checkpoints.resnet_dialects import RES2NET, RESNET
from swin_np.checkpoints.systems import NAMED_AT_MOST, Config, Request, System, mlp_ratio, with_axes
from swin_np.checkpoints.vit_dialects import VIT
from swin_np.complexity import layer_costs
from swin_np.errors import CheckpointError, ConfigurationError, SwinError
from swin_np.functional import Array, Size, pair
from swin_np.layers import Module, check_dtype
from swin_np.model import SwinConfig, SwinTransformer
from swin_np.windows import shifted_window_mask

TABLE, INDEX, MASK = "attn.relative_position_bias_table", "attn.relative_position_index", "attn_mask"
BUFFERS = r"layers\.\d+\.blocks\.\d+\.(attn\.relative_position_index|attn_mask)"


@dataclass(frozen=True)
class Identified:
    """What a checkpoint is.

    system: a Swin Transformer, a ViT, ... config: read off the shapes, with what the dialect brings (its shape policy,
    the eps of its norms). state: the parameters in official names, as stored;
    derived buffers were checked and left out. notes: a sentence for each thing unwrapped, set aside or assumed.
    """

    system: System
    dialect: Dialect
    config: Config
    state: State
    notes: list[str]


def load(path: str | Path, num_heads: int | tuple[int, ...] | None = None, image_size: Size | None = None,
         dtype: type = np.float32, config: Config | None = None) -> Module:
    """The model in a checkpoint file of any format, system and dialect, or in a folder of shards.

    The system, a Swin Transformer, ViT, DeiT, ResNet, ResNeXt or Res2Net, is told by names that only its files have.

    num_heads: of each stage, for a file without bias tables; of a ViT one number, where a head has not 64 channels.
    image_size: in pixels, where it is not the usual one.
    config: the model wanted, a SwinConfig, ViTConfig, ...: bias tables and position embeddings are resized to it
        (`resize_window`, `resize_positions`), all else must fit. Without it the model is the one of the file, with the
        shape policy or eps of the file's implementation.

    What was unwrapped, set aside or assumed is in `identify(read(path)).notes`, and `swin-np inspect` prints it.
    Parameters that are stored in `dtype` are not copied but read-only views of the file, which must stay as it is.
    Raises CheckpointError if the file cannot be read, is of no known system, or leaves a question open,
    and ConfigurationError for a dtype in which no model computes or a configuration of another system.

    >>> load("swin_tiny_patch4_window7_224.pth")(images)
    """
    check_dtype(dtype)
    stored = read(path)
    try:
        system, dialect, state, buffers, notes = in_official_names(stored)
        wanted = request(num_heads, image_size)
        if config is None:
            config = system.infer(state, buffers, dialect, wanted, notes)
        elif type(config) is not system.config:
            raise ConfigurationError(f"{path} is a {system.name}, and a {type(config).__name__} was given: "
                                     f"give a {system.config.__name__}")
        else:
            state = system.fit(config, state, buffers, dialect, wanted, notes)
        return system.model_around(config, state, dtype)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def identify(stored: StoredCheckpoint, num_heads: int | tuple[int, ...] | None = None,
             image_size: Size | None = None) -> Identified:
    """The dialect, configuration and parameters of a checkpoint that was read; arguments and errors as of `load`."""
    system, dialect, state, buffers, notes = in_official_names(stored)
    config = system.infer(state, buffers, dialect, request(num_heads, image_size), notes)
    if buffers:
        notes.append(f"Checked {len(buffers)} derived buffers, which follow from the configuration, and left them out.")
    return Identified(system, dialect, config, state, notes)


def request(num_heads: int | tuple[int, ...] | None, image_size: Size | None) -> Request:
    """The user's additions; one number of heads stands for a tuple of it."""
    return Request((num_heads,) if isinstance(num_heads, int) else num_heads, image_size)


def in_official_names(stored: StoredCheckpoint) -> tuple[System, Dialect, State, State, list[str]]:
    """(system, dialect, parameters, derived buffers, notes) of a checkpoint."""
    system = next((system for system in SYSTEMS if system.is_told_by(stored.tensors)), SWIN)
    dialect, tensors, said = system.recognise(stored.tensors)
    notes = [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in stored.unwrapped] + said
    state = to_official(tensors, dialect)
    buffers = {name: state.pop(name) for name in list(state) if re.fullmatch(system.buffers, name)}
    return system, dialect, state, buffers, notes


def fits(config: SwinConfig, state: State, buffers: State) -> bool:
    """Whether the parameters are a model of this configuration as they are; masks are for another size perhaps."""
    try:
        SWIN.model_around(config, state, None)
    except CheckpointError:
        return False
    SWIN.refuse(wrong_buffers(config, {name: value for name, value in buffers.items() if name.endswith(INDEX)}))
    return True


def convert(state: State, dialect: Dialect, config: Config | None = None) -> State:
    """Parameters in official names as a dialect calls them; with a SwinConfig also the derived buffers that it stores.

    Raises CheckpointError for parameters that the dialect has no place for, and with a SwinConfig if they do not fit a
    model of that configuration with the dialect's shape policy.
    """
    if isinstance(config, SwinConfig):
        model = SWIN.model_around(replace(config, shape_policy=dialect.shape_policy), state, None)
        state = state | derived_buffers(model, dialect)
    return from_official(state, dialect)


def fit(config: SwinConfig, state: State, buffers: State, dialect: Dialect, wanted: Request,
        notes: list[str]) -> State:
    """The parameters for a model of `config`: as they are if they fit, and else with resized tables and positions."""
    if fits(config, state, buffers):
        return state
    wanted = replace(wanted, num_heads=wanted.num_heads or config.num_heads)
    return resize_window(state, infer(state, buffers, dialect, wanted, notes), config)


def infer(state: State, buffers: State, dialect: Dialect, wanted: Request, notes: list[str]) -> SwinConfig:
    """The configuration of a model that has these parameters and derived buffers (official names).

    What had to be assumed is added to `notes`. Raises CheckpointError if nothing fits, or more than one answer does.
    """
    num_heads, image_size = wanted.num_heads, wanted.image_size
    patch = with_axes(state, "patch_embed.proj.weight", 4).shape
    blocks = {tuple(name.split(".")[1:4:2]) for name in state if re.match(r"layers\.\d+\.blocks\.\d+\.", name)}
    found = Counter(stage for stage, _ in blocks)      # blocks of each stage
    depths = [found[str(stage)] for stage in range(len(found))]
    tables = bias_tables(state, buffers, num_heads, len(depths), notes)
    heads = tuple(table.shape[1] for table in tables)
    SWIN.refuse([f"layers.{stage}.blocks.0.{TABLE} has {number} heads, which do not divide {patch[0] * 2**stage} "
                 "channels" for stage, number in enumerate(heads) if patch[0] * 2**stage % number])
    if num_heads is not None and tuple(num_heads) != heads:
        raise CheckpointError(f"its bias tables are for {heads} heads, and {tuple(num_heads)} were asked for: "
                              "leave num_heads out")
    if image_size is not None and any(name.endswith(MASK) for name in buffers):
        own = infer(state, buffers, dialect, replace(wanted, image_size=None), [])
        buffers = {name: value for name, value in buffers.items() if not name.endswith(MASK)}
        if own.img_size != pair(image_size):
            notes.append(f"The file is for {own.img_size[0]}x{own.img_size[1]} images, its masks were left out.")
    widest, channels = f"layers.{len(depths) - 1}.blocks.0.mlp.fc1.weight", patch[0] * 2 ** (len(depths) - 1)
    hidden, inputs = with_axes(state, widest, 2).shape
    SWIN.refuse([f"{widest} has {inputs} inputs, and that stage {channels} channels"] if inputs != channels else [])
    fields = {
        "patch_size": patch[2:], "in_chans": patch[1], "embed_dim": patch[0],
        "num_classes": len(with_axes(state, "head.weight", 2)) if "head.weight" in state else 0,
        "depths": depths, "num_heads": heads, "mlp_ratio": mlp_ratio(hidden, channels),
        "qkv_bias": "layers.0.blocks.0.attn.qkv.bias" in state, "ape": "absolute_pos_embed" in state,
        "patch_norm": "patch_embed.norm.weight" in state, "shape_policy": dialect.shape_policy}
    embedding = with_axes(state, "absolute_pos_embed", 3) if fields["ape"] else None
    fitting, problems = [], []
    for window, image in candidates(tables, buffers, embedding, patch[2:], image_size):
        try:
            config = SwinConfig(image, window_size=window, **fields)
            layer_costs(config)                        # ShapeError if the model takes no image of this size
            SWIN.model_around(config, state, None)
            SWIN.refuse(wrong_buffers(config, buffers))
        except SwinError as error:
            problems.append(str(error))
            continue
        fitting.append(config)
        if plain(config, image_size):
            break
    if not fitting:
        raise CheckpointError(problems[0] if problems else "no window has a bias table of "
                              f"{max(map(len, tables))} rows: the file is damaged, get it again")
    config = fitting[-1]
    if len(fitting) > 1 and not plain(config, image_size):
        choices = " or ".join(f"image {c.img_size} with window {c.window_size}" for c in fitting[:NAMED_AT_MOST])
        raise CheckpointError(f"it could be for {choices}, and nothing in it tells which: give image_size, or in "
                              "swin_np.load the config")
    if image_size is None and embedding is None and not any(name.endswith(MASK) for name in buffers):
        notes.append(f"The image size is not in the file: {config.img_size[0]}x{config.img_size[1]} was assumed.")
    return config


def plain(config: SwinConfig, image_size: Size | None) -> bool:
    """Whether nobody would look for another answer: a square window, and a square image if none was asked for."""
    return len({*config.window_size}) == 1 and (image_size is not None or len({*config.img_size}) == 1)


def bias_tables(state: State, buffers: State, num_heads: tuple[int, ...] | None, stages: int,
                notes: list[str]) -> list[Array]:
    """The bias table of every stage's first block. Where there are none at all, zeros are put into `state`."""
    if not any(name.endswith(TABLE) for name in state):
        if num_heads is None:
            raise CheckpointError("it has no bias tables, and nothing else tells the number of heads: "
                                  "give num_heads=(...), one for each stage")
        for name in [name for name in state if name.endswith("attn.qkv.weight")]:
            block, stage = name.removesuffix("attn.qkv.weight"), int(name.split(".")[1])
            if block + INDEX not in buffers:
                raise CheckpointError(f"it has neither {block}{TABLE} nor {block}{INDEX}, and nothing else tells the "
                                      "window: add bias tables of zeros, ((2M-1)^2, heads) for window M")
            if stage >= len(num_heads):
                raise CheckpointError(f"it has {stages} stages, num_heads={tuple(num_heads)} is for {len(num_heads)}: "
                                      "give one number for each")
            tokens = math.isqrt(buffers[block + INDEX].size)             # M^2
            state[block + TABLE] = np.zeros(((2 * math.isqrt(tokens) - 1) ** 2, num_heads[stage]), np.float32)
        notes.append("It has no bias tables: zeros were put in their place.")
    return [with_axes(state, f"layers.{stage}.blocks.0.{TABLE}", 2) for stage in range(stages)]


def candidates(tables: list[Array], buffers: State, embedding: Array | None, patch: tuple[int, int],
               image_size: Size | None) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(window, image size) pairs that could be the configured ones, the squarest first.

    The window follows from the largest table. The image size is the one given; or follows from the number of
    positions of the embedding or of windows of a mask; or is the one for which all maps are multiples of the window;
    or follows from a table that is smaller than the largest, since its window was clamped to the map.
    """
    masks = [(int(name.split(".")[1]), len(mask)) for name, mask in buffers.items()
             if name.endswith(MASK) and mask.ndim]
    for rows, columns in factors(max(map(len, tables))):
        window = (rows + 1) // 2, (columns + 1) // 2
        if embedding is not None:
            maps = [(0, size) for size in factors(embedding.shape[1])]
        elif masks and masks[0][0] < len(tables):
            stage, count = masks[0]
            maps = [(stage, (a * window[0], b * window[1])) for a, b in factors(count)]
        else:
            sides = [(math.isqrt(len(table)) + 1) // 2 for table in tables]
            clamped = [(stage, pair(side)) for stage, side in enumerate(sides) if side < min(window)]
            maps = [(len(tables) - 1, window), *clamped]
        images = [tuple(side * p * 2**stage for side, p in zip(size, patch, strict=True)) for stage, size in maps]
        if rows % 2 and columns % 2:
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
            expected[f"layers.{i}.blocks.{j}.{INDEX}"] = index
            if j % 2 and any(shift):
                expected[f"layers.{i}.blocks.{j}.{MASK}"] = mask
    problems = []
    for name, value in buffers.items():
        count, compute = expected.get(name, (-1, None))
        if value.size != count or not np.array_equal(value.ravel(), compute().ravel()):
            problems.append(f"{name} {value.shape} is not what follows from window {config.window_size} and image "
                            f"{config.img_size}")
    if any(name.endswith(MASK) for name in buffers):
        problems += [f"{name} is missing" for name in expected if name.endswith(MASK) and name not in buffers]
    return problems


SWIN = System("Swin Transformer", "microsoft", SwinTransformer, SwinConfig, "", BUFFERS, DIALECTS,
              recognise, infer, fit)

SYSTEMS = (VIT, RES2NET, RESNET, SWIN)
"""What `load` knows, in the order in which a file is asked; the last, Swin, is told by nothing and says what is not."""

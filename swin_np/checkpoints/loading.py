"""From a checkpoint of any system and dialect to a model: the configuration is read off the shapes of its tensors."""

import math
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from swin_np.checkpoints.dialects import swin_inference
from swin_np.checkpoints.dialects.dense import dense_systems
from swin_np.checkpoints.dialects.resnet import RES2NET, RESNET
from swin_np.checkpoints.dialects.swin import (
    SWIN_DIALECTS,
    Dialect,
    State,
    derived_buffers,
    from_official,
    recognise,
    to_official,
)
from swin_np.checkpoints.dialects.swin_inference import INDEX, depths_of, factors, fitting_configuration, shared_fields
from swin_np.checkpoints.dialects.swin_mixer import SWIN_MIXER
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2
from swin_np.checkpoints.dialects.transformer import TRANSFORMER
from swin_np.checkpoints.dialects.vit import VIT
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.formats.arrays import check_repetition
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.readers import Config, Request, System, with_axes
from swin_np.checkpoints.requests import inferred, request, told_eps, with_eps
from swin_np.checkpoints.stored_preprocessing import StoredPreprocessing
from swin_np.errors import CheckpointError, ConfigurationError, SwinWarning
from swin_np.functional import Array, Size, pair
from swin_np.layers import Module, check_dtype
from swin_np.model import SwinConfig, SwinTransformer

TABLE = "attn.relative_position_bias_table"
BUFFERS = r"layers\.\d+\.blocks\.\d+\.(attn\.relative_position_index|attn_mask)"


@dataclass(frozen=True)
class Identified:
    """What a checkpoint is.

    system: a Swin Transformer, a ViT, ... config: read off the shapes, with what the dialect brings (its shape policy,
    the eps of its norms). state: the parameters in official names, as stored;
    derived buffers were checked and left out. notes: a sentence for each thing unwrapped, set aside or assumed.
    preprocessing: how its images are prepared, where a file beside the checkpoint says so. eps: of a Swin's norms,
    where config.json says another than 1e-5, which no configuration here has; `load` builds the model with it.
    """

    system: System
    dialect: Dialect
    config: Config
    state: State
    notes: list[str]
    preprocessing: StoredPreprocessing | None = None
    eps: float | None = None

    @property
    def assumed(self) -> list[str]:
        """Those of the notes that `load` issues as warnings: what was assumed, or left out."""
        return [note for note in self.notes if isinstance(note, Assumption)]


def load(path: str | Path, num_heads: int | tuple[int, ...] | None = None, image_size: Size | None = None,
         dtype: type = np.float32, config: Config | None = None, window_size: Size | None = None,
         pretrained_window_sizes: int | tuple[int, ...] | None = None) -> Module:
    """The model in a checkpoint file of any format, system and dialect, or in a folder of transformers' or timm's.

    The system (SYSTEMS) is told by names that only its files have; what the shapes leave open, by config.json beside
    the file, or by you:

    num_heads: of each stage, for a file without bias tables; of a ViT or a Transformer one number.
    image_size: in pixels, where it is not the usual one.
    window_size, pretrained_window_sizes: of a Swin V2 whose coordinates are not in the file. The second is the window
        of the first training in each stage, or one for all stages, 0 where the window was never changed.
    config: the model wanted, a SwinConfig, ViTConfig, ...: bias tables and position embeddings are resized to it
        (`resize_window`, `resize_positions`), all else must fit. Without it the model is the one of the file, with the
        shape policy or eps of the file's implementation.

    What was assumed is issued as a SwinWarning; it and what was unwrapped, set aside or checked are in
    `identify(read(path)).notes`, and `swin-np inspect` prints them.
    Parameters that are stored in `dtype` are not copied but read-only views of the file, which must stay as it is.
    Raises CheckpointError if the file cannot be read, is of no known system, leaves a question open, or contradicts
    config.json or an argument, and ConfigurationError for a dtype in which no model computes or a configuration of
    another system.

    >>> load("swin_tiny_patch4_window7_224.pth")(images).shape
    (1, 1000)
    """
    check_dtype(dtype)
    stored = read(path)
    try:
        system, dialect, state, buffers, notes = in_official_names(stored)
        wanted = request(system, state, stored.configuration, notes, num_heads, image_size, window_size,
                         pretrained_window_sizes)
        if config is None:
            config = inferred(system, dialect, state, buffers, wanted, notes)
        elif type(config) is not system.config:
            raise ConfigurationError(f"{path} is a {system.name}, and a {type(config).__name__} was given: "
                                     f"give a {system.config.__name__}")
        else:
            state = system.fit(config, state, buffers, dialect, wanted, notes)
        model = with_eps(system.model_around(config, state, dtype), told_eps(config, wanted.told))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    for note in notes:
        if isinstance(note, Assumption):
            warnings.warn(f"{path}: {note}", SwinWarning, stacklevel=2)
    return model


def identify(stored: StoredCheckpoint, num_heads: int | tuple[int, ...] | None = None,
             image_size: Size | None = None, window_size: Size | None = None,
             pretrained_window_sizes: int | tuple[int, ...] | None = None) -> Identified:
    """The dialect, configuration and parameters of a checkpoint that was read; arguments and errors as of `load`."""
    system, dialect, state, buffers, notes = in_official_names(stored)
    wanted = request(system, state, stored.configuration, notes, num_heads, image_size, window_size,
                     pretrained_window_sizes)
    config = inferred(system, dialect, state, buffers, wanted, notes)
    if buffers:
        notes.append(f"Checked {len(buffers)} derived buffers, which follow from the configuration, and left them out.")
    return Identified(system, dialect, config, state, notes, stored.preprocessing, told_eps(config, wanted.told))


def in_official_names(stored: StoredCheckpoint) -> tuple[System, Dialect, State, State, list[str]]:
    """(system, dialect, parameters, derived buffers, notes) of a checkpoint."""
    system = next((system for system in SYSTEMS if system.is_told_by(stored.tensors)), SWIN)
    if relative := re.search(system.relatives, stored.name, re.IGNORECASE):
        raise CheckpointError(f"its name says that it is a {relative[0]}, which has the tensors of a {system.name} and "
                              "other numbers: it cannot be computed here, or rename the file if its name is wrong")
    check_repetition(stored.tensors)
    dialect, tensors, said = system.recognise(stored.tensors)
    notes = [type(sentence)(f"{sentence[:1].upper()}{sentence[1:]}.") for sentence in stored.unwrapped] + said
    state = to_official(tensors, dialect)
    buffers = {name: state.pop(name) for name in list(state) if re.fullmatch(system.buffers, name)}
    return system, dialect, state, buffers, notes


def convert(state: State, dialect: Dialect, config: Config | None = None) -> State:
    """Parameters in official names as a dialect calls them; with a SwinConfig also the derived buffers that it stores.

    (Or with the configuration of a Swin V2, whose dialect it then is.) Raises CheckpointError for parameters that the
    dialect has no place for, and with a SwinConfig if they do not fit a model of that configuration with the dialect's
    shape policy.
    """
    if isinstance(config, SwinConfig):
        system = next(system for system in SYSTEMS if system.config is type(config))
        model = system.model_around(replace(config, shape_policy=dialect.shape_policy), state, None)
        state = state | derived_buffers(model, dialect)
    return from_official(state, dialect)


def infer(state: State, buffers: State, dialect: Dialect, wanted: Request, notes: list[str]) -> SwinConfig:
    """The configuration of a model that has these parameters and derived buffers (official names).

    The window follows from the largest bias table. What had to be assumed is added to `notes`. Raises CheckpointError
    if nothing fits, or more than one answer does.
    """
    with_axes(state, "patch_embed.proj.weight", 4)
    tables = bias_tables(state, buffers, wanted.num_heads, len(depths_of(state)), notes)
    heads = {f"layers.{stage}.blocks.0.{TABLE}": table.shape[1] for stage, table in enumerate(tables)}
    fields = shared_fields(SWIN, state, heads, dialect, wanted)
    windows = [((rows + 1) // 2, (columns + 1) // 2) for rows, columns in factors(max(map(len, tables)))
               if rows % 2 and columns % 2]
    if wanted.window_size is not None:                 # by config.json; all tables may be for windows it was clamped to
        windows = [pair(wanted.window_size)]
    sides = [(math.isqrt(len(table)) + 1) // 2 for table in tables]
    fields["qkv_bias"] = "layers.0.blocks.0.attn.qkv.bias" in state
    return fitting_configuration(SWIN, state, buffers, fields, windows, sides, wanted, notes)


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
        notes.append(Assumption("It has no bias tables: zeros were put in their place."))
    return [with_axes(state, f"layers.{stage}.blocks.0.{TABLE}", 2) for stage in range(stages)]


SWIN = System("Swin Transformer", "microsoft", SwinTransformer, SwinConfig, "", BUFFERS, SWIN_DIALECTS,
              recognise, infer, lambda *arguments: swin_inference.fit(SWIN, *arguments))

SYSTEMS = (*dense_systems((RES2NET, RESNET, SWIN_V2, SWIN_MIXER, SWIN)),
           VIT, RES2NET, RESNET, TRANSFORMER, SWIN_V2, SWIN_MIXER, SWIN)
"""What `load` knows, in the order in which a file is asked; the last, Swin, is told by nothing and says what is not."""

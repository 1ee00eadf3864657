"""A checkpoint for another implementation: its tensors, the files that it reads beside them, and what is different.

What an implementation cannot hold is refused by name; what changes on the way is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from swin_np.baselines.swin_mixer import SwinMixerConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.config_files import constructors
from swin_np.checkpoints.config_files.written import READ_BY, Beside, files_beside
from swin_np.checkpoints.dialects.dense import OWN
from swin_np.checkpoints.dialects.dialect import COUNTERS, Dialect, State
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.holding import check_held, differing_stages, with_its_windows
from swin_np.checkpoints.loading import Identified, convert
from swin_np.dense.backbones import BackboneConfig, DenseConfig
from swin_np.errors import CheckpointError, SwinError
from swin_np.functional import pair
from swin_np.layers import LayerNorm
from swin_np.systems.registry import Config
from swin_np.text import size
from swin_np.variants import SwinConfig

LEFT_OUT = ("Set aside ", "Left aside ", "Left out ")  # how notes on what was not taken from the file begin


@dataclass(frozen=True)
class Conversion:
    """tensors: in the names of `dialect`. files: JSON objects to be written beside them, by name.

    changes: a sentence for each thing that is not as in the source, or that a reader has to be told.
    """

    dialect: Dialect
    tensors: State
    files: dict[str, dict[str, object]]
    changes: list[str]


def library_of(dialect: str) -> str:
    """The implementation whose names a dialect has: `transformers` of `transformers-deit-files`."""
    return dialect.partition("-")[0]


def converted(stored: StoredCheckpoint, identified: Identified, dialect: Dialect, with_files: bool) -> Conversion:
    """What was `identified` in `stored`, for the implementation of a dialect of its system.

    with_files: whether files can be written beside the weights. CheckpointError, with what to do, for what that
    implementation cannot hold, or cannot be told.
    """
    library, config, eps = library_of(dialect.name), identified.config, identified.eps
    told = with_its_windows(config, dialect) if isinstance(config, SwinConfig) else config
    told_by_no_file = isinstance(config, BackboneConfig) and library == "timm"
    readable = READ_BY.get(library, ()) if with_files and not told_by_no_file else ()
    check_held(config, dialect)
    if eps is not None and (library != "transformers" or not readable):
        raise CheckpointError(
            f"the eps of its norms is {eps} in the blocks and the last one by its config.json, and {LayerNorm.eps} in "
            "all others, which only transformers' config.json can tell: convert it to a dialect of transformers, into "
            "a folder of its own")
    try:
        tensors = convert(identified.state, dialect, config)
    except SwinError as error:
        raise CheckpointError(str(error)) from None
    if unused := unused_norm(config, dialect):
        tensors |= unused
    counters = {name.removesuffix(".running_mean") + COUNTERS: np.zeros((), np.int64)
                for name in tensors if name.endswith(".running_mean") and dialect.name != OWN.name}
    beside = files_beside(library, told, eps, stored.labels, stored.preprocessing) if readable else Beside()
    changes = [note for note in identified.notes if note.startswith(LEFT_OUT)]
    if unused:
        changes.append(f"Added {next(iter(unused)).rpartition('.')[0]}, a norm that no map passes, as 1 and 0.")
    changes += [*of_numbers(config, dialect), *of_tensors(identified, dialect, tensors, bool(counters)), *beside.said,
                *how_to_build(told, library, bool(readable))]
    return Conversion(dialect, tensors | counters, beside.files, changes)


def unused_norm(config: Config, dialect: Dialect) -> State:
    """The last norm of transformers' SwinBackbone, which is in its files and in none of its maps."""
    if not (isinstance(config, DenseConfig) and type(config.backbone) is SwinConfig and config.normalised_stages
            and library_of(dialect.name) == "transformers"):
        return {}
    name = ("backbone." if not isinstance(config, BackboneConfig) else "") + "swin.layernorm"
    channels = config.map_channels[-1]
    return {f"{name}.weight": np.ones(channels, np.float32), f"{name}.bias": np.zeros(channels, np.float32)}


def of_numbers(config: Config, dialect: Dialect) -> Iterator[str]:
    """Sentences on other numbers that the implementation computes, if it is not told."""
    library = library_of(dialect.name)
    if isinstance(config, ViTConfig) and library in ("timm", "torchvision") and config.eps != constructors.VIT_EPS:
        yield (f"The eps of its norms is {config.eps}, and {library} has {constructors.VIT_EPS} unless its constructor "
               f"is given {constructors.with_eps(config.eps)}: without it the numbers are others.")
    config = config.backbone if isinstance(config, DenseConfig) else config
    if isinstance(config, SwinConfig) and (stages := differing_stages(config, dialect.shape_policy)):
        yield (f"On images of {size(pair(config.img_size))} pixels {dialect.shape_policy.name} pads, shifts or has "
               f"windows otherwise than {config.shape_policy.name} in stage {' and '.join(map(str, stages))}: its "
               "numbers are others there, and the same where every map is a multiple of the window and larger than it.")


def of_tensors(identified: Identified, dialect: Dialect, tensors: State, counters: bool) -> Iterator[str]:
    """Sentences on tensors that are stored otherwise than in the source, left out or added."""
    source, config = identified.dialect, identified.config
    floats = [value for value in identified.state.values() if value.dtype == np.float32]
    if floats and not any((value.view(np.uint32) & 0xFFFF).any() for value in floats if value.ndim):
        yield "All its float32 numbers are such as bfloat16 has, in which the file may be: they are written as float32."
    if source.fused_bias and not dialect.fused_bias:
        yield "The keys' third of every qkv.bias was left out, which no implementation adds."
    elif dialect.fused_bias and not source.fused_bias:
        yield "The keys have no bias: their third of every qkv.bias is 0."
    if source.unfold_merging != dialect.unfold_merging:
        yield f"The channels of patch merging are in {library_of(dialect.name)}'s order."
    if written := [name for name in tensors if name.endswith(dialect.buffers)]:
        yield f"Added {len(written)} derived buffers, {', '.join(sorted(dialect.buffers))}, which it stores."
    if counters:
        yield f"The counters {COUNTERS[1:]}, which only training needs, are written as 0."
    if isinstance(config, SwinV2Config) and any(config.pretrained_window_sizes) and library_of(dialect.name) in (
            "torchvision", "microsoft"):
        yield (f"The windows of its first training, {' '.join(map(str, config.pretrained_window_sizes))}, are in the "
               "stored relative_coords_table: load it strictly, and it counts.")


def how_to_build(config: Config, library: str, readable: bool) -> Iterator[str]:
    """The sentence on what builds the model, in libraries that read it from no file."""
    if type(config) is SwinMixerConfig or (isinstance(config, BackboneConfig) and library != "transformers"):
        return
    if library == "torchvision":
        yield f"torchvision builds it by {constructors.of_torchvision(config)}."
        if not config.num_classes:
            head = {ViTConfig: "heads"}.get(type(config), "head" if isinstance(config, SwinConfig) else "fc")
            yield f"It has no classifier: set the model's {head} to torch.nn.Identity() before it is loaded."
    elif library == "microsoft":
        yield f"microsoft's code builds it by {constructors.of_microsoft(config)}."
    elif library in READ_BY and not readable:
        yield (f"No config.json was written, since other checkpoints lie there, of which it would be taken to be: give "
               f"a folder of its own as OUT if {library} is to read it.")

"""From a checkpoint of any system and dialect to a model: the configuration is read off the shapes of its tensors."""

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from swin_np.checkpoints.config_files.preprocessing import StoredPreprocessing
from swin_np.checkpoints.dialects.dialect import Dialect, State
from swin_np.checkpoints.dialects.translation import derived_buffers, from_official, to_official
from swin_np.checkpoints.files import StoredCheckpoint, read
from swin_np.checkpoints.finding import READERS, arrays, find
from swin_np.checkpoints.formats.arrays import check_repetition
from swin_np.checkpoints.notes import Assumption, listing
from swin_np.checkpoints.reader import Reader, Translated
from swin_np.checkpoints.requests import inferred, request, told_eps, with_eps
from swin_np.errors import CheckpointError, ConfigurationError, SwinWarning
from swin_np.functional import Size
from swin_np.layers import check_dtype
from swin_np.systems.registry import Config, Model, architecture_of
from swin_np.variants import SwinConfig


@dataclass(frozen=True)
class Identified:
    """What a checkpoint is.

    reader: of a Swin Transformer, of a ViT, ... config: read off the shapes, with what the dialect brings (its shape
    policy, the eps of its norms). state: the parameters in official names, as stored; derived buffers were checked and
    left out. notes: a sentence for each thing unwrapped, set aside or assumed.
    part: its name in the file, "teacher"; "" where the file is the model. preprocessing: how its images are prepared,
    where a file beside the checkpoint says so. eps: of a Swin's norms, where config.json says another than 1e-5, which
    no configuration here has; `load` builds the model with it.
    """

    reader: Reader
    dialect: Dialect
    config: Config
    state: State
    notes: list[str]
    part: str
    preprocessing: StoredPreprocessing | None = None
    eps: float | None = None

    @property
    def assumed(self) -> list[str]:
        """Those of the notes that `load` issues as warnings: what was assumed, or left out."""
        return [note for note in self.notes if isinstance(note, Assumption)]


def load(path: str | Path, num_heads: int | tuple[int, ...] | None = None, image_size: Size | None = None,
         dtype: type = np.float32, config: Config | None = None,
         window_size: Size | tuple[Size, ...] | None = None,
         pretrained_window_sizes: int | tuple[int, ...] | None = None, part: str | None = None) -> Model:
    """The model in a checkpoint file of any format, system and dialect, or in a folder of transformers' or timm's.

    It is found in any nesting and behind any prefix by the names of its first block, and the system (finding.READERS)
    is told by names that only its files have; what the shapes leave open, by config.json beside the file, or by you:

    num_heads: of each stage, for a file without bias tables; of a ViT or a Transformer one number.
    image_size: in pixels, where it is not the usual one.
    window_size, pretrained_window_sizes: of a Swin V2 whose coordinates are not in the file. The second is the window
        of the first training in each stage, or one for all stages, 0 where the window was never changed.
    part: which of several models in the file, "teacher", or the backbone alone of a dense one, "backbone".
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
        found = translate(stored, part, num_heads, image_size, window_size, pretrained_window_sizes)
        architecture = found.reader.architecture
        if config is None:
            config, state = inferred(found), found.state
        elif type(config) is not architecture.config:
            raise ConfigurationError(f"{path} is a {architecture.name}, and a {type(config).__name__} was given: "
                                     f"give a {architecture.config.__name__}")
        else:
            state = found.reader.fit(config, found)
        model = with_eps(found.reader.model_around(config, state, dtype), told_eps(config, found.request.told))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    for note in found.notes:
        if isinstance(note, Assumption):
            warnings.warn(f"{path}: {note}", SwinWarning, stacklevel=2)
    return model


def identify(stored: StoredCheckpoint, num_heads: int | tuple[int, ...] | None = None,
             image_size: Size | None = None, window_size: Size | tuple[Size, ...] | None = None,
             pretrained_window_sizes: int | tuple[int, ...] | None = None, part: str | None = None) -> Identified:
    """The dialect, configuration and parameters of a checkpoint that was read; arguments and errors as of `load`."""
    found = translate(stored, part, num_heads, image_size, window_size, pretrained_window_sizes)
    config = inferred(found)
    if found.buffers:
        found.notes.append(f"Checked {len(found.buffers)} derived buffers, which follow from the configuration, and "
                           "left them out.")
    return Identified(found.reader, found.dialect, config, found.state, found.notes, found.name, stored.preprocessing,
                      told_eps(config, found.request.told))


def translate(stored: StoredCheckpoint, part: str | None, *given: object) -> Translated:
    """The model in a checkpoint in official names, with what the user has `given`, the fields of a Request in turn."""
    found, said = find(stored, part)
    reader = found.reader
    if relative := re.search(reader.relatives, stored.name, re.IGNORECASE):
        raise CheckpointError(f"its name says that it is a {relative[0]}, which has the tensors of a {reader.name} and "
                              "other numbers: it cannot be computed here, or rename the file if its name is wrong")
    tensors = arrays(found, stored.tensors)
    check_repetition(tensors)
    notes = [type(sentence)(f"{sentence[:1].upper()}{sentence[1:]}.") for sentence in said]
    dialect, tensors, more = reader.recognise(tensors, reader.dialects)
    state = to_official(tensors, dialect)
    head = [name for name in state if name.startswith("head.")]
    if head and head != ["head.bias"] and set(head) != {"head.weight", "head.bias"}:
        reason = "its head has no bias" if head == ["head.weight"] else "its head is no linear layer"
        more.append(Assumption(f"Left aside {listing(head)}: {reason}."))
        state = {name: value for name, value in state.items() if name not in head}
    buffers = {name: state.pop(name) for name in list(state) if re.fullmatch(reader.buffers, name)}
    translated = Translated(reader, dialect, state, buffers, notes + more, name=found.name)
    return replace(translated, request=request(translated, stored.configuration, *given))


def convert(state: State, dialect: Dialect, config: Config | None = None) -> State:
    """Parameters in official names as a dialect calls them; with a SwinConfig also the derived buffers that it stores.

    (Or with the configuration of a Swin V2, whose dialect it then is.) Raises CheckpointError for parameters that the
    dialect has no place for, and with a SwinConfig if they do not fit a model of that configuration with the dialect's
    shape policy.
    """
    if isinstance(config, SwinConfig):
        reader = next(reader for reader in READERS if reader.architecture is architecture_of(config))
        model = reader.model_around(replace(config, shape_policy=dialect.shape_policy), state, None)
        state = state | derived_buffers(model, dialect)
    return from_official(state, dialect)

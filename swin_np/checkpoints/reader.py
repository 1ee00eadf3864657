"""What `swin_np.load` has to know of an architecture: one `Reader` for each, all listed in loading.READERS.

An architecture joins with its tables of names and one or two functions: one reads the configuration off the shapes, the
other fits the parameters to a configuration that was asked for. dialects/vit.py is an example.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from swin_np.checkpoints.config_files.configuration import Told
from swin_np.checkpoints.dialects.dialect import Dialect, State, recognise_by_names
from swin_np.checkpoints.notes import INCOMPLETE, Assumption, listing
from swin_np.errors import CheckpointError, ConfigurationError
from swin_np.functional import Array, Size
from swin_np.layers import Module
from swin_np.systems.registry import Architecture, Config

NAMED_AT_MOST = 5                                      # tensors in a sentence
NOTHING = r"(?!)"                                      # fits no name
MISSING = "is missing"


@dataclass(frozen=True)
class Request:
    """What a user adds to a file that leaves it open, or config.json; see `swin_np.load`. told: all of the latter."""

    num_heads: tuple[int, ...] | None = None
    image_size: Size | None = None
    window_size: Size | tuple[Size, ...] | None = None
    pretrained_window_sizes: tuple[int, ...] | None = None
    told: Told | None = None


@dataclass(frozen=True)
class Translated:
    """A checkpoint in official names, as its reader works on it.

    state: the parameters. buffers: what the file has beside them that follows from the configuration.
    notes: sentences on what was done and assumed, to which the reader adds its own. name: of the part of the file that
    it is, "teacher"; "" where it is all of it.
    """

    reader: "Reader"
    dialect: Dialect
    state: State
    buffers: State
    notes: list[str]
    request: Request = Request()
    name: str = ""


@dataclass(frozen=True, eq=False)
class Reader:
    """The files of an architecture, whose official names are those of `official`.

    telling: regular expressions of names that are all in every such file, and not all in those of later readers; a name
        begins behind the dialect's root.
    anchors: official names that are in nearly every such file and show where in a larger one the model lies.
    dialects: by name. on: of a dense model's reader, the architecture of the backbone in these dialects, where there is
        but one. infer: the configuration of a model with these parameters.
    fit: the parameters for a model of another configuration; as they are, where no size depends on it.
    recognise: (tensors, dialects) -> (dialect, tensors that a model may need, notes).
    buffers: regular expression of official names that are no parameters; `infer` and `fit` may look at their values.
    relatives: regular expression of file names of other models that have the same tensors.
    """

    architecture: Architecture
    official: str
    telling: tuple[str, ...]
    anchors: tuple[str, ...]
    dialects: dict[str, Dialect]
    infer: Callable[[Translated], Config]
    fit: Callable[[Config, Translated], State] = lambda config, found: found.state
    recognise: Callable[[State, Mapping[str, Dialect]], tuple[Dialect, State, list[str]]] = recognise_by_names
    buffers: str = NOTHING
    relatives: str = NOTHING
    on: Architecture | None = None

    @property
    def name(self) -> str:
        """The architecture's name."""
        return self.architecture.name

    def is_told_by(self, names: Iterable[str]) -> bool:
        """Whether a model with these names, behind the root of its dialect, is of this architecture."""
        names = list(names)
        return all(any(re.search(pattern, name) for name in names) for pattern in self.telling)

    def refuse(self, problems: list[str]) -> None:
        """Raise CheckpointError if there are problems."""
        if problems:
            more = f" and {len(problems) - NAMED_AT_MOST} more" if len(problems) > NAMED_AT_MOST else ""
            advice = (INCOMPLETE if all(MISSING in each for each in problems)
                      else "it is a relative that cannot be computed here, or give the image_size or config that it is "
                      "for")
            raise CheckpointError(f"its tensors, here by {self.official}'s names, do not make one {self.name}: "
                                  f"{', '.join(problems[:NAMED_AT_MOST])}{more}; {advice}")

    def configuration(self, state: State, **fields) -> Config:
        """The configuration with these fields; CheckpointError unless it is one and the parameters fit it."""
        try:
            config = self.architecture.config(**fields)
        except ConfigurationError as error:
            raise CheckpointError(str(error)) from None
        self.model_around(config, state, None)
        return config

    def model_around(self, config: Config, state: State, dtype: type | None = np.float32) -> Module:
        """The model of `config` whose parameters are the arrays of `state` (official names) themselves.

        Nothing is drawn, and copied only what is not yet in `dtype`; None keeps every dtype. Raises CheckpointError,
        with the first offenders named, for entries that are missing, left over, of another shape, or no floating point.
        """
        model = self.architecture.model.random(config, seed=None)       # with placeholders for weights
        own = model.state_dict()
        problems = [f"{name} {value.shape} {MISSING}" for name, value in own.items() if name not in state]
        for name, value in state.items():
            if name not in own:
                problems.append(f"{name} {value.shape} has no place")
            elif value.shape != own[name].shape:
                problems.append(f"{name} has shape {value.shape}, expected {own[name].shape}")
            elif not np.issubdtype(value.dtype, np.floating):
                problems.append(f"{name} has dtype {value.dtype}, expected floating point")
        self.refuse(problems)
        model.place(state if dtype is None else
                    {name: np.require(value, dtype, ["C", "ALIGNED"]) for name, value in state.items()})
        return model


def with_axes(state: State, name: str, axes: int) -> Array:
    """The tensor of this name; CheckpointError if it is missing, empty, or has not so many axes."""
    value = state.get(name)
    if value is None:
        instead = [other for other in state if re.match(rf"{re.escape(name.removesuffix('weight'))}\w+\.", other)]
        advice = f"it has {listing(instead)} and is a relative that cannot be computed here" if instead else INCOMPLETE
        raise CheckpointError(f"{name} is missing, and a tensor of {axes} axes was expected: {advice}")
    if not value.size:
        raise CheckpointError(f"{name} is of shape {value.shape} and empty, as DeepSpeed's ZeRO-3 leaves it: gather "
                              "the weights first, with the zero_to_fp32.py beside the checkpoint")
    if value.ndim != axes:
        kind = "a network for videos or volumes" if value.ndim == axes + 1 == 5 else "another network"
        raise CheckpointError(f"{name} is of shape {value.shape}, and a tensor of {axes} axes was expected: it is of "
                              f"{kind}, which cannot be computed here")
    return value


def classes(state: State, head: str) -> int:
    """The number of classes of a linear layer called `head`; 0 if there is none."""
    return len(with_axes(state, f"{head}.weight", 2)) if f"{head}.weight" in state else 0


def block_counts(state: State, pattern: str) -> Counter[str]:
    """How many blocks each stage has; `pattern` finds the stage and the block at the beginning of a name."""
    found = (re.match(pattern, name) for name in state)
    return Counter(stage for stage, _ in {each.groups() for each in found if each})


def mlp_ratio(hidden: int, channels: int) -> float:
    """The ratio for which int(channels * ratio) is `hidden`."""
    ratio = hidden / channels                          # perhaps rounded down
    return ratio if int(channels * ratio) == hidden else math.nextafter(ratio, math.inf)


def number_of_heads(kind: str, sizes: tuple[int, ...], published: dict[tuple[int, ...], int],
                        found: Translated) -> int:
    """The number of heads of a ViT or a Transformer (`kind`): the one given, or that of a published model, with a note.

    sizes: channels, blocks and hidden units, by which `published` has the number of heads. Raises CheckpointError
    for several numbers, or if there is neither.
    """
    given = found.request.num_heads
    if given is not None:
        num_heads, *others = given
        if others:
            raise CheckpointError(f"num_heads={given} was given: a {kind} has one number of heads for all blocks, give "
                                  "one")
        return num_heads
    if sizes not in published:
        channels, *depth, hidden = sizes
        raise CheckpointError(f"the number of heads is not in the file, and {channels} channels, "
                              f"{' and '.join(map(str, depth))} blocks and {hidden} hidden units are those of no "
                              f"published {kind}: give num_heads (--num-heads)")
    num_heads = published[sizes]
    found.notes.append(Assumption(f"The number of heads is not in the file: {num_heads} of {sizes[0] // num_heads} "
                                  "channels were assumed."))
    return num_heads

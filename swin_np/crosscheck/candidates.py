"""Candidates: the numbers of another implementation, from a file, a folder or memory, under the official names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from swin_np.checkpoints.files import mapped, read
from swin_np.checkpoints.formats import strict_json
from swin_np.checkpoints.formats.npz import read_npy
from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.layouts import Axes
from swin_np.crosscheck.spellings import Spelling
from swin_np.errors import CheckpointError, InputError
from swin_np.functional import Array
from swin_np.systems.registry import Config

POINT_PREFIXES = ("float64/", "points/")               # of the golden files, and for a dump that holds weights too
STATE_PREFIX = "state/"
LOGITS = ("output", "logits", "logits_float64", "logits_float32")             # the model's output, the first counts


@dataclass(frozen=True)
class Candidate:
    """What another implementation gave: points by its own names, and perhaps its weights and configuration.

    others: further tensors, in the order of computation, whose names say nothing.
    """

    points: dict[str, Array]
    state: dict[str, Array] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=dict)
    others: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """The points under official names.

    theirs: the candidate's name of each. dialect: whose names they are. extra: names that are no point of the
    reference. unfit: official names of those whose shape no layout explains.
    """

    points: dict[str, Array]
    theirs: dict[str, str]
    dialect: str
    extra: list[str]
    unfit: list[str]


def candidate_of(source: str | Path | Mapping[str, Array]) -> Candidate:
    """A candidate from arrays by name, a Trace, a file (.npz, .safetensors, .pth) or a folder of .npy files.

    The file name of a .npy is the point's name. Raises CheckpointError for a file that cannot be read, InputError if
    there is no array of numbers.
    """
    if isinstance(source, Mapping):
        arrays, metadata = {name: np.asarray(value) for name, value in source.items()}, {}
    elif os.path.isdir(source):
        arrays, metadata = read_folder(Path(source)), {}
    else:
        stored = read(source)
        arrays, metadata = stored.tensors, stored.metadata
    points, state = {}, {}
    for name, value in arrays.items():
        if value.dtype.kind not in "fiub":
            raise InputError(f"the point {name} holds {value.dtype}, expected real numbers: dump it as float32")
        if name.startswith(STATE_PREFIX):
            state[name.removeprefix(STATE_PREFIX)] = value
        else:
            for prefix in POINT_PREFIXES:
                name = name.removeprefix(prefix)
            points[name] = value
    if not points:
        raise InputError("the candidate holds no points, only weights: dump the outputs of its modules too")
    return Candidate(points, state, strict_json.parse(metadata.get("config", "{}").encode()))


def read_folder(folder: Path) -> dict[str, Array]:
    """Every .npy file of a folder by its name without the ending; InputError if there is none."""
    files = sorted(folder.glob("*.npy"))
    if not files:
        raise InputError(f"the folder {folder} holds no .npy file: give one with a file for every point, such as "
                         "layers.0.blocks.0.npy")
    arrays = {}
    for file in files:
        try:
            arrays[file.stem] = read_npy(mapped(file), file.stem)
        except CheckpointError as error:
            raise CheckpointError(f"{file}: {error}") from None
    return arrays


def read_mapping(path: Path) -> dict[str, str]:
    """A JSON object {their name: official name}; InputError for anything else."""
    try:
        return strict_json.texts(strict_json.parse(path.read_bytes()))
    except OSError as error:
        raise InputError(f"the mapping {path} cannot be read ({error.strerror}): check the path") from None
    except CheckpointError:
        raise InputError(f'{path} is no mapping: give a JSON object {{"their name": "official name", ...}}') from None


def named(points: dict[str, Array], axes: dict[str, Axes], config: Config | None,
          mapping: Mapping[str, str] | None = None) -> Named:
    """The candidate's points under the names of the reference, whose points have these `axes`.

    config: of the reference's model; None for a trace of an unknown one, whose names are taken as they are. The
    spelling is the one under which most points find a place that fits their shape. mapping: {their name: official
    name}, which goes before any of them.
    """
    spellings = [None] if config is None else checked(config).spellings(config)
    choices = [in_spelling(points, axes, spelling, mapping or {}) for spelling in spellings]
    return max(choices, key=lambda choice: (len(choice.points) - len(choice.unfit), -len(choice.unfit)))


def in_spelling(points: dict[str, Array], axes: dict[str, Axes], spelling: Spelling | None,
                mapping: Mapping[str, str]) -> Named:
    """The same, in the names of one implementation."""
    dialect = "the reference" if spelling is None else spelling.dialect.name
    parts: dict[str, list[tuple[str, Array] | None]] = {}
    extra = []
    spare = [name for name in LOGITS if name in points][1:]
    for theirs, value in points.items():
        if theirs in spare:
            continue
        if theirs in mapping or spelling is None:
            official, part, count = mapping.get(theirs, theirs), 0, 1
        else:
            official, part, count = official_name(theirs, spelling) or ("", 0, 1)
        if (official in LOGITS and official not in axes) or official == "logits":
            official = "output"
        if f"{official}.rolled_back" in axes and (dialect == "torchvision" or not fits(value, axes[official])):
            official += ".rolled_back"                 # an attention that ends with the whole map
        if official not in axes or (official in parts and parts[official][part] is not None):
            extra.append(theirs)
            continue
        parts.setdefault(official, [None] * count)[part] = theirs, value
    found, names, unfit = {}, {}, []
    for official in axes:                              # in the order of computation
        pieces = parts.get(official)
        if pieces is None:
            continue
        if None in pieces:                             # a query without its key
            extra += [piece[0] for piece in pieces if piece]
            continue
        names[official] = ", ".join(theirs for theirs, _ in pieces)
        found[official] = pieces[0][1] if len(pieces) == 1 else np.concatenate([value for _, value in pieces], axis=-1)
        if not fits(found[official], axes[official]):
            unfit.append(official)
    return Named(found, names, dialect, extra, unfit)


def fits(value: Array, axes: Axes | None) -> bool:
    """Whether some layout explains the shape."""
    return axes is not None and bool(axes.fitting(value))


@cache
def official_name(theirs: str, spelling: Spelling) -> tuple[str, int, int] | None:
    """(official name, which part of it, of how many) of a point; None for a name that is not of this spelling."""
    if theirs in LOGITS:
        return "output", 0, 1
    if theirs in ("input", "head") or theirs.startswith("output."):     # a pyramid's levels have numbers
        return theirs, 0, 1
    return spelling.official(theirs)

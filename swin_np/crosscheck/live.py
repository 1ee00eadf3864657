"""A model of timm, torchvision or transformers by its name, built by the library itself, with the reference's weights.

The libraries, which nothing else here needs, are imported when one is asked for.
"""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.dialect import COUNTERS, Dialect, State
from swin_np.checkpoints.holding import check_held
from swin_np.checkpoints.loading import convert
from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.torch_models import record
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import InputError, SwinError

if TYPE_CHECKING:
    import torch

FAILURES = (ImportError, OSError, RuntimeError, ValueError, TypeError, KeyError, AssertionError, AttributeError)
"""What the libraries raise for what they do not have or take."""


def of_timm(library: ModuleType, name: str, reference: Reference) -> "torch.nn.Module":
    """timm's model of this name, for the reference's classes and images."""
    check_known(library.__name__, name.partition(".")[0], library.list_models())
    sized = {"img_size": tuple(reference.image_size)} if hasattr(reference.config, "img_size") else {}
    return library.create_model(name, pretrained=False, num_classes=reference.config.num_classes, **sized)


def of_torchvision(library: ModuleType, name: str, reference: Reference) -> "torch.nn.Module":
    """torchvision's model of this name, for the reference's classes."""
    from torch.nn import Identity

    check_known(library.__name__, name, library.models.list_models())
    sized = {"image_size": reference.image_size[0]} if isinstance(reference.config, ViTConfig) else {}
    model = library.models.get_model(name, weights=None, num_classes=reference.config.num_classes, **sized)
    if not reference.config.num_classes:
        setattr(model, next(head for head in TORCHVISION_HEADS if hasattr(model, head)), Identity())
    return model


def of_transformers(library: ModuleType, name: str, reference: Reference) -> "torch.nn.Module":
    """The classifier, or the UPerNet, that a repository's, or a folder's, config.json describes, for these classes."""
    config = library.AutoConfig.from_pretrained(name, num_labels=reference.config.num_classes)
    is_dense = isinstance(reference.config, DenseConfig)
    return (library.AutoModelForSemanticSegmentation if is_dense else
            library.AutoModelForImageClassification).from_config(config)


TORCHVISION_HEADS = ("head", "heads", "fc")            # of its Swins, ViTs and ResNets
BUILDERS: dict[str, Callable[[ModuleType, str, Reference], "torch.nn.Module"]] = {
    "timm": of_timm, "torchvision": of_torchvision, "transformers": of_transformers}
"""By library: what builds its model of a name."""


def is_live(text: str) -> bool:
    """Whether a candidate is a library's model, as `timm:swin_tiny_patch4_window7_224`."""
    return text.partition(":")[0] in BUILDERS and ":" in text


def live_candidate(text: str, reference: Reference) -> Candidate:
    """What the model computes on the reference's images, in float32, with the reference's weights.

    text: LIBRARY:NAME. Raises InputError if the reference has no weights, the library is not there, has no such model,
    or one that these weights do not fit.
    """
    library, _, name = text.partition(":")
    if reference.model is None:
        raise InputError(f"{text} needs weights, and the reference is a trace without any: give a checkpoint with "
                         "--image, or a file of swin-np dump")
    if not name:
        raise InputError(f"{text} names no model: give one, such as timm:swin_tiny_patch4_window7_224")
    try:
        module = import_module(library)
        import_module("torch")
    except FAILURES as error:
        raise InputError(f"{text} needs {library} and torch, which cannot be imported ({first_line(error)}): install "
                         "them, in builds that fit each other, or dump the model's points into a file") from None
    try:
        model = BUILDERS[library](module, name, reference).float().eval()
    except SwinError:
        raise
    except FAILURES as error:
        raise InputError(f"{library} does not build the model {name} ({first_line(error)}): give the name of a "
                         f"{checked(reference.config).architecture.name} that it has") from None
    place(weights(library, model, reference), text, model)
    try:
        return Candidate(record(model, reference.images.astype(np.float32)))
    except FAILURES as error:
        raise InputError(f"{text} does not run on images {reference.images.shape} ({first_line(error)}): give images "
                         "of its size") from None


def check_known(library: str, name: str, known: list[str]) -> None:
    """Raise InputError, with names that are like it, for one that the library does not have."""
    if name not in known:
        near = get_close_matches(name, known, 3) or [each for each in known if each.startswith("swin")][:3] or known[:3]
        raise InputError(f"{library} has no model {name}: give one that it has, such as {', '.join(near)}")


def weights(library: str, model: "torch.nn.Module", reference: Reference) -> State:
    """The reference's parameters by the names of the model's, as conversion writes them."""
    dialects = [spelling.dialect for spelling in checked(reference.config).spellings(reference.config)
                if library in libraries_of(spelling.dialect)]
    if not dialects:
        raise InputError(f"no names of {library} are known for a {checked(reference.config).architecture.name}: dump "
                         "the model's points into a file")
    state = {name: value.astype(np.float32) for name, value in reference.model.state_dict().items()}
    choices, errors = [], []
    for dialect in dialects:
        try:
            check_held(reference.config, dialect)
            choices.append(convert(state, dialect, reference.config))
        except SwinError as error:
            errors.append(error)
    if not choices:
        raise InputError(f"no model of {library} has these weights: {errors[0]}")
    return max(choices, key=lambda choice: len(choice.keys() & model.state_dict().keys()))


def libraries_of(dialect: Dialect) -> tuple[str, ...]:
    """The libraries whose models have the names of a dialect; timm has Res2Net's as its authors have them."""
    return ("timm",) if dialect.name == "res2net" else (dialect.name.partition("-")[0],)


def place(state: State, text: str, model: "torch.nn.Module") -> None:
    """Load the state into the model; InputError unless every tensor has its place and every place its tensor."""
    import torch

    counters = {name: value for name, value in model.state_dict().items() if name.endswith(COUNTERS)}
    theirs = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in counters}
    ours = {name: value.shape for name, value in state.items()}
    names = {**theirs, **ours}
    if wrong := [name for name in names if ours.get(name) != theirs.get(name)]:
        have, has = (shapes.get(wrong[0], "no such tensor") for shapes in (ours, theirs))
        raise InputError(f"the weights of the reference do not fit {text}, {len(wrong)} of {len(names)} tensors: for "
                         f"{wrong[0]} the reference has {have}, the model {has}: give the name of the model that they "
                         "are of")
    model.load_state_dict(counters | {name: torch.from_numpy(np.array(value)) for name, value in state.items()})


def first_line(error: BaseException) -> str:
    """The first line of what a library says."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__

"""What a user and config.json add to a file: checked against each other, and config.json against the shapes."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from swin_np.arguments.config_fields import is_by_stage
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.checkpoints.config_files.configuration import Told, told_by
from swin_np.checkpoints.config_files.entries import Entries, is_count, is_side
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.reader import Request, Translated
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import CheckpointError
from swin_np.functional import Size, pair
from swin_np.layers import LayerNorm, Module
from swin_np.systems.registry import Config
from swin_np.variants import SwinConfig

FIELDS = {"num_heads": "num_heads", "image_size": "img_size", "window_size": "window_size",
          "pretrained_window_sizes": "pretrained_window_sizes"}
"""Those of a Request, and as they are called in configurations."""

V2_ONLY = ("window_size", "pretrained_window_sizes")   # the first version's bias tables tell the one and have no other


def request(found: Translated, entries: Entries | None, num_heads: int | tuple[int, ...] | None,
            image_size: Size | None, window_size: Size | tuple[Size, ...] | None,
            pretrained_window_sizes: int | tuple[int, ...] | None) -> Request:
    """The user's additions and those of config.json; one number of heads, or pretrained window, stands for a tuple.

    Raises CheckpointError for an argument that cannot be, that the system does not take, or that is not what
    config.json says.
    """
    given = {"num_heads": whole_numbers("num_heads", num_heads, 1), "image_size": sides("image_size", image_size),
             "window_size": windows("window_size", window_size),
             "pretrained_window_sizes": whole_numbers("pretrained_window_sizes", pretrained_window_sizes, 0)}
    for name in V2_ONLY:
        if given[name] is not None and not any(key.endswith("attn.logit_scale") for key in found.state):
            raise CheckpointError(f"{name}={given[name]} was given, and only of a Swin Transformer V2 the weights do "
                                  f"not tell it: leave it out for a {found.reader.name}")
    if entries is None:
        return Request(**given)
    told = told_by(entries, found.reader.architecture, found.reader.on)
    if told is None:
        found.notes.append(Assumption(f"Its {entries.file} is neither transformers' nor timm's, and was left out."))
        return Request(**given)
    fields = told.fields | told.backbone
    for name, value in given.items():
        answer = fields.get(FIELDS[name])
        if isinstance(answer, int):                    # of a ViT, whose number of heads is one
            answer = (answer,)
        if value is None:
            given[name] = answer
        elif answer is not None and not same(*(in_stages(each) if name == "window_size" else each
                                               for each in (value, answer))):
            raise CheckpointError(f"{name}={value} was given, and its {told.file} says {answer}: leave {name} out, or "
                                  "give the configuration that you want as config")
    return Request(**given, told=told)


def whole_numbers(name: str, value: object, smallest: int) -> tuple[int, ...] | None:
    """A number, or some, as a tuple; CheckpointError for anything else."""
    values = as_tuple(value)
    if values is not None and not (values and all(is_count(each) and each >= smallest for each in values)):
        raise CheckpointError(f"{name}={value!r} was given: give whole numbers from {smallest} on, one for each stage "
                              "or one for all")
    return values


def sides(name: str, value: object) -> tuple[int, int] | None:
    """Height and width; CheckpointError for anything else."""
    if value is None:
        return None
    both = as_tuple(value)
    both = both * 2 if len(both) == 1 else both
    if len(both) != 2 or not all(map(is_side, both)):
        raise CheckpointError(f"{name}={value!r} was given: give a whole number, or a height and a width")
    return both


def windows(name: str, value: object) -> tuple[int, int] | tuple[tuple[int, int], ...] | None:
    """Height and width, or a tuple of them for the stages; CheckpointError for anything else."""
    several = as_tuple(value)
    if several is None or len(several) == 1 or not is_by_stage(several):
        return sides(name, several)
    if None in several:
        raise CheckpointError(f"{name}={value!r} was given: give one window for all stages, or one for each")
    return tuple(sides(name, each) for each in several)


def in_stages(window_size: tuple) -> tuple[tuple[int, int], ...]:
    """Windows as `same` takes them: one alone stands for all stages."""
    return window_size if is_by_stage(window_size) else (window_size,)


def as_tuple(value: object) -> tuple | None:
    """One value as a tuple of it, several as a tuple; whole numbers of NumPy's as Python's."""
    if value is None:
        return None
    values = value.tolist() if isinstance(value, np.ndarray) else value
    values = values if isinstance(values, tuple | list) else (values,)
    return tuple(int(each) if isinstance(each, np.integer) else each for each in values)


def same(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether both say the same, where a single number stands for all stages."""
    length = max(len(one), len(other))
    return (one * length if len(one) == 1 else one) == (other * length if len(other) == 1 else other)


def inferred(found: Translated) -> Config:
    """The configuration of the model in a file; CheckpointError if there is none, or config.json says another."""
    told = found.request.told
    try:
        config = found.reader.infer(found)
    except CheckpointError:
        for answers in (*((name,) for name in FIELDS), FIELDS) if told else ():
            if (config := without_answers(found, answers)) is not None:
                check_told(config, told)               # perhaps it is this answer that the shapes contradict
        raise
    check_told(config, told)
    return config


def without_answers(found: Translated, answers: Iterable[str]) -> Config | None:
    """The configuration without some of config.json's answers, to be compared with them; None if there is none."""
    try:
        return found.reader.infer(replace(found, request=replace(found.request, **dict.fromkeys(answers)), notes=[]))
    except CheckpointError:
        return None


def check_told(config: Config, told: Told | None) -> None:
    """Raise CheckpointError where config.json and the tensors are of different models."""
    if told is None:
        return
    for name, value in told.fields.items():
        own = getattr(config, name, None)
        if own is None or (name == "num_classes" and not own) or equal(config, name, own, value):
            continue
        raise CheckpointError(f"its {told.file} says {name} {value}, and its tensors are for {own}: give the "
                              f"{told.file} that belongs to it")
    if isinstance(config, DenseConfig):
        check_told(config.backbone, Told(told.file, told.backbone))


def equal(config: Config, name: str, own: object, value: object) -> bool:
    """Whether a configuration's field is what was told."""
    if name == "mlp_ratio":                            # only the number of hidden units shows
        return int(config.embed_dim * own) == int(config.embed_dim * value)
    if name == "window_size":
        return same(in_stages(own), in_stages(value))
    if name == "pretrained_window_sizes" and isinstance(config, SwinV2Config):
        return windows_of_first_training(config, own) == windows_of_first_training(config, value)
    return own == value


def windows_of_first_training(config: SwinV2Config, sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """In each stage, where 0 is the stage's own window."""
    sizes = sizes * len(config.depths) if len(sizes) == 1 else sizes or (0,) * len(config.depths)
    windows = [config.shape_policy.table_window(size, config.window(stage))
               for stage, size in enumerate(config.map_sizes())]
    return [pair(size) if size else window for size, window in zip(sizes, windows, strict=False)]


def told_eps(config: Config, told: Told | None) -> float | None:
    """The eps of a Swin's norms where config.json tells another than SwinConfig's, which has no field for it."""
    if told is None or not isinstance(getattr(config, "backbone", config), SwinConfig):
        return None
    eps = (told.backbone if isinstance(config, DenseConfig) else told.fields).get("eps")
    return eps if eps != LayerNorm.eps else None


def with_eps(model: Module, eps: float | None) -> Module:
    """The model with another eps in the norms of its Swin's blocks and the last one.

    transformers, whose entry it is, has 1e-5 in all others, of the embedding, of patch merging and of a backbone's
    maps.
    """
    if eps is not None:
        swin = getattr(model, "backbone", model)
        blocks = [block for stage in swin.layers for block in stage.blocks]
        for norm in [swin.norm, *(norm for block in blocks for norm in (block.norm1, block.norm2))]:
            if norm is not None:                       # of a backbone the last one is
                norm.eps = eps
    return model

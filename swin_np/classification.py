"""Section 4.1: image classification, from a photograph to its most probable classes."""

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_np import images
from swin_np.checkpoints.config_files.presets import stored_preset
from swin_np.checkpoints.file_names import CONFIGURATION
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.loading import identify
from swin_np.dense.backbones import DenseModel
from swin_np.errors import CheckpointError, ConfigurationError, InputError, ShapeError
from swin_np.functional import Array, pair, softmax
from swin_np.images import Preset
from swin_np.layers import Module
from swin_np.preprocessing.choice import default_preset, named_preset
from swin_np.systems.registry import Config, image_size
from swin_np.text import size

IMAGENET_1K, IMAGENET_22K = 1000, 21841                # classes


@dataclass(frozen=True)
class RankedClass:
    """One class of an image: its number, its name (empty if not known) and its probability."""

    number: int
    name: str
    probability: float

    def label(self) -> str:
        """The name, or else the number."""
        return self.name or f"class {self.number}"


def class_names(count: int) -> tuple[str, ...]:
    """A short name for each of `count` classes: those of ImageNet-1k if there are 1000, else empty texts."""
    if count != IMAGENET_1K:
        return ("",) * count
    file = importlib.resources.files("swin_np") / "data" / "imagenet_1k_names.txt"
    return tuple(file.read_text(encoding="utf-8").splitlines())


def names_of(labels: tuple[str, ...] | None, count: int) -> tuple[tuple[str, ...], str]:
    """A name for each of `count` classes, and where the names come from: "config.json", "ImageNet-1k", "" for nowhere.

    labels: those that config.json beside the checkpoint gives (StoredCheckpoint.labels). They count more than what the
    number of classes tells, and where they are of another number, nothing is told.
    """
    if labels is None:
        return class_names(count), "ImageNet-1k" if count == IMAGENET_1K else ""
    if len(labels) != count:
        return ("",) * count, ""
    return labels, CONFIGURATION


def check_head(model: Module, top: int) -> None:
    """Raise ConfigurationError or InputError unless the model can name `top` classes of an image with three colours."""
    if isinstance(model, DenseModel):
        raise ConfigurationError("the model scores pixels or makes a pyramid, and names no class of an image: "
                                 "take a checkpoint for classification")
    count = getattr(model.config, "num_classes", 0)    # a Transformer's has none
    if not count:
        raise ConfigurationError("the model has no head, so it gives features and no classes: "
                                 "take a checkpoint for classification")
    if model.config.in_chans != 3:
        raise ConfigurationError(f"the model takes images of {model.config.in_chans} channels, and images are prepared "
                                 "with red, green and blue: take a checkpoint for these, or call the model yourself")
    if not 1 <= top <= count:
        raise InputError(f"the {top} most probable classes were asked for, the model has {count}: "
                         f"ask for 1 to {count}")


def preset_of(name: str | None, stored: StoredCheckpoint, config: Config, sizes: dict[str, object]) -> Preset:
    """The preset asked for, else the one that a file beside the checkpoint tells, else that of its implementation.

    stored: the checkpoint as it was read; config: of the model that was loaded; sizes: what else `load` was given.
    Raises a SwinError, with the choices, where there is none or it does not fit.
    """
    if name is not None:
        return named_preset(name, config)
    found = identify(stored, **sizes)
    preset = found.preprocessing and stored_preset(found.preprocessing)
    if preset is None:
        return default_preset(config, found.dialect.name)
    try:
        config.check_image_size(pair(preset.crop))
    except ShapeError:
        raise CheckpointError(f"{stored.name}: {preset.name} beside it crops to {size(pair(preset.crop))}, and the "
                              f"model takes {size(image_size(config))}: give --image-size or --preset NAME") from None
    return preset


def classify(model: Module, image: Array, preset: Preset, top: int = 5,
             names: Sequence[str] | None = None) -> list[RankedClass]:
    """The `top` most probable classes of an image (H, W, 3) uint8, the most probable first; of equals the lower number.

    names: of all classes, where they are known (`names_of`); of 1000 classes they are ImageNet-1k's if none are given.
    Raises ConfigurationError for a model without a head, InputError for anything that is no image, for `top` beyond
    the classes and for weights that give no number, ShapeError for a preset whose crop the model does not take.
    """
    check_head(model, top)
    model.config.check_image_size(pair(preset.crop))
    batch = images.preprocess(image, preset).astype(model.dtype)
    try:
        logits = model(batch)[0]                       # (num_classes,)
        finite = np.isfinite(logits).all()             # the model itself looks, unless a trace records
    except InputError:
        finite = False
    if not finite:
        raise InputError("the logits are not finite: the checkpoint holds NaN, infinite or huge weights, "
                         "swin-np inspect says where")
    probabilities = softmax(logits.astype(np.float64))
    if names is None:
        names = class_names(len(logits))
    return [RankedClass(int(i), names[i], float(probabilities[i]))
            for i in np.argsort(-probabilities, kind="stable")[:top]]

"""Two small models on which every mistake shows, with large random weights and images whose sides differ."""

from functools import cache

import numpy as np

from oracle.mistake_models import EVEN, ODD, needs_odd_window
from swin_np import SwinConfig, SwinTransformer, trace
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import Mistake


def config_for(mistake: Mistake) -> SwinConfig:
    """The configuration whose model shows the mistake."""
    return ODD if needs_odd_window(mistake) else EVEN


@cache
def model_and_images(config: SwinConfig, dtype: type = np.float64) -> tuple[SwinTransformer, Array]:
    """The model with its weights drawn large, and a batch of two images."""
    model = SwinTransformer.random(config)
    redraw(model, 11)
    images = np.random.default_rng(5).standard_normal((2, 3, *config.img_size), np.float32)
    return model.astype(dtype), images.astype(dtype)


@cache
def outputs(config: SwinConfig, mistake: Mistake | None = None, dtype: type = np.float64) -> dict[str, Array]:
    """Every module's output by its official name, in the order of computation, with the mistake planted or none."""
    model, images = model_and_images(config, dtype)
    with planted(*([mistake] if mistake else [])), trace(model) as activations:
        model(images)
    names = {name or "output" for name, _ in model.named_modules()}
    return {name: value for name, value in activations.items() if name in names}


def relative_difference(ours: Array, theirs: Array) -> float:
    """The largest difference over the largest value; infinite for different shapes."""
    if ours.shape != theirs.shape:
        return np.inf
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def first_difference(wrong: dict[str, Array], right: dict[str, Array], tolerance: float) -> str:
    """The first module, in the order of the right model, whose output is another."""
    return next(name for name, value in right.items()
                if name not in wrong or relative_difference(wrong[name], value) > tolerance)

"""What the small models give with a mistake planted, and how two results differ."""

from functools import cache

import numpy as np

from oracle.small_models import model_and_images, module_outputs
from swin_np import SwinConfig, trace
from swin_np.functional import Array
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import Mistake


@cache
def outputs(config: SwinConfig, mistake: Mistake | None = None, dtype: type = np.float64) -> dict[str, Array]:
    """Every module's output by its official name, in the order of computation, with the mistake planted or none."""
    model, images = model_and_images(config, dtype=dtype)
    with planted(*([mistake] if mistake else [])), trace(model) as activations:
        model(images)
    return module_outputs(model, activations)


def relative_difference(ours: Array, theirs: Array) -> float:
    """The largest difference over the largest value; infinite for different shapes."""
    if ours.shape != theirs.shape:
        return np.inf
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def first_difference(wrong: dict[str, Array], right: dict[str, Array], tolerance: float) -> str:
    """The first module, in the order of the right model, whose output is another."""
    return next(name for name, value in right.items()
                if name not in wrong or relative_difference(wrong[name], value) > tolerance)

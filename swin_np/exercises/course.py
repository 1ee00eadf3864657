"""The course: every notebook with its exercises, in order."""

from swin_np.exercises import (
    attention,
    blocks,
    complexity,
    find_the_bug,
    model,
    patches,
    predictions,
    shifted_windows,
    vit_and_swin_v2,
    windows,
)
from swin_np.exercises.exercise import Exercise

ORDER = (attention, patches, windows, shifted_windows, blocks, complexity, model, find_the_bug, vit_and_swin_v2,
         predictions)

NOTEBOOKS: dict[str, list[Exercise]] = {
    f"{number:02}_{module.__name__.rpartition('.')[2]}": [
        value for value in vars(module).values() if isinstance(value, Exercise)]
    for number, module in enumerate(ORDER, start=1)}
"""The exercises of every notebook, by the notebook's name, in the order in which a file defines them."""

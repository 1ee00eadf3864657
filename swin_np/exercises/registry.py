"""All exercises, in the order of the notebooks."""

from swin_np.exercises import attention, blocks, complexity, find_the_bug, model, patches, shifted_windows, windows
from swin_np.exercises.exercise import Exercise

ORDER = (attention, patches, windows, shifted_windows, blocks, complexity, model, find_the_bug)

NOTEBOOKS: dict[str, list[Exercise]] = {
    f"{number:02}_{module.__name__.rpartition('.')[2]}": [
        value for value in vars(module).values() if isinstance(value, Exercise)]
    for number, module in enumerate(ORDER, start=1)}
"""The exercises of every notebook, by the notebook's name, in the order in which a file defines them."""

EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercises in NOTEBOOKS.values() for exercise in exercises}
"""Every exercise by its function's name."""

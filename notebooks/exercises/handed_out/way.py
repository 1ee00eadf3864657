"""What the right function has on its way to the result, as it was recorded."""

from swin_np.exercises.recorded import RESULTS

from swin_np.exercises.exercise import Arguments, Exercise
from swin_np.exercises.keys import digest
from swin_np.exercises.marks import Mark, Station


def way(exercise: Exercise, arguments: Arguments) -> list[Station]:
    """The recorded stations of these arguments."""
    return [Station(name, Mark(*mark), orders, kind)
            for name, mark, orders, kind in RESULTS[exercise.name]["ways"].get(digest(arguments), [])]

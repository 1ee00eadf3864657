"""The course: every notebook with its exercises, whose references look up what was recorded."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

from swin_np.exercises.recorded import RECORDED, RESULTS

from swin_np.errors import ConfigurationError
from swin_np.exercises.exercise import Exercise
from swin_np.exercises.keys import digest
from swin_np.mistakes.catalogue import GROWING


def exercise(name: str) -> Exercise:
    """An exercise as it was recorded."""
    stored, results = RECORDED["exercises"][name], RESULTS[name]

    def reference(*arguments: Any) -> Any:
        key = "+".join([digest(arguments), *sorted(GROWING)])
        if key not in results["values"]:
            raise ConfigurationError(f"the hand-out does not know what {name} gives for these arguments: call check "
                                     "with the function alone")
        found = results["values"][key]
        if "error" in found:
            raise ValueError(found["error"])
        return copy.deepcopy(found["value"])

    parameters = [inspect.Parameter(one, inspect.Parameter.POSITIONAL_OR_KEYWORD) for one in stored["parameters"]]
    reference.__name__ = name
    reference.__signature__ = inspect.Signature(parameters)               # type: ignore[attr-defined]
    golden: Callable | None = (lambda: copy.deepcopy(results["golden"])) if "golden" in results else None
    return Exercise(**stored["fields"], reference=reference, toy=lambda: copy.deepcopy(results["toy"]),
                    draw=None, covers={}, golden=golden)


NOTEBOOKS: dict[str, list[Exercise]] = {
    notebook: [exercise(name) for name in names] for notebook, names in RECORDED["notebooks"].items()}
"""The exercises of every notebook, by the notebook's name."""

"""Arrays that are kept for the next caller cannot be written to."""

import importlib
import inspect
import pkgutil
from functools import cached_property

import numpy as np

import swin_np
from swin_np.layers import Module


def cached_functions() -> dict[str, object]:
    """Every function and property of the package that keeps what it gave, by its dotted name."""
    found = {}
    for module in pkgutil.walk_packages(swin_np.__path__, "swin_np."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if hasattr(value, "cache_clear") and value.__module__ == module.name:
                    found[f"{module.name}.{name}"] = value
                if inspect.isclass(value) and value.__module__ == module.name:
                    found |= {f"{module.name}.{name}.{key}": kept for key, kept in vars(value).items()
                              if isinstance(kept, cached_property)}
    return found


CACHED = {
    "swin_np.attention.relative_position_index": lambda function: [function(3), function((2, 3)), function([2, 3])],
    "swin_np.windows.shifted_window_mask": lambda function: function((8, 8), 4, 2),
    "swin_np.plots.gallery.four_blocks": lambda function: function(),
}
"""How to call those that give arrays, or modules, which are made of them."""

WITHOUT_ARRAYS = {
    "swin_np.classroom.grading.exercise_set", "swin_np.classroom.sandbox.namespaces",
    "swin_np.exercises.submission.parsed", "swin_np.exercises.sealing.digest",
    "swin_np.mistakes.catalogue.bindings",
    "swin_np.mistakes.catalogue.cache_clearers", "swin_np.crosscheck.candidates.official_name",
    "swin_np.crosscheck.contents.Tensors.precision", "swin_np.crosscheck.reference.Reference.axes",
    "swin_np.crosscheck.reference.Reference.modules", "swin_np.parallel.blas.library",
    "swin_np.crosscheck.arithmetic.emulation.rounding_layer", "swin_np.exercises.complexity.rounded",
    "swin_np.language.codes", "swin_np.language.longest", "swin_np.language.table",
}
OF_A_FILE = {"swin_np.checkpoints.formats.torch_tensors.Storage.elements",           # kept with the file that is read
             "swin_np.checkpoints.formats.numpy_arrays.StoredArray.checked"}


def arrays_in(value: object) -> list[np.ndarray]:
    if isinstance(value, Module):
        return list(value.state_dict().values())
    return [x for item in value for x in arrays_in(item)] if isinstance(value, list | tuple) else [value]


def test_no_array_that_is_kept_for_the_next_caller_can_be_written_to():
    cached = cached_functions()
    assert cached.keys() == CACHED.keys() | WITHOUT_ARRAYS | OF_A_FILE
    for name, call in CACHED.items():
        arrays = arrays_in(call(cached[name]))
        assert arrays and not any(x.flags.writeable for x in arrays), name

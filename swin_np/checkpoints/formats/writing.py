"""Writing a checkpoint: what may be written."""

import numpy as np

from swin_np.checkpoints.formats.arrays import ITEMSIZE
from swin_np.errors import CheckpointError
from swin_np.functional import Array

LONGEST_NAME = 300                                     # characters


def is_name(name: object) -> bool:
    """Whether this can name a tensor: a short, printable text."""
    return isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME


def checked_tensors(tensors: dict[str, Array], metadata: dict[str, str], reserved: str) -> dict[str, Array]:
    """The tensors as arrays, or CheckpointError if they or the metadata cannot be stored."""
    if any(not isinstance(text, str) for item in metadata.items() for text in item):
        raise CheckpointError("metadata must map text to text: convert the values with str or json.dumps")
    arrays = {name: np.asarray(value) for name, value in tensors.items()}
    for name, array in arrays.items():
        if not is_name(name) or name == reserved:
            raise CheckpointError(f"a tensor cannot be called {name!r} in this format: rename it")
        if array.dtype.name not in ITEMSIZE:
            raise CheckpointError(f"tensor {name!r} is of dtype {array.dtype}, and {', '.join(ITEMSIZE)} can be "
                                  "written: convert it with astype")
    return arrays

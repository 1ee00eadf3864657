"""Keys by which a hand-out finds what was recorded: of arguments, and of the state of random numbers."""

import copy
import hashlib
import io

import numpy as np

from swin_np.exercises import wire
from swin_np.exercises.exercise import Arguments


def digest(arguments: Arguments) -> str:
    """Arguments as a key."""
    stream = io.BytesIO()
    wire.send(stream, arguments)
    return hashlib.sha256(stream.getvalue()).hexdigest()


def drawing(rng: np.random.Generator) -> str:
    """The state of random numbers as a key; it stays as it is."""
    return str(int(copy.deepcopy(rng).integers(2 ** 62)))

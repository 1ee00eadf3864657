"""The golden values of the exercises on other systems are what PyTorch and timm give."""

import numpy as np

from oracle.exercise_values import values
from swin_np.exercises.exercise import DATA


def test_the_stored_values_are_those_of_pytorch_and_timm():
    with np.load(DATA / "other_systems.npz") as stored:
        made = values()
        assert made.keys() == set(stored.files)
        for name, value in made.items():
            assert np.allclose(stored[name], value, rtol=1e-12, atol=1e-13), name

"""The golden values of the exercises on other systems are what PyTorch and timm give."""

import numpy as np
import pytest

from swin_np.exercises.exercise import DATA

for library in ("torch", "timm"):
    pytest.importorskip(library)

from oracle.exercise_values import values  # noqa: E402  which needs both


def test_the_stored_values_are_those_of_pytorch_and_timm():
    with np.load(DATA / "other_systems.npz") as stored:
        made = values()
        assert made.keys() == set(stored.files)
        for name, value in made.items():
            assert np.allclose(stored[name], value, rtol=1e-12, atol=1e-13), name

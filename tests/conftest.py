"""What every test may ask for."""

import numpy as np
import pytest

import oracle.libraries  # noqa: F401  lets timm and torchvision be imported, wherever a test does


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20210325)

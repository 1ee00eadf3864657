"""What the tests of convolutional networks share: many maps as one vector."""

import numpy as np

from swin_np.functional import Array


def joined(outputs: list[Array], truths: list[Array]) -> Array:
    """All outputs as one vector, each brought to the scale of 1 by a power of two, which is exact.

    The largest rounding error of a few dozen values is luck; that of all maps together is not.
    """
    return np.concatenate([np.ldexp(output, -np.frexp(np.abs(truth).max())[1]).ravel()
                           for output, truth in zip(outputs, truths, strict=True)])

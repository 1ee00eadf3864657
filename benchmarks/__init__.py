"""Measurements of speed and accuracy against PyTorch; each module is a command, `python -m benchmarks.accuracy`."""

import oracle.libraries  # noqa: F401  lets transformers be imported where torchvision's operators do not load

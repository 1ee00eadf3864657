"""Measurements of speed and accuracy against PyTorch; each module is a command, `python -m benchmarks.accuracy`."""

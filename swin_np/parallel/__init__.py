"""Several cores: parts of arrays in threads, settings that hold inside `with` blocks, NumPy's BLAS on one core."""

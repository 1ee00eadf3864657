"""How images are prepared: the presets of the public implementations, and which one a model takes."""

"""Checkpoints: the dialects of names in which the public implementations store a Swin Transformer."""

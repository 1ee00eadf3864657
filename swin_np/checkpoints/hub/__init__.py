"""Pretrained weights from a hub, by an address that begins with hf://."""

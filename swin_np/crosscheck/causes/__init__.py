"""Causes beyond the catalogue: found by trying every plain change of a module, or by solving for it."""

"""Exercises: the students' notebooks and their solutions, both generated from `source`."""

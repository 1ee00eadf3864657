"""Exercises: a student's function is checked, and a wrong one is told which mistake of the catalogue it makes."""

from swin_np.exercises.checking import check
from swin_np.exercises.registry import progress

__all__ = ["check", "progress"]

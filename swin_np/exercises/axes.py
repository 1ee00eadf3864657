"""What sentences call the axes of a result, and a place on one of them."""

from swin_np.language import phrase

Axis = str | int                                       # its name, or its number where the exercise gives it none

PLURALS = {"image": "images", "window": "windows", "window of an image": "windows of an image", "row": "rows",
           "column": "columns", "row of windows": "rows of windows", "column of windows": "columns of windows",
           "token": "tokens", "query": "queries", "key": "keys", "head": "heads", "channel": "channels",
           "number": "numbers", "class": "classes"}
"""The names of axes, one place on them and several."""


def place_on(axis: Axis) -> str:
    """One place on an axis, in Chinese with its measure word: "row" or "place on axis 0"."""
    return phrase("place on axis {axis}", axis=axis) if isinstance(axis, int) else phrase(axis)


def places_on(axis: Axis) -> str:
    """Several places on an axis: "rows"."""
    return phrase("places on axis {axis}", axis=axis) if isinstance(axis, int) else phrase(PLURALS[axis])

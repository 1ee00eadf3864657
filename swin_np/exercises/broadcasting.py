"""What an error of NumPy's broadcasting says of a function: an axis that was lost on the way."""

import re

from swin_np.language import phrase

SHAPES = re.compile(r"operands could not be broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)")


def lost_axis(error: str) -> str:
    """A sentence on two shapes that do not go together, of which one is the other without an axis; or ''."""
    if not (found := SHAPES.search(error)):
        return ""
    shapes = [tuple(map(int, filter(None, text.split(",")))) for text in found.groups()]
    longer, shorter = sorted(shapes, key=len, reverse=True)
    if shorter not in [longer[:axis] + longer[axis + 1:] for axis in range(len(longer))]:
        return ""
    return phrase("The shape {shorter} is {longer} without one axis: was it lost in a sum, a mean or a maximum? "
                  "keepdims=True keeps it, as an axis of length 1.", shorter=shorter, longer=longer)

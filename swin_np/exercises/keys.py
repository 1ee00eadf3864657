"""Keys by which a hand-out finds what was recorded."""

import hashlib
import io

from swin_np.exercises import wire
from swin_np.exercises.exercise import Arguments


def digest(arguments: Arguments) -> str:
    """Arguments as a key."""
    stream = io.BytesIO()
    wire.send(stream, arguments)
    return hashlib.sha256(stream.getvalue()).hexdigest()

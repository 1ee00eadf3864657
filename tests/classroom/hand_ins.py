"""Hand-ins for the tests: notebooks, marked cells, zips and a class."""

import io
import json
import zipfile
from pathlib import Path

RIGHT = ("import numpy as np\ndef softmax(x):\n    e = np.exp(x - x.max(-1, keepdims=True))\n"
         "    return e / e.sum(-1, keepdims=True)")
OVERFLOWS = "import numpy as np\ndef softmax(x):\n    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)"
GELU = ("import math\nimport numpy as np\ndef gelu(x):\n"
        "    return x / 2 * (1 + np.vectorize(math.erf, otypes=[x.dtype])(x / 2 ** 0.5))")
STUB = "def softmax(x):\n    \"\"\"(..., n) -> (..., n).\"\"\"\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def notebook(*cells: str | dict) -> bytes:
    """A notebook of code cells; a dict is a cell as it is."""
    return json.dumps({"cells": [cell if isinstance(cell, dict) else code(cell) for cell in cells]}).encode()


def code(text: str, **notes: object) -> dict:
    """A code cell with nbgrader's notes, or without metadata."""
    return {"cell_type": "code", "source": text, "metadata": {"nbgrader": notes} if notes else {}}


def answer(name: str, text: str) -> dict:
    """A cell that nbgrader has marked as an exercise's."""
    return code(text, grade_id=name, solution=True, grade=False)


def check(name: str, text: str = "") -> dict:
    """A cell that nbgrader has marked as an exercise's check."""
    return code(text or f"result = check({name})\nresult.points", grade_id=f"check-{name}", grade=True, solution=False)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder

"""Layouts: one activation as (B, H, W, C), (B, L, C), (B, C, H, W), windows first, ...; told apart by their shapes.

A layout is written with a letter for every axis that there is and a space between those of the array, in the order
in which they lie in memory: "B IM JN C" is a map of I x J windows of M x N tokens, "BIJ MN C" the same windows first.
A map without windows has windows of one token. T counts the tokens of a sequence; Y and X the
displacements in a window, down and across.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.points import Place
from swin_np.errors import ShapeError
from swin_np.functional import Array
from swin_np.systems.registry import Config

MAP = {
    "(B, H, W, C)": "B IM JN C",
    "(B, L, C)": "B IMJN C",
    "(B L, C)": "BIMJN C",
    "(B, C, H, W)": "B C IM JN",
    "(B, C, L)": "B C IMJN",
    "(L, B, C)": "IMJN B C",
    "(C, B L)": "C BIMJN",
    "(B nW, M, M, C)": "BIJ M N C",
    "(B nW, M^2, C)": "BIJ MN C",
    "(B, nW, M^2, C)": "B IJ MN C",
}
WINDOWS = {
    "(B nW, M^2, C)": "BIJ MN C",
    "(B nW, M, M, C)": "BIJ M N C",
    "(B, nW, M^2, C)": "B IJ MN C",
    "(B, nH, nW, M, M, C)": "B I J M N C",
    "(B nW M^2, C)": "BIJMN C",
    "(nW B, M^2, C)": "IJB MN C",
    "(B nW, C, M^2)": "BIJ C MN",
    "(C, B nW M^2)": "C BIJMN",
}
HEADS = {
    "(B nW, heads, M^2, d)": "BIJ H MN D",
    "(B nW, M^2, heads, d)": "BIJ MN H D",
    "(B nW, M^2, C)": "BIJ MN HD",
    "(B, nW, heads, M^2, d)": "B IJ H MN D",
    "(B nW heads, M^2, d)": "BIJH MN D",
    "(heads, B nW, M^2, d)": "H BIJ MN D",
    "(B nW, heads, d, M^2)": "BIJ H D MN",
}
PAIRS = {
    "(B nW, heads, M^2, M^2)": "BIJ H Q K",
    "(B, nW, heads, M^2, M^2)": "B IJ H Q K",
    "(B nW heads, M^2, M^2)": "BIJH Q K",
    "(heads, B nW, M^2, M^2)": "H BIJ Q K",
}
SEQUENCES = {
    "(B, n, C)": "B T C",
    "(B n, C)": "BT C",
    "(n, B, C)": "T B C",
    "(B, C, n)": "B C T",
    "(C, B n)": "C BT",
}
SEQUENCE_HEADS = {
    "(B, heads, n, d)": "B H T D",
    "(B, n, heads, d)": "B T H D",
    "(B, n, C)": "B T HD",
    "(B heads, n, d)": "BH T D",
    "(n, B heads, d)": "T BH D",
    "(B, heads, d, n)": "B H D T",
}
SEQUENCE_PAIRS = {"(B, heads, n, n)": "B H Q K", "(B heads, n, n)": "BH Q K", "(heads, B, n, n)": "H B Q K"}
VECTORS = {"(B, C)": "B C", "(C, B)": "C B"}
IMAGES = {"(B, 3, H, W)": "B C H W", "(B, H, W, 3)": "B H W C"}
TABLES = {"((2M-1)^2, C)": "YX C", "(2M-1, 2M-1, C)": "Y X C"}
SCORES = {"(B, classes, H, W)": "B C IM JN", "(B, H, W, classes)": "B IM JN C"}

KINDS = {
    "map": ("BIMJNC", MAP), "windows": ("BIJMNC", WINDOWS), "heads": ("BIJHMND", HEADS), "pairs": ("BIJHQK", PAIRS),
    "sequence": ("BTC", SEQUENCES), "sequence heads": ("BHTD", SEQUENCE_HEADS),
    "sequence pairs": ("BHQK", SEQUENCE_PAIRS), "vector": ("BC", VECTORS), "image": ("BCHW", IMAGES),
    "scores": ("BCIMJN", SCORES), "table": ("YXC", TABLES),
}
"""By kind of place: the letters of its axes, in the order of the reference, and its layouts."""

NEARER = 0.5                                           # another layout must at least halve the difference


@dataclass(frozen=True)
class Axes:
    """The axes of one point: letters with their lengths, in the order of the reference, and the layouts of such."""

    lengths: dict[str, int]
    layouts: dict[str, str]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape with every axis apart."""
        return tuple(self.lengths.values())

    def apart(self, array: Array, layout: str) -> Array | None:
        """The array, which has this layout, with every axis apart and in the reference's order; None if it cannot.

        Axes of length 1, such as a batch of one image, may be there or not.
        """
        groups = layout.split()
        lengths = [math.prod([self.lengths[letter] for letter in group]) for group in groups]
        if not alike(lengths, array.shape):
            return None
        letters = layout.replace(" ", "")
        array = array.reshape([self.lengths[letter] for letter in letters])
        return array.transpose([letters.index(letter) for letter in self.lengths])

    def fitting(self, array: Array) -> dict[str, Array]:
        """The array with its axes apart, by every layout that its shape allows."""
        found = {name: self.apart(array, layout) for name, layout in self.layouts.items()}
        return {name: value for name, value in found.items() if value is not None}

    def expected(self) -> str:
        """The usual shapes, for a message."""
        shapes = [tuple(math.prod([self.lengths[letter] for letter in group]) for group in layout.split())
                  for layout in list(self.layouts.values())[:3]]
        return " or ".join(f"{name} {shape}" for name, shape in zip(self.layouts, shapes, strict=False))


def alike(lengths: Sequence[int], others: Sequence[int]) -> bool:
    """Whether two shapes are equal but for axes of length 1."""
    return [n for n in lengths if n > 1] == [n for n in others if n > 1]


def align(array: Array, reference: Array, axes: Axes) -> tuple[str, Array]:
    """(the layout, the array with its axes apart): the first that fits the shape, unless another is far nearer.

    reference: with its axes apart. Raises ShapeError if no layout has this shape.
    """
    found = axes.fitting(array)
    if not found:
        raise ShapeError(f"it has shape {array.shape}, expected {axes.expected()}")
    if len(found) == 1:
        return next(iter(found.items()))
    differences = {name: distance(value, reference) for name, value in found.items()}
    first, nearest = next(iter(found)), min(differences, key=differences.get)
    best = nearest if differences[nearest] < NEARER * differences[first] else first
    return best, found[best]


def distance(x: Array, y: Array) -> float:
    """The root of the summed squared differences of what is finite in both."""
    difference = x.astype(np.float64) - y
    return float(np.sqrt(np.square(difference[np.isfinite(difference)]).sum()))


def axes_of(name: str, shape: tuple[int, ...], config: Config | None, image_size: tuple[int, int]) -> Axes:
    """The axes of the point `name`, which has `shape` in a trace of a model of `config` on images of this size.

    Without a configuration, as for other models, only that one shape is known.
    """
    if config is None:
        lengths = {chr(ord("a") + i): length for i, length in enumerate(shape)}
        return Axes(lengths, {str(shape): " ".join(lengths)})
    place = Place("image") if name == "input" else checked(config).place(name, shape, config, image_size)
    letters, layouts = KINDS[place.kind]
    if place.kind in ("image", "vector"):
        return Axes(dict(zip(letters, shape, strict=True)), layouts)
    lengths = lengths_of(place, shape)
    batch = math.prod(shape) // math.prod(lengths[letter] for letter in letters if letter != "B")
    return Axes({letter: lengths.get(letter, batch) for letter in letters}, layouts)


def lengths_of(place: Place, shape: tuple[int, ...]) -> dict[str, int]:
    """The length of every axis that a point of this place and shape can have, but for the batch."""
    (h, w), (m, n) = place.map_size, place.window
    tokens = place.length or m * n
    return {"I": h // m, "M": m, "J": w // n, "N": n, "T": tokens, "Q": tokens, "K": tokens, "Y": 2 * m - 1,
            "X": 2 * n - 1, "H": shape[1], "D": shape[-1], "C": shape[1 if place.kind == "scores" else -1]}

"""Plain transformations: how a wrong result becomes the right one without any catalogue, in a sentence."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from swin_np.exercises.axes import place_on, places_on
from swin_np.exercises.comparing import equal, number_text
from swin_np.exercises.exercise import Exercise, Step
from swin_np.language import phrase

MOST_AXES = 5                                          # whose 120 orders are tried
NEARLY = 100                                           # times the tolerance
CLOSE_TO_ONE = 1e-3
POWERS = {-2: "^-2", -1: "^-1", -0.5: "^-1/2", 0.5: "^1/2", 1: "", 2: "^2"}
Pair = tuple[Step, Any]                                # a call that is wrong, and what it gave
Look = Callable[[Exercise, Sequence[Pair]], str]       # a sentence, or '' where it does not explain every wrong call


def explained(exercise: Exercise, wrong: Sequence[Pair]) -> tuple[Look | None, str]:
    """The first look that finds a transformation which explains every wrong call, and its sentence; or (None, '')."""
    if not wrong or not all(comparable(got, step.expected) for step, got in wrong):
        return None, ""
    arrays = [(step, got.astype(step.expected.dtype)) for step, got in wrong]
    return next(((look, said) for look in LOOKS if (said := look(exercise, arrays))), (None, ""))


def comparable(got: Any, expected: Any) -> bool:
    """Whether both are arrays of as many finite numbers."""
    return (isinstance(got, np.ndarray) and isinstance(expected, np.ndarray) and got.dtype.kind in "iuf"
            and expected.dtype.kind in "if" and got.size == expected.size > 1 and bool(np.isfinite(got).all()))


def same(step: Step, got: np.ndarray, times: float = 1) -> bool:
    """Whether an array is what is right."""
    return got.shape == step.expected.shape and bool(equal(got, step.expected, step.dtype, times).all())


def everywhere(pairs: Sequence[Pair], change: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether every result becomes right by the change."""
    return all(same(step, change(got)) for step, got in pairs)


def nearly(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Results that are right but for few digits."""
    if all(same(step, got, NEARLY) for step, got in pairs):
        return phrase("It is nearly right: is it an approximation, or is a step computed with fewer digits?")
    return ""


def reordered(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Axes in another order."""
    dimensions = {got.ndim for _, got in pairs}
    if len(dimensions) > 1 or max(dimensions) > MOST_AXES:
        return ""
    count = dimensions.pop()
    for order in permutations(range(count)):
        moved = [axis for axis in range(count) if order[axis] != axis]
        if moved and everywhere(pairs, lambda got, order=order: got.transpose(order)):
            if len(moved) == 2:
                return phrase("Your result is the right one with the axes {one} and {other} exchanged: look at the "
                              "order in which you transpose, multiply or subtract.", one=moved[0], other=moved[1])
            return phrase("Your result is the right one once its axes are put in the order {order}.", order=order)
    return ""


def reshaped(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Another shape."""
    if any(got.shape != step.expected.shape for step, got in pairs) and everywhere_reshaped(pairs):
        return phrase("The numbers are right and in the right order, only the shape is another.")
    return ""


def everywhere_reshaped(pairs: Sequence[Pair]) -> bool:
    return all(same(step, got.reshape(step.expected.shape)) for step, got in pairs)


def reversed_axis(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """An axis the other way round."""
    for axis in range(min(got.ndim for _, got in pairs)):
        if everywhere(pairs, lambda got, axis=axis: np.flip(got, axis)):
            return phrase("Your result is the right one with axis {axis} reversed.", axis=axis)
    return ""


def rolled(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """An axis or two that are rolled."""
    for axes in ((1,), (2,), (1, 2)):
        if all(got.ndim > max(axes) for _, got in pairs):
            for by in (-3, -2, -1, 1, 2, 3):
                if everywhere(pairs, lambda got, axes=axes, by=by: np.roll(got, (by,) * len(axes), axes)):
                    return phrase("Your result is the right one, rolled by {by} along axis {axes}.", by=-by,
                                  axes=phrase(" and ").join(map(str, axes)))
    return ""


def scaled(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """A factor, of which it is said what it is where it follows from the sizes."""
    factors = []
    for step, got in pairs:
        factor = float(np.vdot(got, step.expected)) / (float(np.vdot(got, got)) or 1.0)
        if not factor or not same(step, got * factor):
            return ""
        factors.append(1 / factor)
    first = factors[0]
    if all(abs(factor + 1) < 1e-9 for factor in factors):
        return phrase("Your result equals the right one with the opposite sign.")
    if all(abs(factor - 1) < CLOSE_TO_ONE for factor in factors):
        return phrase("It is nearly right, all numbers are too small by a share of {share:.2g}: is there a small "
                      "number in a sum or a denominator that does not belong there?" if first < 1 else
                      "It is nearly right, all numbers are too large by a share of {share:.2g}: is there a small "
                      "number in a sum or a denominator that does not belong there?", share=abs(first - 1))
    where = sizes_that_give(exercise, pairs, factors)
    differs = max(factors) - min(factors) > 1e-5 * abs(first)
    sums = [float(x.sum(-1).ravel()[0]) for x in (pairs[0][1], pairs[0][0].expected)]
    rows = phrase(" Its rows sum to {sum:.4g} in place of 1.", sum=sums[0]) if abs(sums[1] - 1) < 1e-9 else ""
    if where:                                          # which differs, or it would not follow from sizes
        said = phrase("Your result is {factor:.6g} times the right one here, that is {sizes} times it in every call: "
                      "look at what the result is multiplied or divided by.", factor=first, sizes=where)
    else:
        said = phrase("Your result is {factor:.6g} times the right one here: look at what the result is multiplied or "
                      "divided by." if differs else
                      "Your result is {factor:.6g} times the right one: look at what the result is multiplied or "
                      "divided by.", factor=first)
    return said + rows


def sizes_that_give(exercise: Exercise, pairs: Sequence[Pair], factors: Sequence[float]) -> str:
    """The product of powers of one or two sizes that is the factor in every call, in words; or ''."""
    sizes = [named_sizes(exercise.parameters, step.arguments) for step, _ in pairs]
    if len({round(factor, 9) for factor in factors}) < 2:
        return ""
    names = [name for name in sizes[0] if all(name in one for one in sizes)]
    for chosen in [*((name,) for name in names), *combinations(names, 2)]:
        for power, text in POWERS.items():
            if all(abs(np.prod([one[name] for name in chosen]) ** power / factor - 1) < 1e-9
                   for one, factor in zip(sizes, factors, strict=True)):
                product = " ".join(chosen)
                return f"({product}){text}" if text and len(chosen) > 1 else f"{product}{text}"
    return ""


def named_sizes(names: Sequence[str], arguments: tuple[Any, ...]) -> dict[str, float]:
    """Every whole number among the arguments, and every side of an array, by what a student calls it."""
    found: dict[str, float] = {}
    for name, value in zip(names, arguments, strict=True):
        if isinstance(value, np.ndarray):
            found.update({f"{name}.shape[{axis}]": float(side) for axis, side in enumerate(value.shape)})
        elif isinstance(value, int) and not isinstance(value, bool) and value:
            found[name] = float(value)
        elif isinstance(value, tuple) and value and all(isinstance(item, int) for item in value):
            found.update({f"{name}[{number}]": float(item) for number, item in enumerate(value[:2]) if item})
    return found


def displaced(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Off by the same number everywhere."""
    offsets = [float(np.mean(got - step.expected)) for step, got in pairs if got.shape == step.expected.shape]
    if len(offsets) == len(pairs) and all(same(step, got - offset)
                                          for (step, got), offset in zip(pairs, offsets, strict=True)):
        return phrase("Your result is off by {offset:.6g} here, everywhere by the same number."
                      if max(offsets) - min(offsets) > 1e-9 else
                      "Your result is off by {offset:.6g}, everywhere by the same number.", offset=offsets[0])
    return ""


def displaced_by_an_argument(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Off by an argument, such as a bias that was left out."""
    def off(step: Step, got: np.ndarray) -> dict[str, int]:
        if got.shape != step.expected.shape:
            return {}
        difference = got - step.expected
        return {name: sign for name, value in parts(exercise.parameters, step.arguments) for sign in (1, -1)
                if broadcasts(value, difference) and same(step, got - sign * value)}

    found = [off(step, got) for step, got in pairs]
    for name, sign in found[0].items():
        if all(each.get(name) == sign for each in found):
            return phrase("Your result has {name} once too much, and is right otherwise." if sign > 0 else
                          "Your result lacks {name}, and is right otherwise.", name=name)
    return ""


def parts(names: Sequence[str], arguments: tuple[Any, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Every array among the arguments, those of a dict too, by what a student calls it."""
    for name, value in zip(names, arguments, strict=True):
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f'{name}["{key}"]', item) for key, item in value.items() if isinstance(item, np.ndarray))


def broadcasts(value: np.ndarray, like: np.ndarray) -> bool:
    """Whether an array can be added to another one and leaves its shape."""
    try:
        return value.dtype.kind == "f" and np.broadcast_shapes(value.shape, like.shape) == like.shape
    except ValueError:
        return False


def by_index(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """A factor or a number to add for each index of one axis."""
    if any(got.shape != step.expected.shape for step, got in pairs):
        return ""
    pairs = [(step, got.astype(np.float64)) for step, got in pairs]
    axes = exercise.axes.split()
    counts = {got.ndim for _, got in pairs}
    for axis in range(*counts) if len(counts) == 1 else range(-1, -min(counts) - 1, -1):
        named = 0 <= axis < len(axes)
        name = place_on(axes[axis]) if named else axis_name(axis)
        if any(got.shape[axis] < got.size for _, got in pairs):
            others = [tuple(other for other in range(got.ndim) if other != axis % got.ndim) for _, got in pairs]
            if all(same(step, got - (got - step.expected).mean(other, keepdims=True))
                   for (step, got), other in zip(pairs, others, strict=True)):
                return phrase("Your result is off by a number that depends on the {name} alone: is something added "
                              "there that should not be, or left out?" if named else
                              "Your result is off by a number that depends on the index of {name} alone: is something "
                              "added there that should not be, or left out?", name=name)
            if all(same(step, got * ratio(step.expected, got, other))
                   for (step, got), other in zip(pairs, others, strict=True)):
                return phrase("Every {name} of your result is a multiple of the right one, each with a factor of its "
                              "own: look at what it is multiplied or divided by." if named else
                              "Every index of {name} of your result is a multiple of the right one, each with a factor "
                              "of its own: look at what it is multiplied or divided by.", name=name)
    return ""


def axis_name(axis: int) -> str:
    """An axis in a sentence; counted from the end where results have several numbers of them."""
    return phrase("the last axis") if axis == -1 else phrase("axis {axis}", axis=axis)


def ratio(expected: np.ndarray, got: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """By what the slices of `got` are multiplied to become those of `expected` as nearly as can be."""
    return (expected * got).sum(axes, keepdims=True) / np.maximum((got * got).sum(axes, keepdims=True), 1e-300)


def along(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Lines along one axis that are right but for a factor or a number to add, each its own."""
    if any(got.shape != step.expected.shape or got.dtype.kind != "f" for step, got in pairs):
        return ""
    axes = exercise.axes.split()
    for axis in range(-1, -min(got.ndim for _, got in pairs) - 1, -1):
        name = phrase("the {names}", names=places_on(axes[axis])) if axes else axis_name(axis)
        if all(got.shape[axis] > 2 for _, got in pairs):
            if all(same(step, got - (got - step.expected).mean(axis, keepdims=True)) for step, got in pairs):
                return phrase("Along {axis} your result is right but for a number that is added to all of them, "
                              "another one for each place: is a mean subtracted, or added, that should not be?",
                              axis=name)
            if all(same(step, got * ratio(step.expected, got, (axis,))) for step, got in pairs):
                sums = float(pairs[0][1].sum(axis).ravel()[0]), float(pairs[0][0].expected.sum(axis).ravel()[0])
                told = (phrase(" Their first sum is {sum} in place of {expected}.", sum=number_text(sums[0], 4),
                               expected=number_text(sums[1], 4)) if abs(sums[1]) > 1e-6 else "")
                return phrase("Along {axis} your result is right but for a factor, another one for each place: look at "
                              "what they are divided by.", axis=name) + told
    return ""


def shuffled(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """The right numbers in another order along one axis."""
    axes = exercise.axes.split()
    for axis in range(min(got.ndim for _, got in pairs)):
        orders = [order_along(step, got, axis) for step, got in pairs]
        if all(order is not None for order in orders):
            yours, right = next((a, b) for a, b in enumerate(orders[0] or ()) if a != b)
            return phrase("Every {name} is there, but in another order: yours number {yours} is the right result's "
                          "number {right}.", name=place_on(axes[axis] if axis < len(axes) else axis), yours=yours,
                          right=right)
    return ""


def in_another_order(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """The right numbers in another order altogether."""
    if all(bool(equal(np.sort(got, None), np.sort(step.expected, None), step.dtype).all()) for step, got in pairs):
        return phrase("The numbers are right, but in another order: look at reshape and transpose, and at the order of "
                      "the axes in each.")
    return ""


def order_along(step: Step, got: np.ndarray, axis: int) -> list[int] | None:
    """For each slice of `got` along an axis the number of the right one that is equal to it; or None."""
    if got.shape != step.expected.shape or got.shape[axis] == got.size:
        return None
    mine, right = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (got, step.expected))
    scale = float(np.abs(step.expected).max()) or 1.0
    found = []
    for row in mine:
        near = np.abs(right - row).max(1)
        found.append(int(near.argmin()))
        if near.min() > 1e-9 * scale:
            return None
    return found if sorted(found) == list(range(len(found))) else None


def summed_elsewhere(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Weights that sum to 1 along another axis than the last one."""
    def sum_to_1(x: np.ndarray, axis: int) -> bool:
        return -x.ndim <= axis < x.ndim and np.allclose(x.sum(axis), 1, atol=1e-5)

    if all(got.shape == step.expected.shape and sum_to_1(step.expected, -1) for step, got in pairs):
        for axis in (0, 1, -2, -3):
            if all(sum_to_1(got, axis) and not sum_to_1(got, -1) for _, got in pairs):
                return phrase("Your result sums to 1 along axis {axis}, and should along the last one: look at the "
                              "axis of the sum.", axis=axis)
    return ""


def close(exercise: Exercise, pairs: Sequence[Pair]) -> str:
    """Results that differ by little from the right ones."""
    if any(got.shape != step.expected.shape or got.dtype.kind != "f" for step, got in pairs):
        return ""
    share = max(float(np.abs(got - step.expected).max() / (np.abs(step.expected).max() or 1)) for step, got in pairs)
    if share > CLOSE_TO_ONE:
        return ""
    return phrase("It is nearly right, off by a share of {share:.2g} at most: is there a small number in a sum or a "
                  "denominator that does not belong there, another eps, or an approximation?", share=share)


LOOKS: tuple[Look, ...] = (nearly, reordered, reshaped, reversed_axis, rolled, scaled, displaced,
                           displaced_by_an_argument, by_index, along, shuffled, in_another_order,
                           summed_elsewhere, close)

"""The door of every public function and configuration: a hostile call gives the right answer, or a SwinError.

The calls are made from right ones, in which one or two arguments are replaced; what is right is defined in
`tests/slow_definitions.py`, which knows nothing of the door.
"""

import importlib
import inspect
import pkgutil
import warnings
from collections import Counter
from dataclasses import astuple, fields, is_dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from types import UnionType
from typing import Literal, Union, get_args, get_origin

import numpy as np
import pytest

import swin_np
from swin_np import attention, complexity, convolution, functional, images, patches, windows
from swin_np.attention import WindowAttention
from swin_np.complexity import LayerCost, TotalCost
from swin_np.errors import ConfigurationError, InputError, SwinError
from swin_np.layers import Module, redraw
from swin_np.measurement import random_inputs
from swin_np.model import SwinConfig, SwinTransformer
from swin_np.ragged import ragged_window_attention
from swin_np.shape_policy import MICROSOFT, SHAPE_POLICIES, TIMM
from swin_np.systems import ARCHITECTURES, architecture_of, image_size
from tests import slow_definitions as slow
from tests.slow_definitions import NoAnswer, need, two, whole

MODULES = (windows, attention, patches, functional, convolution, complexity)
CALLS, CONFIGURATIONS = 6000, 3000
CLOSE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-9}       # of the scale; the right number or another one
LARGE = 1e15                                           # beyond it float32's squares are near infinity
TINY = SwinConfig((8, 12), 2, embed_dim=4, depths=(2, 1), num_heads=(2, 4), window_size=2, num_classes=3)


def public_functions() -> dict[str, object]:
    """Every function that one of the modules defines, by its name, which has no underscore before it."""
    return {name: value for module in MODULES for name, value in vars(module).items()
            if inspect.isfunction(inspect.unwrap(value)) and inspect.unwrap(value).__module__ == module.__name__
            and not name.startswith("_")} | {"pair": functional.pair}


# Right calls, by the name of the function: the arguments, drawn from a random generator.

def drawn(rng, *shape):
    return rng.standard_normal(shape).astype(rng.choice([np.float32, np.float64]))


def same(rng, *shapes):
    """Arrays of one dtype."""
    dtype = rng.choice([np.float32, np.float64])
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def side(rng, most=4):
    return int(rng.integers(1, most))


def window_of(rng):
    m, n = side(rng), side(rng)
    return (m * side(rng), n * side(rng)), (m, n), (int(rng.integers(m)), int(rng.integers(n)))


def on_windows(rng, *names):
    map_size, window, shift = window_of(rng)
    known = {"map_size": map_size, "window": window, "shift": shift, "x": drawn(rng, 2, *map_size, 3),
             "windows": drawn(rng, 2 * map_size[0] * map_size[1] // (window[0] * window[1]), *window, 3)}
    return {name: known[name] for name in names}


def attention_call(rng):
    b, heads, n, m, d, e = (side(rng) for _ in range(6))
    q, k, v, bias, mask = same(rng, (b, heads, n, d), (b, heads, m, d), (b, heads, m, e), (heads, n, m), (b, 1, n, m))
    return {"q": q, "k": k, "v": v, "bias": bias, "mask": mask if side(rng) > 1 else None, "scale": 0.5,
            "note": lambda step, value: None}


def whole_map_call(rng):
    call, heads = on_windows(rng, "x", "window", "shift"), side(rng)
    attn = WindowAttention.random(2 * heads, call["window"], heads, rng)
    redraw(attn, side(rng, 100))
    x = drawn(rng, *call["x"].shape[:3], 2 * heads)
    return {**call, "x": x, "attn": attn.astype(x.dtype.type), "pad_first": bool(side(rng) > 1)}


def with_out(rng):
    x, out = same(rng, (3, 5), (3, 5))
    return {"x": x, "out": [None, out, x][side(rng) - 1]}


def norm_call(rng, *names):
    c = side(rng)
    x, *parameters = same(rng, (2, 5, c), *[(c,)] * len(names))
    call = {"x": x, **dict(zip(names, parameters, strict=True)), "eps": 1e-5}
    return call | {"variance": np.abs(call["variance"])} if "variance" in call else call


def conv_call(rng, *names):
    groups, kernel = side(rng), (side(rng), side(rng))
    x, weight, bias = same(rng, (2, 6, 7, 2 * groups), (3 * groups, 2, *kernel), (3 * groups,))
    call = {"x": x, "weight": weight, "bias": bias if side(rng) > 1 else None, "stride": side(rng),
            "padding": (side(rng) - 1, 1), "dilation": 1, "groups": groups}
    return {name: call[name] for name in names} if names else call


def pool_call(rng, *names):
    call = {"x": drawn(rng, 2, 6, 7, 3), "size": (6, 7), "kernel": (2, 3), "stride": (side(rng), 2), "padding": (1, 1),
            "ceil_mode": bool(side(rng) > 1), "count_include_pad": bool(side(rng) > 1)}
    return {name: call[name] for name in names}


def cost_call(rng, *names):
    call = {"h": side(rng), "w": side(rng), "channels": side(rng), "name": "a", "kind": "sum", "shape": (2, 3),
            "positions": (2, 3), "inputs": 3, "outputs": side(rng), "bias": True, "windows": 2, "tokens": side(rng),
            "heads": 2, "parameters": 5, "arrays": 2, "dtype": np.float32, "config": TINY, "stage": 0,
            "map_size": (4, 6), "img_size": (8, 12), "costs": [LayerCost("a", "b", (1,), 1, 2, 3)] * 2}
    return {name: call[name] for name in names}


RIGHT = {
    "check_window": lambda rng: on_windows(rng, "map_size", "window", "shift"),
    "window_partition": lambda rng: on_windows(rng, "x", "window"),
    "window_reverse": lambda rng: on_windows(rng, "windows", "map_size"),
    "cyclic_shift": lambda rng: on_windows(rng, "x", "shift"),
    "reverse_cyclic_shift": lambda rng: on_windows(rng, "x", "shift"),
    "region_ids": lambda rng: on_windows(rng, "map_size", "window", "shift"),
    "shifted_window_mask": lambda rng: on_windows(rng, "map_size", "window", "shift"),
    "attention_mask": lambda rng: on_windows(rng, "map_size", "window", "shift"),
    "relative_position_index": lambda rng: on_windows(rng, "window"),
    "relative_position_bias": lambda rng: {"table": drawn(rng, 15, 2), "window": (2, 3)},
    "split_heads": lambda rng: {"qkv": drawn(rng, 2, 4, 12), "heads": 2},
    "merge_heads": lambda rng: {"x": drawn(rng, 2, 3, 4, 2)},
    "attention": attention_call,
    "shifted_window_attention": whole_map_call,
    "check_patch": lambda rng: {"img_size": (6, 8), "patch": (3, 2)},
    "check_even": lambda rng: {"map_size": (6, 8)},
    "patch_partition": lambda rng: {"images": drawn(rng, 2, 3, 6, 8), "patch": (3, 2)},
    "patch_merging": lambda rng: {"x": drawn(rng, 2, 4, 6, 3)},
    "linear": lambda rng: dict(zip(("x", "weight", "bias"), same(rng, (2, 3, 4), (5, 4), (5,)), strict=True)),
    "softmax": lambda rng: {"x": drawn(rng, 2, 3, 5)},
    "sigmoid": lambda rng: {"x": drawn(rng, 2, 3)},
    "layer_norm": lambda rng: norm_call(rng, "weight", "bias"),
    "erf": lambda rng: {"x": drawn(rng, 2, 3)},
    "gelu": with_out,
    "pair": lambda rng: {"size": (2, 3)},
    "out_size": lambda rng: {"size": (6, 7), "kernel": (2, 3), "stride": side(rng), "padding": 1, "dilation": side(rng)},
    "pad": lambda rng: {"x": drawn(rng, 2, 3, 4, 2), "padding": (1, 2), "value": 1.5},
    "check_channels": lambda rng: conv_call(rng, "x", "weight", "bias", "groups"),
    "conv2d": conv_call,
    "batch_norm": lambda rng: norm_call(rng, "weight", "bias", "mean", "variance"),
    "relu": with_out,
    "pool_size": lambda rng: pool_call(rng, "size", "kernel", "stride", "padding"),
    "max_pool2d": lambda rng: pool_call(rng, "x", "kernel", "stride", "padding"),
    "avg_pool2d": lambda rng: pool_call(rng, "x", "kernel", "stride", "padding", "ceil_mode", "count_include_pad"),
    "checked_size": lambda rng: {"size": (3, 4)},
    "adaptive_avg_pool2d": lambda rng: {"x": drawn(rng, 2, 6, 7, 3), "size": (4, 3)},
    "interpolate_bilinear": lambda rng: {"x": drawn(rng, 2, 6, 7, 3), "size": (4, 9)},
    "interpolate_nearest": lambda rng: {"x": drawn(rng, 2, 6, 7, 3), "size": (4, 9)},
    "msa_multiply_adds": lambda rng: cost_call(rng, "h", "w", "channels"),
    "window_msa_multiply_adds": lambda rng: {"h": 6, "w": 8, "channels": 3, "window": (3, 2)},
    "total": lambda rng: cost_call(rng, "costs"),
    "array_bytes": lambda rng: cost_call(rng, "shape", "dtype"),
    "linear_cost": lambda rng: cost_call(rng, "name", "positions", "inputs", "outputs", "bias", "dtype"),
    "layer_norm_cost": lambda rng: cost_call(rng, "name", "shape", "dtype"),
    "attention_cost": lambda rng: cost_call(
        rng, "name", "windows", "tokens", "channels", "heads", "parameters", "dtype"),
    "element_cost": lambda rng: cost_call(rng, "name", "kind", "shape", "arrays", "parameters", "dtype"),
    "check_map": lambda rng: cost_call(rng, "map_size"),
    "check_stage": lambda rng: cost_call(rng, "config", "stage"),
    "block_costs": lambda rng: cost_call(rng, "name", "config", "stage", "map_size", "dtype"),
    "merging_costs": lambda rng: cost_call(rng, "name", "config", "stage", "map_size", "dtype"),
    "layer_costs": lambda rng: cost_call(rng, "config", "img_size", "dtype"),
}


# Definitions that need a model or a configuration.

def shifted_window_attention(x, attn, window, shift=0, pad_first=True):
    x, (m, n), (down, right) = slow.numbers(x, *"BHWC"), two(window), two(shift)
    need(isinstance(attn, WindowAttention) and (m, n) == attn.window_size and x.shape[3] == len(attn.proj.weight))
    need(0 <= down < m and 0 <= right < n)
    if not slow.switch(pad_first) and (x.shape[1] % m or x.shape[2] % n):
        raise NotImplementedError                      # what is padded after the roll has no ragged windows
    padded = np.pad(x, ((0, 0), (0, -x.shape[1] % m), (0, -x.shape[2] % n), (0, 0)))
    if np.abs(x).max() > 100:                          # the largest score then hangs on the last digits
        raise NotImplementedError
    result = ragged_window_attention(padded, attn.astype(np.float64), (down, right))
    return result[:, :x.shape[1], :x.shape[2]]


def total(costs):
    costs = list(costs)
    need(all(isinstance(cost, LayerCost) for cost in costs))
    return tuple(sum(getattr(cost, field.name) for cost in costs) for field in fields(TotalCost))


def check_map(map_size):
    need(min(two(map_size)) > 0)


def check_stage(config, stage):
    need(isinstance(config, SwinConfig) and 0 <= whole(stage) < len(config.depths))


def products(h, w, c, window, hidden) -> int:
    """The multiply-adds of a block on a map that its windows tile, norms included."""
    return slow.window_msa_multiply_adds(h, w, c, window) + h * w * (2 * c * hidden + 2 * c)


def block_costs(name, config, stage, map_size, dtype=np.float32):
    check_stage(config, stage)
    (h, w), c = two(map_size), 4 * 2 ** whole(stage)
    slow.text(name), slow.array_bytes((), dtype)
    check_map(map_size)
    m, n = two(config.window_size)
    need(config is TINY)
    if min(h, w) <= 2:                                 # where one window covers the map, the shape policy decides
        raise NotImplementedError
    return products(h + -h % m, w + -w % n, c, (m, n), 4 * c) - (8 * c * c + 2 * c) * ((h + -h % m) * (w + -w % n) - h * w)


def merging_costs(name, config, stage, map_size, dtype=np.float32):
    check_stage(config, stage)
    check_map(map_size)
    slow.text(name), slow.array_bytes((), dtype)
    (h, w), c = two(map_size), 4 * 2 ** whole(stage)
    need(config is TINY)
    return -(-h // 2) * -(-w // 2) * (4 * c * 2 * c + 4 * c)


def layer_costs(config, img_size=None, dtype=np.float32):
    slow.array_bytes((), dtype)
    need(config is TINY and (img_size is None or min(two(img_size)) >= 2))
    h, w = (side // 2 for side in two((8, 12) if img_size is None else img_size))
    small = (-(-h // 2), -(-w // 2))
    if min(h, w) <= 2 or min(small) <= 2:
        raise NotImplementedError
    return (h * w * (12 * 4 + 4) + 2 * block_costs("", config, 0, (h, w)) + merging_costs("", config, 0, (h, w))
            + block_costs("", config, 1, small) + small[0] * small[1] * 8 + 8 * 3)


HERE = {name: value for name, value in globals().items() if inspect.isfunction(value)}


def right_answer(name: str, arguments: dict):
    """What the definition says, or NoAnswer; None if it does not know."""
    definition = HERE.get(name) or getattr(slow, name)
    try:
        with np.errstate(all="ignore"):
            return definition(**arguments)
    except NotImplementedError:
        return None
    except Exception as error:                         # a definition falls over whatever has no meaning
        raise NoAnswer from error


# Hostile values.

class Labelled(np.ndarray):
    """An array of another class, which changes nothing."""


NUMBERS = [None, True, False, np.True_, 0, -1, 1, 2, 3, 1.5, 2.0, float("nan"), float("inf"), -float("inf"), 1e-300, 1e300,
           10**9, 10**30, 10**400, 10**5000, np.int8(4), np.int32(3), np.uint8(2), np.int64(2**40), np.float16(2), np.float32(2),
           np.float64(0.5), np.array(7), np.array(2.5), "7", "timm", b"2", 2 + 0j, Fraction(1, 2), Decimal(2),
           object(), len, type, np.float32, "float32", np.datetime64(1, "s")]
SIZES = [(2, 1), [2, 1], (), (2,), (1, 2, 3), (0, 1), (-1, 2), (2, 1.0), (True, 1), ("2", 1), (None, 1), {2, 1}, {2: 1, 1: 2},
         range(1, 3), np.array([2, 1]), np.array([2.0, 1.0]), np.array([[2, 1]]), (10**30, 1), (2**31, 2**31), (10**5, 10**5),
         (np.int8(2), np.int8(1)), np.ma.array([2, 1], mask=[True, False]), [[2], [1]], (10**5000, 1), "21", ((2, 1), 1)]


def hostile_array(x: np.ndarray, rng) -> object:
    """The array as something that it should not be, or as something unusual that it may be."""
    huge = np.where(rng.random(x.shape) < 0.3, 1e30, x)
    axis = int(rng.integers(x.ndim))
    kinds = [
        lambda: x.astype(np.float16), lambda: x.astype(int), lambda: (x * 100).astype(np.uint8), lambda: x > 0,
        lambda: x.astype(complex), lambda: x.astype(object), lambda: x.astype(str), lambda: x.tolist(),
        lambda: np.ma.array(x, mask=x > 0), lambda: np.asmatrix(x.reshape(len(x), -1)),
        lambda: None, lambda: 0.5, lambda: "x", lambda: x.dtype.type(1), lambda: x[:0], lambda: x[..., :0],
        lambda: x[None], lambda: x[0], lambda: x[..., 0], lambda: x.ravel(),
        lambda: np.concatenate([x, x], axis), lambda: np.delete(x, 0, axis),
        lambda: np.full(x.shape, np.nan, x.dtype), lambda: np.where(x > 1, np.inf, x).astype(x.dtype),
        lambda: huge.astype(x.dtype), lambda: (x * 1e20).astype(x.dtype), lambda: (x * 1e-30).astype(x.dtype),
        lambda: np.zeros_like(x), lambda: np.full(x.shape, 12345.678, x.dtype), lambda: x.T,
        lambda: np.repeat(x, 2, -1)[..., ::2], lambda: x[::-1], lambda: x.astype(x.dtype.newbyteorder()),
        lambda: np.asfortranarray(x), lambda: x.view(Labelled), lambda: np.broadcast_to(x[:1], x.shape),
        lambda: x.astype(np.float32 if x.dtype == np.float64 else np.float64), lambda: x.astype(np.longdouble),
        lambda: np.array(0.5, x.dtype), lambda: np.zeros(x.shape, "M8[s]"), lambda: np.zeros(x.shape, [("a", "f4")]),
    ]
    return kinds[int(rng.integers(len(kinds)))]()


def hostile(value: object, rng) -> object:
    """Something else in the place of a right argument."""
    if isinstance(value, np.ndarray) and rng.random() < 0.9:
        return hostile_array(value, rng)
    pool = [*NUMBERS, *SIZES, np.zeros(3), TIMM, TINY, [], {}, lambda *given: None, LayerCost("a", "b", (1,), 1, 2, 3),
            slice(0, 1), [LayerCost("a", "b", (1,), 1, 2, 3), 5], np.int8, np.dtype("float64"), Module()]
    chosen = pool[int(rng.integers(len(pool)))]
    return 5 if callable(value) and callable(chosen) else chosen        # what a callback raises is its own affair


def hostile_calls(seed: int, count: int):
    """(name, function, arguments): every function in turn, most with one or two arguments replaced."""
    rng, functions = np.random.default_rng(seed), sorted(public_functions().items())
    for number in range(count):
        name, function = functions[number % len(functions)]
        arguments = RIGHT[name](rng)
        for replaced in rng.permutation(list(arguments))[:int(rng.integers(4)) % 3].tolist():
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                arguments[replaced] = hostile(arguments[replaced], rng)
        yield name, function, arguments


def fault(name: str, function, arguments: dict) -> str | None:
    """What is wrong with the answer to a call; None if it is right or a SwinError in one line."""
    kept = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in arguments.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = function(**arguments)
    except SwinError as error:
        return None if "\n" not in str(error) and len(str(error)) < 600 else f"sentence: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        truth = right_answer(name, kept)
    except NoAnswer:
        return f"an answer where there is none: {result!r:.80}"
    return difference(result, truth, arguments)


def difference(result, truth, arguments: dict) -> str | None:
    """Where a result is not the truth; more than float32 can hold may be infinite or NaN."""
    if truth is None:
        return None
    if isinstance(result, LayerCost | TotalCost):
        return None if astuple(result) == truth else f"{result} is not {truth}"
    if isinstance(result, list) and result and isinstance(result[0], LayerCost):
        counted = sum(cost.multiply_adds for cost in result)
        return None if counted == truth else f"{counted} multiply-adds are not {truth}"
    if not isinstance(truth, np.ndarray):
        return None if result == truth and type(result) is type(truth) else f"{result!r:.80} is not {truth!r:.80}"
    if np.shape(result) != truth.shape:
        return f"shape {np.shape(result)}, not {truth.shape}"
    result = np.asarray(result)
    if truth.dtype.kind != "f" or result.dtype.kind != "f":
        return None if np.array_equal(result, truth) else "other elements"
    with np.errstate(all="ignore"):
        large = not all(np.abs(np.asarray(x, np.float64)).max(initial=0) < LARGE for x in arguments.values()
                        if isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f"))
    finite = np.isfinite(truth) & np.isfinite(result)
    if np.any(np.isfinite(result) & ~np.isfinite(truth) & (np.abs(truth) != np.inf)):
        return "a finite number in place of NaN"
    if not large and not np.array_equal(np.isnan(result), np.isnan(truth)):
        return "NaN where there is a number"
    tolerance = CLOSE.get(result.dtype, 0) * np.abs(truth[finite]).max(initial=0)
    wrong = np.abs(result[finite] - truth[finite]) > tolerance
    return f"off by {np.abs(result[finite] - truth[finite]).max()}" if wrong.any() else None


def test_every_public_function_has_its_right_calls_and_its_definition():
    functions = public_functions()
    assert functions.keys() == RIGHT.keys()
    for name, function in functions.items():
        arguments = RIGHT[name](np.random.default_rng(0))
        assert arguments.keys() <= inspect.signature(function).parameters.keys(), name
        assert fault(name, function, arguments) is None, name
        right_answer(name, arguments)


def test_a_hostile_call_gives_the_right_answer_or_a_sentence():
    faults = []
    for name, function, arguments in hostile_calls(20210325, CALLS):
        wrong = fault(name, function, arguments)
        if wrong:
            faults.append(f"{name}({', '.join(f'{key}={described(value)}' for key, value in arguments.items())}): {wrong}")
    assert not faults, f"{len(faults)} of {CALLS}, such as\n" + "\n".join(faults[:60])


def described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{type(value).__name__}{value.shape}{value.dtype}"
    try:
        return f"{value!r:.40}"
    except Exception:                                  # integers of thousands of digits, modules without fields
        return f"a {type(value).__name__}"


# Configurations

def small(config):
    """A configuration of the same kind whose model is computed in no time."""
    values = {"img_size": (16, 16), "embed_dim": 4, "depths": (1, 1), "num_heads": (2, 2), "window_size": 2, "num_classes": 3,
              "depth": 1, "mlp_ratio": 2.0, "patch_size": 4, "d_model": 8, "nhead": 2, "num_encoder_layers": 1,
              "num_decoder_layers": 1, "dim_feedforward": 8, "layers": (1, 1, 1, 1), "inplanes": 8, "base_width": 32, "block": "bottleneck",
              "channels": 4, "pretrained_window_sizes": ()}
    if type(config).__name__ == "ViTConfig":
        values["num_heads"] = 2
    if hasattr(config, "backbone"):
        values["backbone"] = replace(TINY, img_size=(16, 16))
    return replace(config, **{field.name: values[field.name] for field in fields(config) if field.name in values})


ALSO_CALLED = {"img_size": "image", "patch_size": "patch", "embed_dim": "channels", "num_heads": "heads", "inplanes": "planes",
               "d_model": "channels", "nhead": "heads", "pretrained_window_sizes": "pretrained window sizes",
               "qkv_bias": "queries, keys", "block": "basic block", "cardinality": "groups"}
"""What else a sentence about a field that does not fit another one says for it."""

BASES = [small(next(iter(architecture.variants.values()))) for architecture in ARCHITECTURES] + [MICROSOFT]


def of_its_type(value: object, hint: object) -> bool:
    """Whether a field holds what its declaration says: Python's own numbers, a tuple of them, one of the choices."""
    if get_origin(hint) in (Union, UnionType) and tuple[int, int] in get_args(hint):
        return type(value) is tuple and [type(side) for side in value] == [int, int]
    if get_origin(hint) in (Union, UnionType):
        return any(of_its_type(value, kind) for kind in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return type(value) is tuple and all(type(item) is int for item in value)
    return type(value) in (int, float) and 0 < value < float("inf") if hint is float else (
        type(value) is hint if hint in (int, bool, str) else isinstance(value, hint))


def is_small(config) -> bool:
    """Whether its model can be computed here."""
    numbers = [number for value in flattened(config) if isinstance(number := value, int | float)]
    return max(numbers, default=0) <= 64


def flattened(value):
    if is_dataclass(value):
        value = tuple(getattr(value, field.name) for field in fields(value))
    if not isinstance(value, tuple):
        return [value]
    return [item for part in value for item in flattened(part)]


def configuration_fault(base, changes: dict) -> str | None:
    """What is wrong with a configuration, or with the model that it makes; None if nothing is, or a SwinError says it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            config = replace(base, **changes)
            for field in fields(config):
                if not of_its_type(getattr(config, field.name), field.type):
                    return f"{field.name} is {getattr(config, field.name)!r:.60}"
            if isinstance(config, type(MICROSOFT)) or not is_small(config):
                return None
            return model_fault(config)
    except SwinError as error:
        named = any(word in str(error) for name in changes for word in (name, ALSO_CALLED.get(name, name)))
        named = named or not isinstance(error, ConfigurationError)
        return None if named and "\n" not in str(error) and len(str(error)) < 600 else f"sentence: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def model_fault(config) -> str | None:
    """Whether the model computes in float32 what it computes in float64."""
    architecture = architecture_of(config)
    model = architecture.model.random(config)
    inputs = random_inputs(config, (32, 32) if architecture.name == "Transformer" else image_size(config))
    single, double = model(*inputs), model.astype(np.float64)(*(x.astype(np.float64) for x in inputs))
    for one, other in zip(single, double, strict=True):
        if np.shape(one) != np.shape(other) or not np.allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max()):
            return "float32 and float64 differ"
    return None


def hostile_configurations(seed: int, count: int):
    """(base, changes): every kind of configuration in turn, with one or two fields replaced."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        base = BASES[number % len(BASES)]
        names = [field.name for field in fields(base)]
        pool = [*NUMBERS, *SIZES, "basic", "deep", "p6p7", "pad", TIMM, MICROSOFT, TINY, [], {}, (1, 1), (4, 4), 4, 8, 16, (16, 12),
                (1,) * 100, (1, 1, 1, 1), (2**20,), 2**20, 2**20 + 1, np.zeros(3), Module()]
        yield base, {str(name): pool[int(rng.integers(len(pool)))] for name in rng.permutation(names)[:1 + number % 3 // 2]}


def test_a_hostile_configuration_makes_a_model_that_computes_or_a_sentence():
    faults = []
    for base, changes in hostile_configurations(20210325, CONFIGURATIONS):
        wrong = configuration_fault(base, changes)
        if wrong:
            faults.append(f"{type(base).__name__}({', '.join(f'{key}={described(value)}' for key, value in changes.items())})"
                          f": {wrong}")
    assert not faults, f"{len(faults)} of {CONFIGURATIONS}, such as\n" + "\n".join(faults[:60])

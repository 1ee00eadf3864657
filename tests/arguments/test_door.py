"""The door of every public function and configuration: a hostile call gives the right answer, or a SwinError.

The calls are made from right ones, in which one or two arguments are replaced; what is right is defined in
`tests/slow_definitions.py`, which knows nothing of the door.
"""

import inspect
import warnings
from dataclasses import astuple, fields, replace

import numpy as np
import pytest
from PIL import Image

from swin_np import attention, complexity, costs, functional, images, patches, windows
from swin_np.attention import WindowAttention
from swin_np.convolution import functional as convolution
from swin_np.convolution.layers import AvgPool2d, BatchNorm2d, Conv2d, Relu
from swin_np.costs import LayerCost, TotalCost
from swin_np.errors import SwinError
from swin_np.layers import Module, redraw
from swin_np.model import SwinTransformer
from swin_np.patches import PatchEmbed
from swin_np.ragged import ragged_window_attention
from swin_np.variants import SwinConfig
from tests import slow_definitions as slow
from tests.hostile import TINY, described, hostile
from tests.slow_definitions import NoAnswer, need, two, whole

MODULES = (windows, attention, patches, functional, convolution, complexity, costs)
CALLS = 20_000
CLOSE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-9}       # of the scale; the right number or another one
LARGE = 1e15                                           # beyond it float32's squares are near infinity


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
    return {"q": q, "k": k, "v": v, "bias": bias, "mask": mask if side(rng) > 1 else None, "scale": 0.5}


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
    "mask_of_windows": lambda rng: {"mask": drawn(rng, 3, 4, 4) if side(rng) > 1 else None,
                                    "numbers": rng.integers(9, size=5)},
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
    "out_size": lambda rng: {"size": (6, 7), "kernel": (2, 3), "stride": side(rng), "padding": 1,
                             "dilation": side(rng)},
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
    padded = (h + -h % m, w + -w % n)
    too_many = padded[0] * padded[1] - h * w           # the MLP and the norms see no padding
    return products(*padded, c, (m, n), 4 * c) - (8 * c * c + 2 * c) * too_many


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


def hostile_calls(seed: int, count: int):
    """(name, function, arguments): every function in turn, most with one or two arguments replaced."""
    rng, functions = np.random.default_rng(seed), sorted(public_functions().items())
    for number in range(count):
        name, function = functions[number % len(functions)]
        arguments = RIGHT[name](rng)
        for replaced in rng.permutation(list(arguments))[:int(rng.integers(4)) % 3].tolist():
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
        return f"an answer where there is none: {described(result)}"
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
        same_thing = result == truth and type(result) is type(truth)
        return None if same_thing else f"{described(result)} is not {described(truth)}"
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
            given = ", ".join(f"{key}={described(value)}" for key, value in arguments.items())
            faults.append(f"{name}({given}): {wrong}")
    assert not faults, f"{len(faults)} of {CALLS}, such as\n" + "\n".join(faults[:60])




# What a user calls of the modules

def modules_and_inputs() -> dict[str, tuple[Module, tuple]]:
    """Every kind of module that takes arrays, with right ones."""
    rng = np.random.default_rng(0)
    model = SwinTransformer.random(replace(TINY, img_size=(16, 16)))
    redraw(model, 0)
    layer = model.layers[0]
    block, x = layer.blocks[1], rng.standard_normal((2, 8, 8, 4)).astype(np.float32)
    called = [model, model.patch_embed, layer, layer.downsample, block, block.norm1, block.attn, block.attn.qkv,
              block.mlp, Conv2d.random(4, 6, 3, rng), BatchNorm2d.identity(4), Relu(), AvgPool2d(2, 2)]
    inputs = {SwinTransformer: (rng.standard_normal((2, 3, 16, 16)).astype(np.float32),),
              PatchEmbed: (rng.standard_normal((2, 3, 16, 16)).astype(np.float32),),
              WindowAttention: (x.reshape(32, 4, 4), np.zeros((16, 4, 4), np.float32))}
    return {type(module).__name__: (module, inputs.get(type(module), (x,))) for module in called}


@pytest.mark.parametrize("name", modules_and_inputs())
def test_a_hostile_call_of_a_module_computes_what_its_plain_copy_computes_or_is_refused(name):
    module, inputs = modules_and_inputs()[name]
    rng = np.random.default_rng(1)
    for number in range(150):
        given, place = list(inputs), int(rng.integers(len(inputs)))
        given[place] = hostile(given[place], rng)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = module(*given)
        except SwinError:
            continue
        plain = [None if x is None else slow.numbers(np.asarray(x)) for x in given]
        with np.errstate(all="ignore"):
            truth = module.astype(np.float64).forward(*plain)
        assert np.shape(result) == np.shape(truth), (number, described(given[place]))
        if plain[place] is not None and np.abs(plain[place]).max(initial=0) < 100:
            close = 1e-3 * np.abs(truth).max(initial=0)
            assert np.allclose(result, truth, rtol=1e-3, atol=close), (number, described(given[place]))


# Images

def image_of(rng, *names):
    call = {"image": rng.integers(0, 256, (7, 9, 3)).astype(np.uint8), "size": (side(rng, 9), side(rng, 9)),
            "path": "nowhere.png"}
    return {name: call[name] for name in names}


def uint8_image(image) -> np.ndarray:
    image = slow.anything(image, *"HW3")
    need(image.dtype == np.uint8 and image.shape[2] == 3)
    return image


def positive_sides(size) -> tuple[int, int]:
    need(0 < min(two(size)) <= max(two(size)) < 10**4)
    return two(size)


def resize(image, size):
    image = uint8_image(image)
    h, w = positive_sides(size)
    if np.isscalar(size):
        h, w = (int(size * s / min(image.shape[:2])) for s in image.shape[:2])
    wide = Image.fromarray(image).resize((w, image.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(wide.resize((w, h), Image.Resampling.BICUBIC))


def center_crop(image, size):
    image, (h, w) = uint8_image(image), positive_sides(size)
    missing = [max(wanted - have, 0) for wanted, have in zip((h, w), image.shape, strict=False)]
    image = np.pad(image, [(m // 2, m - m // 2) for m in missing] + [(0, 0)])
    top, left = round((image.shape[0] - h) / 2), round((image.shape[1] - w) / 2)
    return image[top:top + h, left:left + w]


def normalise(image):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return np.moveaxis((uint8_image(image) / 255 - mean) / std, -1, 0)


OF_IMAGES = {"check_image": ("image",), "check_sides": ("size",), "resize": ("image", "size"),
             "center_crop": ("image", "size"), "normalise": ("image",), "load": ("path",), "rgb": ("image",)}
DEFINED = {"resize": resize, "center_crop": center_crop, "normalise": normalise, "check_image": uint8_image,
           "check_sides": positive_sides}


@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_hostile_call_with_an_image_gives_the_right_pixels_or_a_sentence(name):
    rng, function = np.random.default_rng(2), getattr(images, name)
    for number in range(250):
        arguments = image_of(rng, *OF_IMAGES[name])
        replaced = list(arguments)[number % len(arguments)]
        arguments[replaced] = hostile(arguments[replaced], rng)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = function(**arguments)
        except SwinError:
            continue
        truth = DEFINED[name](**arguments)             # raises NoAnswer where there is none
        if not name.startswith("check"):
            assert np.shape(result) == truth.shape, described(arguments[replaced])
            assert np.allclose(result, truth, atol=1e-6), described(arguments[replaced])

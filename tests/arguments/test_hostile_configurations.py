"""The door of every configuration and model: a hostile value makes a model that computes, or a SwinError."""

import warnings
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Literal, Union, get_args, get_origin

import numpy as np
import pytest

import swin_np
from swin_np.errors import ConfigurationError, InputError, SwinError
from swin_np.functional import Size
from swin_np.layers import Module, redraw
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MICROSOFT, TIMM
from swin_np.systems.measurement import random_inputs
from swin_np.systems.registry import ARCHITECTURES, architecture_of, image_size
from tests.hostile import NUMBERS, SIZES, TINY, described

CONFIGURATIONS = 3000


def small(config):
    """A configuration of the same kind whose model is computed in no time."""
    values = {"img_size": (16, 16), "embed_dim": 4, "depths": (1, 1), "num_heads": (2, 2), "window_size": 2,
              "num_classes": 3, "depth": 1, "mlp_ratio": 2.0, "patch_size": 4, "d_model": 8, "nhead": 2,
              "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 8, "layers": (1, 1, 1, 1),
              "inplanes": 8, "base_width": 32, "block": "bottleneck", "channels": 4, "pretrained_window_sizes": ()}
    if type(config).__name__ == "ViTConfig":
        values["num_heads"] = 2
    if hasattr(config, "backbone"):
        values["backbone"] = replace(TINY, img_size=(16, 16))
    return replace(config, **{field.name: values[field.name] for field in fields(config) if field.name in values})


ALSO_CALLED = {"img_size": "image", "patch_size": "patch", "embed_dim": "channels", "num_heads": "heads",
               "inplanes": "planes", "d_model": "channels", "nhead": "heads", "block": "basic block",
               "pretrained_window_sizes": "pretrained window sizes", "qkv_bias": "queries, keys",
               "cardinality": "groups"}
"""What else a sentence about a field that does not fit another one says for it."""

BASES = [small(next(iter(architecture.variants.values()))) for architecture in ARCHITECTURES] + [MICROSOFT]


def of_its_type(value: object, hint: object) -> bool:
    """Whether a field holds what its declaration says: Python's own numbers, a tuple of them, one of the choices."""
    if tuple[Size, ...] in get_args(hint) and type(value) is tuple and type(value[0]) is tuple:
        return all(of_its_type(each, Size) for each in value)
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
    """What is wrong with a configuration, or with the model that it makes; None if all is right or a SwinError."""
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
        close = 1e-3 * np.abs(other).max()
        if np.shape(one) != np.shape(other) or not np.allclose(one, other, rtol=1e-3, atol=close):
            return "float32 and float64 differ"
    return None


def hostile_configurations(seed: int, count: int):
    """(base, changes): every kind of configuration in turn, with one or two fields replaced."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        base = BASES[number % len(BASES)]
        names = [field.name for field in fields(base)]
        pool = [*NUMBERS, *SIZES, "basic", "deep", "p6p7", "pad", TIMM, MICROSOFT, TINY, [], {}, (1, 1), (4, 4), 4, 8,
                16, (16, 12), ((2, 1), 4), (1,) * 100, (1, 1, 1, 1), (2**20,), 2**20, 2**20 + 1, np.zeros(3), Module()]
        replaced = rng.permutation(names)[:1 + number % 3 // 2].tolist()
        yield base, {name: pool[int(rng.integers(len(pool)))] for name in replaced}


def test_a_hostile_configuration_makes_a_model_that_computes_or_a_sentence():
    faults = []
    for base, changes in hostile_configurations(20210325, CONFIGURATIONS):
        wrong = configuration_fault(base, changes)
        if wrong:
            given = ", ".join(f"{key}={described(value)}" for key, value in changes.items())
            faults.append(f"{type(base).__name__}({given}): {wrong}")
    assert not faults, f"{len(faults)} of {CONFIGURATIONS}, such as\n" + "\n".join(faults[:60])


# What is not finite

def overflowing() -> SwinTransformer:
    """A model whose logits are infinite in float32, though all else is of order 1."""
    model = SwinTransformer.random(replace(TINY, img_size=(16, 16)))
    redraw(model, 0)
    model.head.weight = np.copysign(np.float32(3e38), model.head.weight)
    return model


def test_a_model_refuses_to_give_what_is_not_finite_and_a_trace_shows_it():
    model, batch = overflowing(), np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"NaN or infinity.*swin_np\.trace"):
            model(batch)
        with swin_np.trace(model) as seen:
            logits = model(batch)
    assert not np.isfinite(logits).all() and np.array_equal(seen["output"], logits, equal_nan=True)
    assert np.isfinite(seen["norm"]).all()


@pytest.mark.parametrize("base", BASES[:-1], ids=lambda config: type(config).__name__)
def test_every_system_refuses_images_too_large_for_its_dtype(base):
    architecture = architecture_of(base)
    model = architecture.model.random(base)
    redraw(model, 0)
    inputs = random_inputs(base, (32, 32) if architecture.name == "Transformer" else image_size(base))
    with pytest.raises(InputError, match="NaN or infinity"):
        model(*(np.full_like(x, 3e38) * np.sign(x) for x in inputs))


def test_masked_images_and_what_is_no_array_are_refused():
    model = SwinTransformer.random(TINY)
    for images_ in (np.ma.masked_all((1, 3, 8, 12), np.float32), [[1, 2], [3]], object(), "images", None):
        with pytest.raises(SwinError):
            model(images_)

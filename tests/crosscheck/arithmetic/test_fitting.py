"""Correct ports in other arithmetics agree and are told which they have; mistakes above their noise are named."""

import re
from functools import cache

import numpy as np
import pytest

from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.clock import UNLIMITED, Clock
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from tests.lengths import long_but

torch = pytest.importorskip("torch")

from oracle.foreign_causes import CAUSES  # noqa: E402
from oracle.foreign_port import PATTERNS, Port, tiny_model  # noqa: E402
from oracle.reduced_precision import SCHEMES, integers, through  # noqa: E402

DEPTHS = ("blocks", "main", "all")
EXPECTED = {
    "float32, other order of sums": "float32",
    "products of TF32, rounded": "products of (TF32|float16)",         # alike but for their range
    "products of TF32, truncated": "products of TF32, truncated",
    "products of bfloat16": "products of bfloat16",
    "products of float16": "products of (TF32|float16)",
    "products of int8, a scale for each tensor": "products of int8, a scale for each tensor",
    "products of int8, a scale for each channel": "products of int8, a scale for each row",
    "products of float8 (e4m3)": r"products of float8 \(e4m3\)",
    "weights of float16": "parameters of float16",
    "weights of bfloat16": "parameters of bfloat16",
    "weights of int8": "weights of int8, a scale for each row",
    "weights of int4, in groups": "weights of int4, a scale for every 16",
    "a few points of float16": "float32|.* kept in float16.*"}


@cache
def reference(seed: int = 11) -> Reference:
    return Reference.of(*tiny_model(seed))


def report(*plants, depth: str, seed: int = 11):
    model, images = tiny_model(seed)
    port = Port(model)
    for plant in plants:
        plant(port)
    return crosscheck(reference(seed), Candidate(port.dump(images, PATTERNS[depth])), clock=UNLIMITED)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("seed", long_but([11], [11, 0]))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_correct_port_agrees_and_its_arithmetic_is_told(scheme, seed, depth):
    found = report(SCHEMES[scheme], depth=depth, seed=seed)
    assert found.verdict == "agree", found.summary()
    assert re.fullmatch(EXPECTED[scheme], found.noise.arithmetic.name)
    if found.noise.expected:
        error = found.points[-1].whole.relative
        assert found.noise.expected["output"] / 3 < error < 3 * found.noise.expected["output"]


def test_the_verdict_on_a_correct_port_depends_on_no_clock():
    model, images = tiny_model(11)
    port = Port(model)
    SCHEMES["products of int8, a scale for each tensor"](port)
    for depth in DEPTHS:
        found = crosscheck(reference(), Candidate(port.dump(images, PATTERNS[depth])), clock=Clock(1e-9))
        assert found.verdict == "agree"


def sums_of_float16(name, a, b):
    """a b^T with operands of float16, sixteen products at a time, every sum in float16."""
    total = 0
    for x, y in zip(a.half().float().split(16, -1), b.half().float().split(16, -1), strict=True):
        total = (total + (x @ y.mT).half().float()).half().float()
    return total


def int8_in_the_mlp(name, a, b):
    return integers(a, 8, True) @ integers(b, 8, True).mT if ".mlp." in name else a @ b.mT


@pytest.mark.parametrize("depth", ["blocks", "all"])
@pytest.mark.parametrize(("product", "words"), [
    (sums_of_float16, "partial sums kept in float16"), (int8_in_the_mlp, "int8, a scale for each row")])
def test_sums_of_16_bits_and_products_of_some_layers_alone_are_told(product, words, depth):
    found = report(lambda port: setattr(port, "product", product), depth=depth)
    assert found.verdict == "agree", found.summary()
    assert words in found.noise.arithmetic.name


GROSS = ("mask-on-unshifted-blocks", "merging-by-unfold", "shift-where-one-window-covers-the-map", "bias-table-flipped")


@pytest.mark.parametrize("scheme", long_but(list(SCHEMES)[5:6], list(SCHEMES)[:-1]))
@pytest.mark.parametrize("name", GROSS)
def test_a_mistake_above_the_noise_is_named_in_every_arithmetic(name, scheme):
    cause = CAUSES[name]
    found = report(SCHEMES[scheme], cause.plant, depth="main")
    assert found.verdict == "differ"
    assert re.fullmatch(EXPECTED[scheme], found.noise.arithmetic.name)
    assert any(set(cause.mistakes) & {finding.mistake, *finding.alternatives} for finding in found.findings)


def stored_in(name: str, dtype: torch.dtype):
    return lambda port: port.changes.append((name, lambda x: through(x, dtype)))


@pytest.mark.parametrize(("cause", "dtype"), [
    ("tanh-gelu-everywhere", torch.float16), ("eps-1e-3-everywhere", torch.bfloat16)])
def test_one_point_in_16_bits_hides_no_mistake_at_others(cause, dtype):
    if cause == "tanh-gelu-everywhere":
        def plant(port):
            port.activation = lambda name, x: torch.nn.functional.gelu(x, approximate="tanh")
    else:
        def plant(port):
            port.eps = lambda name: 1e-3
    for depth in DEPTHS:
        found = report(plant, stored_in("output", dtype), depth=depth)
        assert found.verdict == "differ"
        assert found.noise.to_json()["stored"] == {"output": str(dtype).removeprefix("torch.")}


def test_a_point_that_is_a_little_beyond_its_tolerance_does_not_overrule_an_agreeing_whole():
    model, images = tiny_model(11)
    points = Port(model).dump(images, PATTERNS["blocks"])
    name = "layers.2.blocks.1"
    own = crosscheck(reference(), Candidate(points))
    allowed = next(point.alone.tolerance for point in own.points if point.name == name)
    rng = np.random.default_rng(0)
    points[name] = points[name] + 1.1 * allowed.typical * rng.standard_normal(points[name].shape)
    found = crosscheck(reference(), Candidate({name: value.astype(np.float32) for name, value in points.items()}))
    alone = next(point.alone for point in found.points if point.name == name)
    assert 1 < alone.excess < 2
    assert found.verdict == "agree" and "alone is at 1." in found.notes[-1]


def test_a_float16_overflow_names_the_number_that_does_not_fit():
    model, images = tiny_model(11)
    model.layers[1].blocks[0].attn.qkv.weight[:64] *= 4000              # queries and keys
    port, truth = Port(model), Reference.of(model, images)
    scores = port.scores

    def in_float16(name, q, k):
        products = port.product(f"{name}.scores", q, k).half().float()      # beyond 65504 it is infinite
        return products * q.shape[-1] ** -0.5 if name.startswith("layers.1.blocks.0") else scores(name, q, k)

    port.scores = in_float16
    found = crosscheck(truth, Candidate(port.dump(images, PATTERNS["main"])))
    finding = found.findings[0]
    assert (finding.module, finding.mistake) == ("layers.1.blocks.0.attn", "float16 overflows")
    assert "before the scale" in finding.sentence or "attn.scores" in finding.sentence
    assert "65,504" in finding.sentence

"""Matching by content: dumps whose names say nothing, and names that stand for another tensor of ours."""

import re

import numpy as np
import pytest

from swin_np.crosscheck.candidates import Candidate, candidate_of
from swin_np.crosscheck.contents import Summary, Tensors
from swin_np.crosscheck.referee import crosscheck
from swin_np.functional import gelu
from swin_np.mistakes.catalogue import CATALOGUE
from tests.crosscheck.models import check, every_point, model_and_images, module_outputs, reference

BLOCKS = r"patch_embed|layers\.\d\.blocks\.\d|layers\.\d|output"
BLOCK, SHIFTED = "layers.0.blocks.0", "layers.0.blocks.1"
MISTAKES = ("patch-transposed", "merge-row-major", "no-shift", "no-mask", "index-transposed", "scale-twice",
            "mlp-residual-left-out", "gelu-by-tanh", "first-token-for-the-mean", "pool-before-the-norm")


def nameless(points, seed=0):
    """The points under numbers, in an order that is drawn; and the name that belongs to each number."""
    order = np.random.default_rng(seed).permutation(len(points))
    names = [list(points)[k] for k in order]
    return {f"t{i:04d}": points[name] for i, name in enumerate(names)}, {f"t{i:04d}": n for i, n in enumerate(names)}


def laid_out(name, value, rng):
    """The value of a point in one of its layouts, drawn at random."""
    axes = reference().axes[name]
    layout = list(axes.layouts.values())[rng.integers(len(axes.layouts))]
    letters = layout.replace(" ", "")
    value = value.reshape(axes.shape).transpose([list(axes.lengths).index(letter) for letter in letters])
    return value.reshape([int(np.prod([axes.lengths[letter] for letter in group])) for group in layout.split()])


def test_every_point_is_found_whatever_its_name_and_layout():
    rng = np.random.default_rng(1)
    points = {name: laid_out(name, value, rng) for name, value in every_point().items()}
    numbered, names = nameless(points)
    report = check(numbered)
    assert report.verdict == "agree"
    assert "matched by their values" in report.lines()[0]
    assert [point.name for point in report.points] == [name for name in reference().points if name != "input"]
    for point in report.points:
        assert np.array_equal(np.sort(points[names[point.theirs]], axis=None), np.sort(points[point.name], axis=None))


@pytest.mark.parametrize("seed", range(6))
def test_some_points_without_names_agree_in_every_precision(seed):
    rng, number = np.random.default_rng(seed), (np.float64, np.float32, np.float16)[seed % 3]
    chosen = {name: laid_out(name, value, rng).astype(number) for name, value in every_point().items()
              if rng.random() < (0.1, 0.3, 0.6)[seed % 3]}
    report = check(nameless(chosen, seed)[0])
    assert report.verdict == "agree"
    assert {point.name for point in report.points} >= chosen.keys()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_in_a_dump_without_names(name):
    report = check(nameless(every_point(name))[0])
    assert [finding.mistake for finding in report.findings] == [name]
    assert re.fullmatch(CATALOGUE[name].modules, report.findings[0].module)


@pytest.mark.parametrize("name", ["no-mask", "gelu-by-tanh", "merge-row-major", "scale-twice"])
def test_a_mistake_is_named_in_the_nameless_outputs_of_blocks(name):
    points = {key: value for key, value in every_point(name).items() if re.fullmatch(BLOCKS, key)}
    report = check(nameless(points)[0])
    assert [finding.mistake for finding in report.findings] == [name]
    assert not report.notes


def test_a_folder_of_numbered_files_is_matched(tmp_path):
    for name, value in nameless(module_outputs(every_point("no-shift")))[0].items():
        np.save(tmp_path / f"{name}.npy", value)
    assert [finding.mistake for finding in crosscheck(reference(), candidate_of(tmp_path)).findings] == ["no-shift"]


def test_names_that_are_known_count_first():
    points = every_point()
    named = {"layers.0.blocks.0": points["layers.0.blocks.0"], "output": points["output"]}
    copy = {f"a{name}": value for name, value in named.items()}
    report = check({**copy, **named})
    assert [point.theirs for point in report.points if point.name in named] == list(named)


def test_what_is_no_point_is_left_and_mentioned_and_of_others_it_is_not(rng):
    points = {**every_point(), "t1": rng.standard_normal((2, 12, 16, 12))}
    report = check(points)
    assert report.verdict == "agree"
    assert "no such point: t1." in report.notes[0]
    quiet = crosscheck(reference(), Candidate(every_point(), others={"t1": points["t1"]}))
    assert (quiet.verdict, quiet.notes) == ("agree", [])


def scale():
    return model_and_images()[0].layers[0].blocks[0].attn.scale()


def norm_of(point):
    return dict(model_and_images()[0].named_modules())[point]


def before(points, change):
    """The points with some of them changed."""
    return {**points, **change(points)}


MISNAMED = {
    "q times the scale": (f"{BLOCK}.attn.q", lambda p: p[f"{BLOCK}.attn.q"] * scale(), "times the scale"),
    "k times its root": (f"{BLOCK}.attn.k", lambda p: p[f"{BLOCK}.attn.k"] * scale()**0.5, "the root of the scale"),
    "scores before the scale": (f"{BLOCK}.attn.scores", lambda p: p[f"{BLOCK}.attn.scores"] / scale(),
                                "divided by the scale"),
    "scores with the bias": (f"{BLOCK}.attn.scores", lambda p: p[f"{BLOCK}.attn.scores_with_bias"],
                             f"our {BLOCK}.attn.scores_with_bias"),
    "a norm folded into qkv": (f"{SHIFTED}.norm1", lambda p: (p[f"{SHIFTED}.norm1"] - norm_of(f"{SHIFTED}.norm1").bias)
                               / norm_of(f"{SHIFTED}.norm1").weight, "without the weight and bias of the norm"),
    "fc1 without its bias": (f"{BLOCK}.mlp.fc1", lambda p: p[f"{BLOCK}.mlp.fc1"] - norm_of(f"{BLOCK}.mlp.fc1").bias,
                             "without its bias"),
    "fc1 after the GELU": (f"{BLOCK}.mlp.fc1", lambda p: gelu(p[f"{BLOCK}.mlp.fc1"].astype(np.float64)).astype("f4"),
                           "after the GELU"),
    "the attention after its addition": (
        f"{BLOCK}.attn.rolled_back", lambda p: p[f"{BLOCK}.attn.rolled_back"] + p["patch_embed"], "plus the block's"),
    "a block before its addition": (BLOCK, lambda p: p[f"{BLOCK}.mlp"].reshape(p[BLOCK].shape), f"our {BLOCK}.mlp"),
    "a stale buffer": (SHIFTED, lambda p: p[BLOCK], f"our {BLOCK}"),
}


@pytest.mark.parametrize("kept", ["every point", "modules"])
@pytest.mark.parametrize("what", MISNAMED)
def test_a_name_that_stands_for_another_tensor_of_ours_is_no_mistake(what, kept):
    name, change, phrase = MISNAMED[what]
    points = every_point() if kept == "every point" else module_outputs(every_point())
    for copy in ([f"{name}.fc2"] if name.endswith("mlp") else []):
        points.pop(copy)
    report = check({**points, name: change(every_point())})
    assert report.verdict == "agree"
    assert f"your `{name}`" in report.notes[0]
    assert phrase in report.notes[0]


def test_two_dumps_that_were_swapped_are_put_right():
    points = every_point()
    first, second = f"{BLOCK}.norm1", f"{BLOCK}.attn.reversed"
    points[f"{BLOCK}.attn.k"], points[f"{BLOCK}.attn.v"] = points[f"{BLOCK}.attn.v"], points[f"{BLOCK}.attn.k"]
    report = check(points)
    assert report.verdict == "agree"
    assert len(report.notes) == 2
    assert {first, second} <= {point.name for point in report.points}


@pytest.mark.parametrize("name", ["scale-twice", "scale-left-out", "mlp-residual-left-out", "norm-without-weights",
                                  "linear-bias-left-out", "keys-and-values-swapped", "queries-and-keys-swapped",
                                  "bias-left-out", "proj-left-out", "no-reverse-roll", "first-norm-left-out"])
def test_a_mistake_that_makes_a_point_another_of_ours_is_not_excused(name):
    report = check(every_point(name))
    assert name in [finding.mistake for finding in report.findings]
    assert not [note for note in report.notes if note.startswith("your")]


def test_summaries_bound_the_difference_of_arrays_in_any_order(rng):
    x = rng.standard_normal((6, 50))
    for size in (1e-3, 1e-1, 1.0):
        y = rng.permutation(x.ravel()) + 0.0
        error = size * rng.standard_normal(y.size)
        typical, largest = float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())
        assert Summary.of(x).near(Summary.of(y + error), typical, largest)
    assert not Summary.of(x).near(Summary.of(x + 1), 0.9, 9)
    assert not Summary.of(x).near(Summary.of(x[:5]), 9, 9)


def test_the_precision_is_that_of_most_tensors(rng):
    arrays = {f"t{i}": rng.standard_normal((4, 50)).astype(np.float32) for i in range(3)}
    assert Tensors({**arrays, "half": rng.standard_normal(100).astype(np.float16)}).precision == "float32"
    assert Tensors({}).precision == "float64"


@pytest.mark.parametrize("name", ["no-mask", "merge-row-major"])
def test_a_tensor_with_a_name_of_its_own_is_not_compared_as_another_point_too(name):
    """`attn` equals `attn.reversed` in a block without a shift; who dumped the one has not shown the other."""
    dump = module_outputs(every_point(name))
    assert {point.name for point in check(dump).points} == dump.keys()

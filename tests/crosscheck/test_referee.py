"""The referee: it finds and names planted mistakes, alone and in pairs, and leaves correct candidates in peace."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from swin_np import SwinConfig, SwinTransformer, trace
from swin_np.crosscheck.candidates import Candidate, candidate_of
from swin_np.crosscheck.evidence import shift_of
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference, read_reference
from swin_np.errors import CheckpointError, InputError
from swin_np.layers import redraw
from swin_np.mistakes.catalogue import CATALOGUE
from tests import golden
from tests.crosscheck.models import CONFIG, check, every_point, model_and_images, module_outputs, reference

SINGLES = ("patch-transposed", "merge-row-major", "no-shift", "no-reverse-roll", "no-mask", "index-transposed",
           "qkv-split-by-head", "scale-twice", "bias-left-out", "first-norm-left-out", "mlp-residual-left-out",
           "gelu-by-tanh", "first-token-for-the-mean")
PAIRS = (("no-mask", "gelu-by-tanh"), ("index-transposed", "scale-twice"), ("merge-unfold", "no-reverse-roll"))


def bfloat16(x):
    """x rounded to the numbers of bfloat16, as float32."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("name", golden.OFFICIAL + golden.TIMM + golden.TORCHVISION)
def test_what_the_public_implementations_computed_agrees(name):
    path = golden.FOLDER / f"{name}.npz"
    report = crosscheck(read_reference(path), candidate_of(path))
    assert report.verdict == "agree"
    assert report.dialect == golden.dialect_of(name)
    assert len(report.points) >= len(golden.module_outputs(name)) - 3    # stages and a layout of timm and torchvision


@pytest.mark.parametrize("name", SINGLES)
def test_a_planted_mistake_is_located_and_named(name):
    report = check(module_outputs(every_point(name)))
    assert report.verdict == "differ"
    assert [finding.mistake for finding in report.findings] == [name]
    assert not report.findings[0].alternatives
    assert all(re.fullmatch(CATALOGUE[name].modules, module) for module in report.findings[0].modules[:1])


def test_a_mistake_of_all_blocks_is_reported_once_with_every_module():
    finding, = check(module_outputs(every_point("scale-twice"))).findings
    assert {f"layers.{i}.blocks.{j}.attn" for i in (0, 1) for j in (0, 1)} <= set(finding.modules)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_two_mistakes_at_once_are_both_named(pair):
    report = check(module_outputs(every_point(*pair)))
    assert {finding.mistake for finding in report.findings} == set(pair)


@pytest.mark.parametrize("kept", [r"patch_embed|layers\.\d\.blocks\.\d|layers\.\d|output", r"layers\.\d|output",
                                  "output"])
def test_a_dump_of_a_few_points_is_enough(kept):
    points = {name: value for name, value in every_point("no-mask").items() if re.fullmatch(kept, name)}
    assert [finding.mistake for finding in check(points).findings] == ["no-mask"]


def test_the_first_point_beyond_rounding_and_the_windows_that_differ_are_named():
    report = check(every_point("no-mask"))
    assert report.first == "layers.0.blocks.1.attn.probabilities"
    where = next(point.whole.where for point in report.points if point.name == "layers.0.blocks.1.attn")
    rows, columns = 4, 6                               # 12x16 padded to 12x18, windows of 3
    assert where.windows == (rows + columns - 1, rows * columns)
    assert "the last row and the last column" in where.phrase


@pytest.mark.parametrize(("point", "shift"), [
    ("layers.0.blocks.0.mlp", (0, 0)), ("layers.0.blocks.1.mlp", (1, 1)), ("layers.0.blocks.1.attn.reversed", (0, 0)),
    ("layers.0.downsample", (0, 0))])
def test_windows_of_a_map_are_counted_as_after_the_shift_of_its_block(point, shift):
    assert shift_of(reference(), point) == shift


@pytest.mark.parametrize("change", [
    lambda x: x.astype(np.float64), lambda x: x.astype(np.float16), bfloat16], ids=["float64", "float16", "bfloat16"])
def test_numbers_stored_in_another_precision_agree(change):
    report = check({name: change(value) for name, value in every_point().items()})
    assert report.verdict == "agree"


def test_a_mask_of_minus_infinity_agrees():
    points = every_point()
    points |= {name: np.where(value < -50, -np.inf, value) for name, value in points.items()
               if name.endswith("scores_with_mask")}
    assert any(np.isinf(value).any() for value in points.values())
    assert check(points).verdict == "agree"


def test_a_mapping_goes_before_the_names():
    points = {"my.block": every_point()["layers.0.blocks.0"], "z": every_point()["output"]}
    report = check(points, mapping={"my.block": "layers.0.blocks.0", "z": "output"})
    assert [(point.name, point.theirs) for point in report.points] == [("layers.0.blocks.0", "my.block"),
                                                                        ("output", "z")]


SOLVED = {
    "a scale": ("layers.0.blocks.1.mlp", lambda x: 1.5 * x, "multiplied by 1.5"),
    "a sign": ("layers.0.downsample", lambda x: -x, "multiplied by -1"),
    "channels": ("layers.0.blocks.0.norm1", lambda x: x[..., [1, 0, *range(2, 12)]], "channels are in another"),
    "a roll": ("layers.1.blocks.0", lambda x: np.roll(x, 2, axis=1), "rolled: by 2 rows and 0 columns"),
    "a roll back": ("layers.1.blocks.0", lambda x: np.roll(x, -1, axis=2), "rolled: by 0 rows and -1 columns"),
    "heads": ("layers.0.blocks.0.attn.v", lambda x: x[:, ::-1], "heads run from the last to the first"),
    "windows": ("layers.0.blocks.1.attn.windows", lambda x: x[::-1], "windows"),
    "zeros": ("layers.0.blocks.1.attn", lambda x: 0 * x, "all values are 0"),
}


@pytest.mark.parametrize("what", SOLVED)
def test_a_plain_transformation_is_found_by_solving(what):
    name, change, sentence = SOLVED[what]
    points = {name: change(every_point()[name])}
    before = {key: value for key, value in every_point().items() if key != name}
    names = list(before)[:list(every_point()).index(name)]
    finding = check({key: before[key] for key in names} | points).findings[0]
    assert finding.kind == "solved"
    assert sentence in finding.sentence


def test_other_weights_are_recognised_and_no_bug_is_reported():
    model = SwinTransformer.random(CONFIG)
    redraw(model, 99)
    for points in (every_point(model=model), module_outputs(every_point(model=model))):
        finding, = check(points).findings
        assert finding.kind == "weights"
        assert "the patch embedding differs already" in finding.sentence


def test_weights_that_were_only_rounded_are_not_stated_to_be_other_weights():
    model = model_and_images()[0].astype(np.float32)
    for value in model.state_dict().values():
        value[...] = bfloat16(value)
    report = check(module_outputs(every_point(model=model)))
    assert (report.verdict, report.noise.arithmetic.name) == ("agree", "parameters of bfloat16")


def test_other_weights_of_one_layer_are_found_by_name_if_they_are_dumped():
    model, _ = model_and_images()
    points = {**every_point(), **{f"state/{name}": value for name, value in model.state_dict().items()}}
    points["layers.0.blocks.0.mlp.fc1"] = points["layers.0.blocks.0.mlp.fc1"] * 1.1
    points["state/layers.0.blocks.0.mlp.fc1.weight"] = 1.1 * points["state/layers.0.blocks.0.mlp.fc1.weight"]
    finding, = check(points).findings
    assert (finding.kind, finding.module) == ("weights", "layers.0.blocks.0.mlp.fc1")


def test_other_weights_of_one_layer_are_recognised_by_its_results_alone():
    model = model_and_images()[0].astype(np.float32)
    weight = model.layers[0].blocks[0].attn.proj.weight
    weight[:] = 0.3 * np.random.default_rng(1).standard_normal(weight.shape)
    finding, = check(module_outputs(every_point(model=model))).findings
    assert finding.kind == "weights"
    assert finding.module.startswith("layers.0.blocks.0.attn")


def of_other_images(change):
    model, images = model_and_images()
    with trace(model) as recorded:
        model(change(images))
    return module_outputs(recorded)


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda x: x[::-1].copy(), "other images"), (lambda x: x[..., ::-1].copy(), "flipped left to right"),
    (lambda x: x[:, ::-1].copy(), "red and blue exchanged"), (lambda x: 2 * x + 1, "normalised otherwise")],
    ids=["another picture", "flipped", "red and blue", "normalised otherwise"])
def test_wrong_images_are_recognised_by_the_input(change, sentence):
    finding, = check({"input": change(model_and_images()[1]), **of_other_images(change)}).findings
    assert finding.module == "input"
    assert sentence in finding.sentence


def test_wrong_images_are_recognised_by_the_patch_embedding_alone():
    finding, = check(of_other_images(lambda x: x[..., ::-1].copy())).findings
    assert (finding.module, finding.mistake) == ("input", "flipped left to right")
    finding, = check(of_other_images(lambda x: x**3)).findings
    assert (finding.module, finding.mistake) == ("input", "other images")


def test_nan_is_reported_at_its_first_point():
    points = every_point()
    points["layers.0.blocks.1.mlp"] = points["layers.0.blocks.1.mlp"].copy()
    points["layers.0.blocks.1.mlp"][5, 2] = np.nan
    report = check(points)
    assert (report.verdict, report.findings[0].kind) == ("differ", "nan")
    assert report.findings[0].module == "layers.0.blocks.1.mlp"


def test_another_configuration_cannot_be_compared():
    other = SwinTransformer.random(replace(CONFIG, embed_dim=24))
    with trace(other) as recorded:
        other(model_and_images()[1])
    with pytest.raises(InputError, match="another configuration"):
        check(dict(recorded))


def test_with_a_window_for_each_stage_the_block_that_does_not_shift_is_named(rng):
    config = SwinConfig((48, 80), embed_dim=8, depths=(2, 2, 2), num_heads=(1, 2, 4), window_size=(2, (3, 5), 2))
    model = SwinTransformer.random(config)
    redraw(model, 3)
    images = rng.standard_normal((2, 3, 48, 80))
    compared_with, double = Reference.of(model, images), model.astype(np.float64)

    def report(settings):
        with trace(double) as points:
            double(images)
        return crosscheck(compared_with, Candidate(dict(points), config=settings))

    for windows in ([2, [3, 5], 2], ((2, 2), (3, 5), (2, 2))):
        assert report({"window_size": windows}).verdict == "agree"
    for windows in (2, (3, 5), [2, 3, 5], [2, [3, 5], 3], "2"):
        with pytest.raises(InputError, match="another configuration: window_size"):
            report({"window_size": windows})
    double.layers[1].blocks[1].shift_size = (0, 0)
    finding, = report({}).findings
    assert (finding.mistake, finding.module) == ("no-shift", "layers.1.blocks.1.attn")
    assert shift_of(compared_with, "layers.1.blocks.1.attn") == (1, 2)


def test_a_dump_without_any_known_name_cannot_be_compared(rng):
    with pytest.raises(InputError, match="no point that is known, only conv, act"):
        check({"conv": rng.standard_normal(3), "act": rng.standard_normal(4)})


def test_extra_points_are_noted_and_wrongly_shaped_ones_make_a_difference(rng):
    report = check({**every_point(), "extra": rng.standard_normal(3)})
    assert report.verdict == "agree"
    assert "extra" in report.notes[0]
    report = check({**every_point(), "layers.0.blocks.0": rng.standard_normal((2, 5))})
    assert report.verdict == "differ"
    assert "layers.0.blocks.0 has shape (2, 5)" in report.notes[0]
    assert [(finding.kind, finding.module) for finding in report.findings] == [("shape", "layers.0.blocks.0")]


def test_a_mistake_is_named_by_the_shape_that_it_gives_where_the_numbers_do_not_tell():
    points = {"layers.1": every_point()["layers.1"], "norm": every_point("pool-before-the-norm")["norm"],
              "output": every_point()["output"]}
    assert [finding.mistake for finding in check(points).findings] == ["pool-before-the-norm"]


def test_a_trace_without_weights_is_compared_and_not_diagnosed(tmp_path):
    model, images = model_and_images()
    with trace(model.astype(np.float64)) as recorded:
        recorded.model(images.astype(np.float64))
    recorded.save(tmp_path / "trace.npz")
    report = crosscheck(read_reference(tmp_path / "trace.npz"), candidate_of(every_point("no-mask")))
    assert (report.verdict, report.findings) == ("differ", [])
    assert "trace without weights" in report.notes[-1]
    assert crosscheck(read_reference(tmp_path / "trace.npz"), candidate_of(every_point())).verdict == "agree"


def test_a_saved_reference_is_read_back_as_the_same(tmp_path):
    assert "layers.0.blocks.0.attn" in reference().save(tmp_path / "ref.npz", "test")
    again = read_reference(tmp_path / "ref.npz")
    assert again.config == reference().config
    assert all(np.array_equal(again.points[name], value) for name, value in reference().points.items())
    with np.load(tmp_path / "ref.npz") as stored:
        assert stored["float64/layers.0"].dtype == np.float64


@pytest.mark.parametrize("content", [b"", b"nothing of the kind"])
def test_a_file_that_is_no_reference_is_refused(tmp_path, content):
    (tmp_path / "ref.npz").write_bytes(content)
    with pytest.raises((InputError, CheckpointError)):
        read_reference(tmp_path / "ref.npz")


def test_the_json_has_the_documented_fields_and_no_nan():
    points = every_point("no-mask")
    points["output"] = np.full_like(points["output"], np.nan)
    text = json.dumps(check(points).to_json(), allow_nan=False)
    assert {"verdict", "first", "points", "findings"} <= json.loads(text).keys()
    assert {"module", "mistake", "place"} <= json.loads(text)["findings"][0].keys()


def test_the_reference_takes_float32_and_float64_images_alike():
    model, images = model_and_images()
    assert np.array_equal(Reference.of(model, images.astype(np.float64)).points["output"],
                          reference().points["output"])

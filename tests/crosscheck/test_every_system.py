"""Every system is compared, located and named as the first Swin Transformer is."""

import json
import re

import numpy as np
import pytest

from swin_np.convolution.functional import relu
from swin_np.crosscheck import diagnose, trials
from swin_np.crosscheck.candidates import Candidate, candidate_of
from swin_np.crosscheck.causes.cause import module_at, replaced
from swin_np.crosscheck.clock import UNLIMITED
from swin_np.crosscheck.configurations import configuration, stated
from swin_np.crosscheck.isolate import first_units, isolated, units
from swin_np.crosscheck.layouts import align
from swin_np.crosscheck.pictures import plane
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference, read_reference
from swin_np.crosscheck.report import Divergence
from swin_np.errors import InputError
from swin_np.systems.registry import build
from tests.crosscheck.systems import (
    CONFIGS,
    MISTAKES,
    every_point,
    mistakes_of,
    model_and_images,
    reference,
    results_of_units,
)
from tests.crosscheck.test_layouts import laid_out
from tests.matching import FLOAT64_TOLERANCE, assert_matches

PLANTED = [(name, number) for name, entries in MISTAKES.items() for number in range(len(entries))]


def check(name, points):
    return crosscheck(reference(name), candidate_of(points), clock=UNLIMITED)


@pytest.fixture
def catalogue(monkeypatch):
    """Lets every system have these mistakes."""
    def of(mistakes):
        for module in (trials, diagnose):
            monkeypatch.setattr(module, "catalogue_for", lambda model: mistakes)
    return of


@pytest.mark.parametrize("name", CONFIGS)
def test_the_trace_in_float32_agrees_at_every_point_and_in_the_references_own_names(name):
    report = check(name, every_point(name))
    assert report.verdict == "agree" and not report.notes and not report.findings
    assert {point.name for point in report.points} == reference(name).points.keys() - {"input"}
    assert all(point.alone is not None for point in report.points)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_units_one_after_the_other_are_the_model(name):
    own = reference(name)
    points = {point: value for point, value in own.points.items() if point != "input"}
    found = isolated(own.model, own.images, points).values
    assert list(found) == list(points)
    for point, value in found.items():
        assert_matches(value.ravel(), points[point].ravel(), FLOAT64_TOLERANCE)


@pytest.mark.parametrize("name", CONFIGS)
def test_what_follows_from_a_point_that_is_wrong_is_judged_by_it(name):
    points = every_point(name)
    sums = [float(value.sum()) for value in points.values()]            # a copy of another point would be seen through
    first = next(point for number, point in enumerate(points) if number >= len(points) // 2
                 and sums.count(sums[number]) == 1 and "attn" not in point)
    report = check(name, points | {first: points[first] + np.float32(0.5)})
    assert {point.name for point in report.points if not point.whole.agrees} == {first}
    alone = [point.name for point in report.points if not point.alone.agrees]
    assert alone[0] == first and len(alone) > 1


@pytest.mark.parametrize("name", CONFIGS)
def test_a_reference_is_saved_with_its_architecture_and_read_back(name, tmp_path):
    own = reference(name)
    stored = own.save(tmp_path / "ref.npz", "a test", "output*" if name == "backbone" else "")
    assert stored and "output" in {point.partition(".")[0] for point in stored}
    back = read_reference(tmp_path / "ref.npz")
    assert back.config == own.config and type(back.model) is type(own.model)
    assert back.points.keys() == own.points.keys()
    assert all(np.array_equal(back.points[point], own.points[point]) for point in own.points)
    report = crosscheck(back, candidate_of(tmp_path / "ref.npz"))
    assert report.verdict == "agree"
    assert {point.name for point in report.points} >= set(stored)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_is_what_it_was_after_json(name):
    assert configuration(json.loads(json.dumps(stated(CONFIGS[name])))) == CONFIGS[name]


def test_a_candidate_of_another_architecture_is_refused_by_name(tmp_path):
    reference("ResNet").save(tmp_path / "other.npz", "a test")
    with pytest.raises(InputError, match="the candidate is a ResNet or ResNeXt, and the reference a Res2Net"):
        crosscheck(reference("Res2Net"), candidate_of(tmp_path / "other.npz"))


@pytest.mark.parametrize("name", ["transformer_base", "swin_mixer_t_c24"])
def test_an_architecture_that_is_not_known_is_refused_in_a_sentence(name):
    with pytest.raises(InputError, match=r"does not know the architecture of a (Transformer|SwinMixer)Config"):
        Reference.of(build(name, seed=None), np.zeros((1, 3, 224, 224), np.float32))


@pytest.mark.parametrize(("name", "number"), PLANTED)
@pytest.mark.parametrize("depth", [lambda name, points: points, results_of_units], ids=["every point", "units"])
def test_a_planted_mistake_is_located_and_with_an_entry_named(name, number, depth, catalogue):
    entry, module = MISTAKES[name][number]
    points = depth(name, every_point(name, entry))
    catalogue({})
    findings = check(name, points).findings
    assert findings and all(finding.kind != "mistake" for finding in findings)
    if entry.name != "batch-norm-eps" and module in ("output", "decode_head"):
        assert all(place.startswith((module, "output")) for finding in findings for place in finding.modules)
    catalogue(mistakes_of(name))
    named, = check(name, points).findings
    assert (named.kind, named.mistake) == ("mistake", entry.name)
    assert named.modules[0].startswith(module)
    assert all(re.fullmatch(f"{entry.modules}|blocks.0|layer1.0|output", place) for place in named.modules)


CHANGES = {
    "ReLU left out after the sum": (
        "ResNet", "layer1.1", lambda block: replaced(block, forward=lambda x: block.branch(x) + block.shortcut(x)),
        "branches summed otherwise", "without the ReLU after it"),
    "a branch of half the size": (
        "Res2Net", "layer2.0", lambda block: replaced(block, forward=lambda x: relu(
            np.float32(0.5) * block.branch(x) + block.shortcut(x))), "branches summed otherwise", "0.5 F(x)"),
    "a norm of V2 left out": (
        "Swin V2", "layers.0.blocks.1", lambda block: replaced(block, forward=lambda x: (lambda z: z + block.mlp(z))(
            x + block.norm1(block.attend(x)))), "branches summed otherwise", "1 norm1(attn) + 1 mlp"),
    "an MLP of half the size": (
        "ViT", "blocks.1", lambda block: replaced(block, forward=lambda x: (
            lambda z: z + np.float32(0.5) * block.mlp(block.norm2(z)))(x + block.attn(block.norm1(x)))),
        "branches summed otherwise", "the branch of the MLP is multiplied by 0.5"),
    "one eps": ("ResNet", "layer1.0.bn2", lambda norm: replaced(norm, eps=1e-2), "eps of one norm", "is 0.01"),
    "a map's eps": ("UPerNet", "norms.0", lambda norm: replaced(norm, eps=1e-2), "eps of one norm", "is 0.01"),
    "no running mean": (
        "Res2Net v1b", "layer3.0.bn1", lambda norm: replaced(norm, running_mean=0 * norm.running_mean), "mean lost",
        "counts as 0"),
    "a rotated kernel": (
        "U-Net", "decode_head.up_blocks.1.convs.0.conv",
        lambda conv: replaced(conv, weight=conv.weight[:, :, ::-1, ::-1].copy()), "kernels rotated", "rotated by 180"),
    "another shift in a backbone": (
        "UPerNet", "backbone.layers.0.blocks.1", lambda block: replaced(block, shift_size=(1, 1)), "shift by (1, 1)",
        "shifted by 1 rows and 1 columns"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_cause_beyond_the_catalogue_is_found_in_the_module_that_has_it_from_units_alone(what, catalogue):
    catalogue({})
    name, module, change, kind, words = CHANGES[what]
    with change(module_at(model_and_images(name)[0], module)):
        points = every_point(name)
    finding, = check(name, results_of_units(name, points)).findings
    assert (finding.mistake, finding.module.startswith(module)) == (kind, True)
    assert words in finding.sentence


def test_another_eps_in_all_batch_norms_is_one_finding_without_a_catalogue_too(catalogue):
    catalogue({})
    entry, _ = MISTAKES["ResNet"][0]
    finding, = check("ResNet", every_point("ResNet", entry)).findings
    assert finding.sentence == "The eps of all batch norms is 0.001 instead of 1e-05."


@pytest.mark.parametrize("name", ["Swin V2", "ViT", "ResNet", "Res2Net v1b", "UPerNet", "FPN"])
def test_tensors_without_names_in_other_layouts_are_matched_by_their_values(name):
    points, axes = every_point(name), reference(name).axes
    turned = {}
    for i, (point, value) in enumerate(points.items()):
        layouts = list(axes[point].layouts.values())
        turned[f"t{i}"] = laid_out(value, axes[point], layouts[i % len(layouts)])
    report = crosscheck(reference(name), Candidate({}, others=turned))
    assert report.verdict == "agree"
    assert len(report.points) >= 0.9 * len(points)


@pytest.mark.parametrize("name", ["UPerNet", "UPerNet on ResNet", "FPN"])
def test_a_head_is_run_from_the_first_map_that_is_not_given(name):
    chain = units(model_and_images(name)[0])
    numbers = {unit.name: number for number, unit in enumerate(chain)}
    maps = chain[-1].reads
    assert first_units(chain, {*maps})[len(chain) - 1] == len(chain) - 1
    before = {output for number, unit in enumerate(chain[:-1]) for output in unit.outputs
              if number < numbers[maps[0]] and unit.name not in maps}
    assert first_units(chain, before | {*maps[1:]})[len(chain) - 1] <= numbers[maps[0]]


def test_what_is_wrong_in_a_sequence_is_said_by_its_tokens():
    points = every_point("DeiT")
    points["blocks.0"][:, 1] += 1
    wrong, = [point for point in check("DeiT", points).points if not point.whole.agrees]
    assert wrong.whole.where.tokens == (2, 2 * 26)
    assert wrong.whole.where.phrase.startswith("tokens 1 of 26")


@pytest.mark.parametrize("name", CONFIGS)
def test_every_layout_of_every_point_is_undone(name):
    own = reference(name)
    for point, value in own.points.items():
        axes = own.axes[point]
        for layout in axes.layouts.values():
            assert np.array_equal(align(laid_out(value, axes, layout), value.reshape(axes.shape), axes)[1],
                                  value.reshape(axes.shape)), (point, layout)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_point_is_drawn_at_its_largest_difference(name):
    own = reference(name)
    for point, value in own.points.items():
        axes = own.axes[point]
        theirs = value.reshape(axes.shape).copy()
        theirs.flat[theirs.size // 3] += 100
        shown = plane(Divergence(point, value.reshape(axes.shape), theirs, axes, False))
        assert np.nanmax(np.abs(shown.difference)) == pytest.approx(100), point

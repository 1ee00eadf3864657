"""What the ablated models provably cannot do, whatever their weights, and what the shipped ones do."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest

from swin_np.checkpoints.files import read
from swin_np.errors import ConfigurationError
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.probes import (
    ABLATIONS,
    TASKS,
    cross_entropy,
    is_right,
    load_probe,
    logits_of,
    probe_config,
    remove_bias,
    remove_shift,
    results,
    straddles,
)
from swin_np.probes.models import FOLDER
from swin_np.probes.tasks import render
from tests.matching import MODEL_TOLERANCE, assert_matches, largest_difference

QUADRANT, CELL = 16, 4                                 # pixels: a window of the last stage, one token of it
VISIBLE = 1e-3                                         # of the largest logit: far more than rounding
WEIGHT_FILES = sorted((FOLDER / "weights").iterdir())
MODELS = [(task, ablation) for task in TASKS for ablation in ABLATIONS]
RUNS = {(run["task"], run["ablation"], run["seed"]): run for run in results()["runs"]}
SHIPPED = {(task, ablation): RUNS[task, ablation, results()["shipped_seeds"][f"{task}_{ablation}"]]
           for task, ablation in MODELS}


def large_random(task, remove, seed):
    model = SwinTransformer.random(probe_config(task))
    redraw(model, seed)
    remove(model)
    return model.astype(np.float64)


def nothing(model):
    """Remove nothing."""


def random_images(rng, size=(32, 32)):
    return rng.standard_normal((3, 3, *size))


def rearrange(images, cell, rearrangement):
    """Move whole cells of pixels, their contents kept: `rearrangement` takes (B, rows, columns, ...) of cells."""
    b, c, h, w = images.shape
    cells = images.reshape(b, c, h // cell, cell, w // cell, cell).transpose(0, 2, 4, 1, 3, 5)
    cells = rearrangement(cells)
    return cells.transpose(0, 3, 1, 4, 2, 5).reshape(b, c, cells.shape[1] * cell, cells.shape[2] * cell)


def shuffled(cells):
    """The same cells of each image in another order."""
    order = np.random.default_rng(2).permutation(cells.shape[1] * cells.shape[2])       # 3 2 0 1 of 2 x 2
    return cells.reshape(len(cells), -1, *cells.shape[3:])[:, order].reshape(cells.shape)


REARRANGEMENTS = {
    "columns reversed": lambda cells: cells[:, :, ::-1],
    "rows reversed": lambda cells: cells[:, ::-1],
    "transposed": lambda cells: cells.swapaxes(1, 2),
}


# without the shift

@pytest.mark.parametrize("size", [(32, 32), (32, 48)], ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_without_shift_the_order_of_the_quadrants_changes_no_logit(rng, seed, size):
    model, images = large_random("same", remove_shift, seed), random_images(rng, size)
    assert_matches(model(rearrange(images, QUADRANT, shuffled)), model(images), MODEL_TOLERANCE)


@pytest.mark.parametrize("seed", [0, 1])
def test_with_shift_the_order_of_the_quadrants_changes_the_logits(rng, seed):
    model, images = large_random("same", nothing, seed), random_images(rng)
    logits = model(images)
    assert largest_difference(model(rearrange(images, QUADRANT, shuffled)), logits) > VISIBLE * np.abs(logits).max()


def test_without_shift_the_logits_are_a_sum_of_one_function_over_the_quadrants(rng):
    model, images = large_random("same", remove_shift, 0), random_images(rng)
    one, other = images[:1], images[1:2]
    with_all = {}                                      # which quadrants are of `other`: logits
    for chosen in np.ndindex(2, 2, 2, 2):
        mixed = one.copy()
        for place, from_other in zip(np.ndindex(2, 2), chosen, strict=True):
            rows, columns = (slice(QUADRANT * i, QUADRANT * (i + 1)) for i in place)
            mixed[..., rows, columns] = (other if from_other else one)[..., rows, columns]
        with_all[chosen] = model(mixed)
    base = with_all[0, 0, 0, 0]
    effects = [with_all[tuple(np.eye(4, dtype=int)[i])] - base for i in range(4)]
    for chosen, logits in with_all.items():
        assert_matches(logits, base + sum(effect for effect, of in zip(effects, chosen, strict=True) if of),
                       MODEL_TOLERANCE)


def coloured_pairs(places, seed):
    """(images, answers, weights): both marks in every colour on one and the same board, as often as in SAME."""
    images, answers, weights = [], [], []
    for first, second in np.ndindex(3, 3):
        marks = np.zeros((1, 16, 16), int)
        marks[0][places[0]], marks[0][places[1]] = first + 1, second + 1
        images.append(render(marks, np.random.default_rng(seed)))       # the same noise each time
        answers.append(int(first == second))
        weights.append(1 / 6 if first == second else 1 / 12)
    return np.concatenate(images), np.array(answers), np.array(weights)


ACROSS = [((7, 3), (9, 4)), ((3, 7), (3, 9)), ((7, 7), (9, 9)), ((6, 12), (8, 9))]


def across_results(model):
    """For each pair of places in two quadrants: the mean loss and the accuracy over all colours."""
    for seed, places in enumerate(ACROSS):
        images, answers, weights = coloured_pairs(places, seed)
        logits = model(images.astype(np.float64))
        yield weights @ cross_entropy(logits, answers), weights @ is_right(logits, answers)


@pytest.mark.parametrize("model", [
    *(large_random("same", remove_shift, seed) for seed in range(3)), load_probe("same", "no_shift", np.float64)],
    ids=["random 0", "random 1", "random 2", "shipped"])
def test_without_shift_the_loss_across_quadrants_is_at_least_that_of_guessing(model):
    """The score for 'same' is g(first) + h(second); by Jensen's inequality constant scores lose least, ln 2."""
    for loss, accuracy in across_results(model):
        assert loss >= np.log(2) * (1 - MODEL_TOLERANCE)
        assert accuracy <= 2 / 3 + MODEL_TOLERANCE


def test_with_shift_the_loss_across_quadrants_is_less():
    for loss, accuracy in across_results(load_probe("same", "full", np.float64)):
        assert loss < np.log(2) / 3
        assert accuracy > 2 / 3 + MODEL_TOLERANCE


# without the bias

@pytest.mark.parametrize("name", REARRANGEMENTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_without_bias_reversing_or_transposing_the_grid_of_cells_changes_no_logit(rng, seed, name):
    model, images = large_random("flock", remove_bias, seed), random_images(rng)
    assert_matches(model(rearrange(images, CELL, REARRANGEMENTS[name])), model(images), MODEL_TOLERANCE)


@pytest.mark.parametrize("name", ["columns reversed", "rows reversed"])
def test_without_bias_reversing_the_cells_of_an_oblong_image_changes_no_logit(rng, name):
    model, images = large_random("flock", remove_bias, 0), random_images(rng, (32, 64))
    assert_matches(model(rearrange(images, CELL, REARRANGEMENTS[name])), model(images), MODEL_TOLERANCE)


@pytest.mark.parametrize("name", REARRANGEMENTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_with_bias_reversing_or_transposing_the_grid_of_cells_changes_the_logits(rng, seed, name):
    model, images = large_random("flock", nothing, seed), random_images(rng)
    logits = model(images)
    changed = largest_difference(model(rearrange(images, CELL, REARRANGEMENTS[name])), logits)
    assert changed > VISIBLE * np.abs(logits).max()


def four_flocks():
    """30 boards of FLOCK with the blue marks to the right, and the same cells in three other orders: (4, 40, ...)."""
    boards = TASKS["flock"].draw(160, np.random.default_rng(8))
    images = boards.images[boards.answers == 0][:30].astype(np.float64)
    assert len(images) == 30
    left = rearrange(images, CELL, REARRANGEMENTS["columns reversed"])
    below = rearrange(images, CELL, REARRANGEMENTS["transposed"])
    return np.stack([images, below, left, rearrange(below, CELL, REARRANGEMENTS["rows reversed"])])


def test_rearranged_flocks_are_flocks_with_the_other_three_answers():
    marks = TASKS["flock"].draw(160, np.random.default_rng(8))
    marks = marks.marks[marks.answers == 0][:, None].astype(float)      # (B, 1, 16, 16), a cell has 2 x 2 tiles
    below = rearrange(marks, 2, REARRANGEMENTS["transposed"])
    for moved, step in ((marks, (0, 2)), (below, (2, 0)),
                        (rearrange(marks, 2, REARRANGEMENTS["columns reversed"]), (0, -2)),
                        (rearrange(below, 2, REARRANGEMENTS["rows reversed"]), (-2, 0))):
        for board in moved[:, 0]:
            red, blue = ([tuple(place) for place in np.argwhere(board == colour)] for colour in (1, 3))
            assert {(row + step[0], column + step[1]) for row, column in red} == set(blue)


@pytest.mark.parametrize("model", [
    *(large_random("flock", remove_bias, seed) for seed in range(2)), load_probe("flock", "no_bias", np.float64)],
    ids=["random 0", "random 1", "shipped"])
def test_without_bias_flock_is_answered_by_chance(model):
    images = four_flocks()
    logits = np.stack([model(of_one_answer) for of_one_answer in images])            # (4, 30, 4)
    right = np.stack([is_right(logits[answer], np.full(30, answer)) for answer in range(4)])
    assert right.mean() == 1 / 4                       # the same answer to all four, of which one is right
    losses = [cross_entropy(logits[answer], np.full(30, answer)) for answer in range(4)]
    assert np.mean(losses) >= np.log(4) * (1 - MODEL_TOLERANCE)


def test_with_bias_flock_is_answered():
    model = load_probe("flock")
    images = four_flocks().astype(np.float32)
    right = [is_right(model(images[answer]), np.full(30, answer)).mean() for answer in range(4)]
    assert min(right) > 0.9


# the shipped weights

def test_there_is_a_file_for_every_model_and_no_other():
    assert {file.name for file in WEIGHT_FILES} == {f"{task}_{ablation}.safetensors" for task, ablation in MODELS}


def test_all_files_together_have_at_most_400_kilobytes():
    assert sum(file.stat().st_size for file in WEIGHT_FILES) <= 400_000


@pytest.mark.parametrize("file", WEIGHT_FILES, ids=lambda file: file.stem)
def test_weights_are_stored_in_float16_by_their_official_names(file):
    stored = read(file).tensors
    task = file.stem.split("_")[0]
    expected = SwinTransformer.random(probe_config(task), seed=None).state_dict()
    assert {name: value.shape for name, value in stored.items()} == {
        name: value.shape for name, value in expected.items()}
    assert {value.dtype for value in stored.values()} == {np.dtype(np.float16)}


def test_the_package_contains_every_file_that_is_read():
    settings = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    patterns = re.findall(r'"([^"]+)"', re.search(r"\[tool\.setuptools\.package-data\]\nswin_np = \[(.*?)\]", settings,
                                                  re.DOTALL).group(1))
    for file in [*WEIGHT_FILES, FOLDER / "results.json", FOLDER / "README.md"]:
        assert any(fnmatchcase(f"probes/{file.relative_to(FOLDER).as_posix()}", pattern) for pattern in patterns), file


def bias_tables(model):
    return [block.attn.relative_position_bias_table for stage in model.layers for block in stage.blocks]


def shifts(model):
    return [block.shift_size for stage in model.layers for block in stage.blocks]


@pytest.mark.parametrize("task", TASKS)
def test_only_the_models_without_bias_have_no_bias(task):
    for ablation in ABLATIONS:
        assert all(table.any() != (ablation == "no_bias") for table in bias_tables(load_probe(task, ablation)))


@pytest.mark.parametrize("task", TASKS)
def test_only_the_models_without_shift_have_no_shift(task):
    for ablation in ABLATIONS:
        second = (0, 0) if ablation == "no_shift" else (2, 2)
        assert shifts(load_probe(task, ablation)) == 2 * [(0, 0), second]


@pytest.mark.parametrize("task", TASKS)
def test_a_model_has_24_700_parameters(task):
    assert 24_600 < load_probe(task).parameter_count() < 24_800


def assert_share(right, expected, images):
    """The share of right answers is the expected one of `images`, up to 4 standard deviations of the difference."""
    assert len(right) >= 50
    smoothed = (expected * images + 2) / (images + 4)                   # so that 1 is not taken for certain
    assert abs(right.mean() - expected) <= 4 * np.sqrt(smoothed * (1 - smoothed) * (1 / len(right) + 1 / images))


@pytest.fixture(scope="module", params=MODELS, ids="_".join)
def fresh(request):
    """(the stored result, fresh boards, right or not) of a shipped model."""
    task, ablation = request.param
    boards = TASKS[task].draw(512, np.random.default_rng(77))
    right = is_right(logits_of(load_probe(task, ablation), boards), boards.answers)
    return SHIPPED[task, ablation], boards, right


def test_shipped_weights_are_as_accurate_on_fresh_images_as_stated(fresh):
    run, _, right = fresh
    assert_share(right, run["accuracy"], results()["held_out"]["images"])


def test_shipped_weights_are_as_accurate_within_and_across_quadrants_as_stated(fresh):
    run, boards, right = fresh
    if run["task"] == "same":
        across = straddles(boards.marks)
        for which, place in ((across, "across_quadrants"), (~across, "within_a_quadrant")):
            assert_share(right[which], run[place]["accuracy"], run[place]["images"])


def test_the_results_cover_every_model_with_three_seeds():
    assert {(task, ablation) for task, ablation, _ in RUNS} == {*MODELS, ("flock", "absolute_position")}
    assert len(RUNS) == 3 * 7


@pytest.mark.parametrize("task", TASKS)
def test_the_results_hold_the_bias_tables_of_the_shipped_weights(task):
    model, stored = load_probe(task), SHIPPED[task, "full"]["first_stage_bias_tables"]
    for block, table in zip(model.layers[0].blocks, stored, strict=True):
        assert np.allclose(block.attn.relative_position_bias_table, table, rtol=0, atol=6e-4)


@pytest.mark.parametrize(("task", "ablation"), [("sam", "full"), ("same", "noshift")])
def test_an_unknown_task_or_ablation_is_answered_with_the_nearest_name(task, ablation):
    with pytest.raises(ConfigurationError, match=r"did you mean 'same'|did you mean 'no_shift'"):
        load_probe(task, ablation)


@pytest.mark.parametrize(("task", "ablation"), MODELS, ids="_".join)
def test_transformers_computes_the_same_from_the_shipped_weights(task, ablation):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from oracle.swin_twin import their_outputs, torch_twin

    model = load_probe(task, ablation, np.float64)
    twin = torch_twin(model, torch.float64)
    if ablation == "no_shift":
        for stage in twin.swin.encoder.layers:
            for block in stage.blocks:
                block.shift_size = 0
    images = TASKS[task].draw(8, np.random.default_rng(5)).images.astype(np.float64)
    assert_matches(model(images), their_outputs(twin, images)["logits"], MODEL_TOLERANCE)


def readme_row(task, ablation):
    """A row of the README's table: accuracies by seed, and for SAME the shipped model's within and across quadrants."""
    cells = [f"{100 * run['accuracy']:.1f}" for key, run in sorted(RUNS.items()) if key[:2] == (task, ablation)]
    if task == "same":
        shipped = SHIPPED[task, ablation]
        cells += [f"{100 * shipped[place]['accuracy']:.1f}" for place in ("within_a_quadrant", "across_quadrants")]
    else:
        cells += ["", ""]
    return " | ".join([f"| {task.upper()}", ablation.replace("_", " "), *cells]).rstrip() + " |"


@pytest.mark.parametrize(("task", "ablation"), [*MODELS, ("flock", "absolute_position")], ids="_".join)
def test_the_readme_states_what_was_measured(task, ablation):
    assert readme_row(task, ablation) in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()

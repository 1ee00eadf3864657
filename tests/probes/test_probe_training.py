"""The training script: what it starts from, that it learns, and that its weights mean the same to swin_np."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from benchmarks.train_probes import (  # noqa: E402
    ABSOLUTE,
    SEEDS,
    TABLE,
    Run,
    all_runs,
    new_model,
    optimiser_of,
    rate_factor,
    shipped_seeds,
    train,
    write_results,
)
from swin_np.checkpoints.dialects.swin import DIALECTS  # noqa: E402
from swin_np.checkpoints.dialects.translation import to_official  # noqa: E402
from swin_np.model import SwinTransformer  # noqa: E402
from swin_np.probes import ABLATIONS, TASKS, probe_config, remove_shift  # noqa: E402
from tests.matching import MODEL_TOLERANCE, assert_matches  # noqa: E402

ALL_ABLATIONS = (*ABLATIONS, ABSOLUTE)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("ablation", ALL_ABLATIONS)
def test_the_model_in_training_is_the_model_of_swin_np(ablation):
    model = new_model(Run("flock", ablation, 0, 1)).double().eval()
    state = {name: value.numpy() for name, value in model.state_dict().items()
             if not name.endswith("relative_position_index")}
    ours = SwinTransformer.random(probe_config("flock", ape=ablation == ABSOLUTE), dtype=np.float64)
    ours.load_state_dict(to_official(state, DIALECTS["transformers"]))
    if ablation == "no_shift":
        remove_shift(ours)
    images = TASKS["flock"].draw(3, np.random.default_rng(0)).images.astype(np.float64)
    with torch.inference_mode():
        theirs = model(torch.from_numpy(images)).logits.numpy()
    assert_matches(ours(images), theirs, MODEL_TOLERANCE)


@pytest.mark.parametrize("ablation", ALL_ABLATIONS)
def test_only_where_there_is_a_bias_it_is_learned(ablation):
    before = new_model(Run("flock", ablation, 0, 1)).state_dict()
    name = f"swin.encoder.layers.0.blocks.1.attention.relative_position_bias.{TABLE}"
    after = train(Run("flock", ablation, 0, 2))[f"layers.0.blocks.1.attn.{TABLE}"]
    if ablation in ("full", "no_shift"):
        assert np.abs(after - before[name].numpy()).max() > 1e-3
    else:
        assert not after.any()


def test_weights_start_at_the_scale_of_their_input_and_tables_at_0_02():
    for name, value in new_model(Run("same", "full", 0, 1)).named_parameters():
        if value.ndim > 1:
            expected = 0.02 if name.endswith(TABLE) else value[0].numel() ** -0.5
            assert value.std().item() == pytest.approx(expected, rel=4 / (2 * value.numel()) ** 0.5)


def test_only_matrices_decay_and_only_tables_have_the_higher_rate():
    model = new_model(Run("same", "full", 0, 1))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    seen = set()
    for group in optimiser_of(model).param_groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            seen.add(name)
            table = name.endswith(TABLE)
            assert group["weight_decay"] == (0.05 if parameter.ndim > 1 and not table else 0)
            assert group["lr"] == pytest.approx(2e-2 if table else 2e-3)
    assert seen == set(names.values())


def test_the_rate_warms_up_for_100_steps_and_falls_to_0():
    factors = [rate_factor(step, 1000) for step in range(1000)]
    assert factors[49] == pytest.approx(0.5) and factors[99] == factors[100] == 1
    assert factors[550] == pytest.approx(0.5) and 0 < factors[999] < 1e-5


def test_the_same_seed_learns_the_same():
    one, again, other = (train(Run("same", "full", seed, 2)) for seed in (3, 3, 4))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["head.weight"], other["head.weight"])


def test_there_are_three_seeds_of_every_model_and_absolute_position_for_flock():
    runs = all_runs()
    assert len(runs) == len(set(runs)) == (3 + 4) * len(SEEDS)


def test_the_first_seed_within_a_point_of_the_best_ships():
    results = [{"task": "same", "ablation": "full", "seed": seed, "accuracy": accuracy}
               for seed, accuracy in ((2, 0.905), (1, 0.9), (0, 0.89))]
    assert shipped_seeds(results) == {("same", "full"): 1}


def test_results_are_written_in_a_fixed_order(tmp_path):
    results = [{"task": run.task, "ablation": run.ablation, "seed": run.seed, "accuracy": 1} for run in all_runs()]
    write_results(tmp_path, results[::-1])
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored["runs"] == results
    assert stored["command"] == "python -m benchmarks.train_probes"

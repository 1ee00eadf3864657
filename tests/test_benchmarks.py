"""The measuring instruments of benchmarks.speed: what they count and put together; no time is asserted."""

import json
from dataclasses import replace
from time import sleep

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

pytest.importorskip("torch")
pytest.importorskip("transformers")

from benchmarks import accuracy, operations, peak_memory, speed
from benchmarks.contenders import BESIDE, CONTENDERS, EAGER, OURS, PRODUCTS, SDPA, TIMM, TORCHVISION, draw_images
from benchmarks.figure import speed_figure
from benchmarks.matrix_products import compute, matrix_products, multiply_adds
from benchmarks.results import Results, Timing, as_json, report
from oracle.swin_twin import redrawn_model
from oracle.twins import redrawn_system
from swin_np import TRANSFORMERS, VARIANTS, SwinConfig, SwinError, functional
from swin_np import attention as attention_module
from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.vit import ViTConfig
from swin_np.complexity import layer_costs
from swin_np.layers import redraw
from swin_np.systems import resident_memory
from swin_np.systems.registry import architecture_of
from tests.matching import MODEL_TOLERANCE, UNIT

SMALL = SwinConfig(img_size=(32, 64), patch_size=(2, 2), embed_dim=8, depths=(2, 2), num_heads=(2, 4),
                   window_size=(4, 4), num_classes=5, shape_policy=TRANSFORMERS)
CASES = [(1, 224, 1), (1, 224, 2), (8, 224, 1), (1, 448, 1)]
SAME_MODEL = 1e-4                                      # of the largest logit: a hundred times what rounding does


@pytest.fixture
def model():
    return redrawn_model(SMALL, seed=0)


@pytest.fixture
def images():
    return draw_images(3, 64)[:, :, :32]               # (3, 3, 32, 64)


@pytest.fixture
def results():
    """Made-up numbers: PyTorch takes 2, 3, 4 s an image, we 2.7, the products 1.5; all the same per pixel."""
    timings = [Timing(name, batch, size, threads, [factor * batch * (size / 224) ** 2 for factor in factors])
               for batch, size, threads in CASES
               for name, factors in [(EAGER, (4, 2, 3)), (PRODUCTS, (1, 1.5, 9)), (OURS, (2.7, 2.7, 2.7))]]
    memory = [peak_memory.Memory(name, batch, size, 2, 100, peak)
              for batch, size in [(1, 224), (8, 224), (1, 448)] for name, peak in [(EAGER, 400), (OURS, 150)]]
    profile = [operations.Share(kind, batch, size, 0.5, 0.25 if kind == "linear" else None)
               for batch, size in [(1, 224), (8, 224), (1, 448)] for kind in [*operations.KINDS, operations.REST]]
    precision = [accuracy.Accuracy("swin_t", "logits", 4.0, 1e-6, 2e-6, 3e-15)]
    return Results("swin_t", {"processor": "an abacus", "cores": "2"}, {"ONNX Runtime": "onnx not installed"}, timings,
                   memory, profile, precision)


@pytest.mark.parametrize(("config", "size"), [(SMALL, (32, 64)), (VARIANTS["swin_t"], (224, 224)),
                                              (replace(VARIANTS["swin_t"], shape_policy=TRANSFORMERS), (250, 300))])
def test_the_floor_has_every_multiply_add_of_the_products_of_the_model(config, size):
    images = np.empty((2, 3, *size), np.float32)
    expected = sum(cost.multiply_adds for cost in layer_costs(config, size) if cost.kind in ("linear", "attention"))
    assert multiply_adds(matrix_products(redrawn_model(config, seed=0), images)) == 2 * expected


def test_the_floor_multiplies_by_every_weight_matrix_of_the_model_once(model, images):
    state = model.state_dict()
    matrices = [name for name, value in state.items() if name.endswith("weight") and value.ndim > 1]
    used = [name for name in matrices for _, right, _ in matrix_products(model, images)
            if np.shares_memory(right, state[name])]
    assert used == matrices


def test_the_floor_leaves_the_products_in_their_results(model, images):
    products = matrix_products(model, images, ("linear",))
    compute(products)
    left, right, result = products[-1]                 # the head's: no later product has its shape
    np.testing.assert_array_equal(result, left @ right)


@pytest.mark.parametrize("name", [EAGER, SDPA, TORCHVISION, TIMM, OURS])
def test_a_contender_gives_the_logits_of_the_model_it_was_saved_from(model, images, name, tmp_path):
    contender = CONTENDERS[name]
    contender.save(model, images, tmp_path / "model")
    logits = contender.load(tmp_path / "model", images, 1)()
    assert np.abs(logits - model(images)).max() <= SAME_MODEL * np.abs(logits).max()


@pytest.mark.parametrize("config", [
    ViTConfig((32, 64), 8, 3, 5, 24, 2, 3), ViTConfig((32, 64), 8, 3, 5, 24, 2, 3, distilled=True),
    ResNetConfig("basic", (1, 1, 1, 1), inplanes=8), ResNetConfig(layers=(2, 1, 1, 1), inplanes=8),
    ResNetConfig(layers=(1, 1, 1, 1), inplanes=16, cardinality=4, base_width=32),
    Res2NetConfig(layers=(2, 1, 1, 1), inplanes=16),
    Res2NetConfig(layers=(2, 1, 1, 1), inplanes=16, stem_type="deep", avg_down=True)], ids=str)
def test_the_systems_beside_swin_have_twins_with_the_same_logits(config, images, tmp_path):
    model = architecture_of(config).model.random(config)
    redraw(model, 0)
    for name in BESIDE:
        CONTENDERS[name].save(model, images, tmp_path / "model")
        logits = CONTENDERS[name].load(tmp_path / "model", images, 1)()
        assert np.abs(logits - model(images)).max() <= SAME_MODEL * np.abs(logits).max()


def test_a_system_that_is_timed_is_built_for_the_size_and_drawn_large():
    model = redrawn_system("deit_ti", 64)
    assert model.config.img_size == (64, 64) and model.pos_embed.std() > 0.5


def test_only_vits_are_timed_at_larger_sizes_and_with_the_most_threads():
    small = [(1, 224, 1), (1, 224, 2), (8, 224, 1), (8, 224, 2)]
    assert speed.cases_beside("resnet_50", [1, 8], [224, 448, 896], [1, 2]) == small
    assert speed.cases_beside("vit_b_16", [1, 8], [224, 448, 896], [1, 2]) == [*small, (1, 448, 2), (1, 896, 2)]


def test_contenders_with_other_logits_than_ours_are_refused():
    logits = np.ones((1, 5), np.float32)
    with pytest.raises(SwinError, match="another one gives other logits"):
        speed.check_logits({OURS: lambda: logits, PRODUCTS: lambda: None, "another one": lambda: logits * 1.01})


def test_every_contender_runs_equally_often_and_five_times_at_least():
    calls = []
    times = speed.time_in_turn({name: lambda name=name: calls.append(name) for name in ("a", OURS, "b")}, seconds=0)
    assert calls == ["a", "a", OURS, OURS, "b", "b"] * 5
    assert {name: len(of_one) for name, of_one in times.items()} == {"a": 5, OURS: 5, "b": 5}


def test_larger_images_are_timed_at_the_first_batch_size_only():
    assert speed.cases([1, 8], [224, 448, 896]) == [(1, 224), (8, 224), (1, 448), (1, 896)]


def test_a_stopwatch_does_not_count_inner_functions_twice():
    stopwatch = operations.Stopwatch()
    inner = stopwatch.timed("softmax", lambda: sleep(0.03))
    stopwatch.timed("attention", inner)()
    assert stopwatch.seconds["attention"] < 0.01 < 0.03 <= stopwatch.seconds["softmax"]


def test_every_kind_of_operation_takes_time_in_a_profile(model, images):
    assert all(seconds > 0 for seconds in operations.seconds_by_kind(model, images).values())


def test_a_profile_leaves_the_library_as_it_was(model, images):
    before = functional.linear, functional.softmax, attention_module.softmax
    operations.seconds_by_kind(model, images)
    assert (functional.linear, functional.softmax, attention_module.softmax) == before


@pytest.mark.skipif(not resident_memory.measurable(), reason="only Linux keeps the account of memory that is read here")
def test_the_peak_is_of_a_fresh_process_and_not_of_this_one(model, tmp_path):
    large = np.ones(1 << 26)                           # 512 MiB
    CONTENDERS[OURS].save(model, draw_images(1, 64), tmp_path / "model")
    memory = peak_memory.measure(OURS, tmp_path / "model", 1, 64, 1)
    assert 0 < memory.loaded <= memory.peak < large.nbytes / 2 ** 20


def test_ratios_are_those_of_the_medians(results):
    entries = json.loads(as_json(results))["timings"]
    ours = [entry for entry in entries if entry["contender"] == OURS]
    assert len(ours) == len(CASES)
    for entry in ours:
        assert entry["to_pytorch_eager"] == pytest.approx(2.7 / 3)
        assert entry["to_matrix_products"] == pytest.approx(2.7 / 1.5)


def test_the_fastest_eager_peer_is_named_in_each_case(results):
    results.timings += [Timing(name, 1, 224, 1, [seconds]) for name, seconds in ((TIMM, 2.5), (TORCHVISION, 2.8))]
    results.timings.append(Timing(SDPA, 8, 224, 1, [30.0]))
    text = report(results)
    assert "| fastest eager peer | swin_np / fastest |" in text
    assert "| timm | 1.08 | 0.90 | 1.80 |" in text and "| PyTorch eager | 0.90 | 0.90 | 1.80 |" in text
    entries = json.loads(as_json(results))["timings"]
    assert {(entry["batch"], entry["fastest_peer"]) for entry in entries if entry["size"] == 224
            and entry["threads"] == 1} == {(1, TIMM), (8, EAGER)}
    assert [entry["to_fastest_peer"] for entry in entries if entry["contender"] == OURS] == pytest.approx(
        [2.7 / 2.5, 0.9, 0.9, 0.9])


def test_the_time_per_pixel_is_relative_to_the_first_size(results):
    results.timings[-1].seconds = [2 * 4 * 2.7]        # ours at 448
    entries = json.loads(as_json(results))["timings"]
    assert [entry["per_pixel_to_first_size"] for entry in entries] == pytest.approx([1.0] * (len(entries) - 1) + [2.0])


def test_the_tables_show_each_case_and_what_was_left_out(results):
    text = report(results)
    assert "ONNX Runtime is left out: onnx not installed" in text
    assert "| 8 | 224 | 1 | 3 | 24000.0 | 12000.0 | 21600.0 | 0.90 | 1.80 |" in text
    assert "| 1 | 448 | 2 | swin_np | 100 | 150 | 50 | 0.38 |" in text


def test_the_systems_beside_swin_have_tables_and_ratios_of_their_own(results):
    results.timings += [Timing(OURS, 1, 448, 2, [4 * 2.7]), Timing(EAGER, 1, 448, 2, [12.0])]
    results.beside = [
        Results("resnet_50", {}, {}, [Timing(EAGER, 1, 224, 2, [2.0]), Timing(OURS, 1, 224, 2, [3.0])]),
        Results("vit_b_16", {}, {}, [Timing(name, 1, size, 2, [factor * size ** 4]) for size in (224, 448)
                                     for name, factor in ((EAGER, 1.0), (OURS, 1.1))])]
    text = report(results)
    assert "## resnet_50: time of one forward pass, medians" in text
    assert "| 1 | 224 | 2 | 1 | 2000.0 | 3000.0 | 1.50 |" in text
    assert "| batch | size | threads | swin_t | vit_b_16 |" in text
    assert "| 1 | 448 | 2 | 1.00 | 4.00 |" in text
    entries = json.loads(as_json(results))["beside"][1]["timings"]
    assert [entry["to_pytorch_eager"] for entry in entries if entry["contender"] == OURS] == pytest.approx([1.1, 1.1])


def test_the_figure_has_a_group_of_bars_for_every_case(results):
    figure = speed_figure(results)
    FigureCanvasAgg(figure).draw()
    times, memory, profile = figure.axes
    assert [len(axes.get_yticks()) for axes in (times, memory, profile)] == [len(CASES), 3, 3]
    assert sorted({round(bar.get_width(), 6) for bar in times.patches}) == [0.5, 0.9]


def test_the_figure_does_without_memory(results):
    results.memory = []
    assert len(speed_figure(results).axes) == 2


@pytest.mark.parametrize(("variant", "outputs"), [("swin_t", 6), ("deit_ti", 1), ("resnet_18", 1),
                                                  ("res2net_50_26w_4s", 1)])
def test_the_accuracy_of_a_whole_model_is_that_of_float32_and_its_float64_is_pytorchs(variant, outputs):
    rows = accuracy.measure(variant, seed=0)
    assert len(rows) == outputs
    for row in rows:
        assert 0 < row.float64 <= MODEL_TOLERANCE * row.scale
        for error in (row.ours_float32, row.theirs_float32):
            assert 0.01 * UNIT * row.scale < error < SAME_MODEL * row.scale


@pytest.mark.parametrize(("options", "message"), [
    (["--variant", "swin_x"], "swin_x"),
    (["--beside", "swin_v2_t"], "unknown system with a PyTorch twin 'swin_v2_t'"),
    (["--figure", "speed.jpg"], ".svg or .png"),
    (["--json", "no such folder/speed.json"], "speed.json cannot be written"),
])
def test_a_mistake_on_the_command_line_is_one_sentence_and_status_2(options, message, capsys):
    assert speed.main(options) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and not captured.out


def test_accuracy_of_a_system_without_a_twin_is_refused_in_one_sentence(capsys):
    assert accuracy.main(["--variants", "swin_mixer_t_c24"]) == 2
    captured = capsys.readouterr()
    assert "unknown variant 'swin_mixer_t_c24'" in captured.err and captured.err.count("\n") == 1 and not captured.out


def test_without_pytorch_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(speed, "find_spec", lambda name: None)
    assert speed.main([]) == 2
    assert capsys.readouterr().err == accuracy.MISSING + "\n"

"""Swin V2: the official code's stored activations, transformers run live, the definition in loops, and refusals."""

import json
import math
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from swin_np import MICROSOFT, TRANSFORMERS, trace
from swin_np.baselines import swin_v2
from swin_np.baselines.swin_v2 import (
    SWIN_V2_VARIANTS,
    CosineWindowAttention,
    SwinTransformerV2,
    SwinV2Config,
    layer_costs,
    log_spaced_coordinates,
)
from swin_np.complexity import layer_costs as first_layer_costs
from swin_np.costs import total
from swin_np.errors import ConfigurationError, InputError, ShapeError, StateDictError
from swin_np.layers import redraw
from swin_np.variants import SwinConfig
from tests import golden
from tests.matching import MODEL_TOLERANCE, UNIT, assert_matches, assert_model_rounds_as_float32

FILES = ("v2_basic", "v2_pretrained_window")
TINY = SwinV2Config((48, 64), 4, num_classes=50, embed_dim=12, depths=(2, 2), num_heads=(2, 4), window_size=4,
                    shape_policy=TRANSFORMERS)


def golden_state(name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix("state/"): value for key, value in golden.stored(name).items() if key.startswith("state/")}


def golden_model(name: str, dtype: type = np.float32) -> SwinTransformerV2:
    model = SwinTransformerV2.random(SwinV2Config(**json.loads(golden.stored(name)["meta"].item())["config"]),
                                     dtype=dtype)
    model.load_state_dict(golden_state(name))
    return model


def redrawn(config: SwinV2Config, dtype: type = np.float64) -> SwinTransformerV2:
    model = SwinTransformerV2.random(config)
    redraw(model, 3)
    return model.astype(dtype)


@pytest.mark.parametrize("name", FILES)
def test_every_stored_module_output_is_reproduced(name):
    stored, model = golden.stored(name), golden_model(name, np.float64)
    with trace(model) as ours:
        model(stored["input"].astype(np.float64))
    outputs = {key.removeprefix("float64/"): value for key, value in stored.items() if key.startswith("float64/")}
    assert len(outputs) == 17
    for module, theirs in outputs.items():
        assert ours[module].shape[-1] == theirs.shape[-1], module
        assert_matches(ours[module], theirs.reshape(ours[module].shape), MODEL_TOLERANCE)


@pytest.mark.parametrize("name", FILES)
def test_the_logits_are_reproduced_in_float64(name):
    stored = golden.stored(name)
    truth = golden_model(name, np.float64)(stored["input"].astype(np.float64))
    assert_matches(truth, stored["logits_float64"], MODEL_TOLERANCE)


@pytest.mark.parametrize("name", FILES)
def test_the_derived_buffers_of_official_files_are_checked(name):
    state, model = golden_state(name), golden_model(name)
    buffers = [key for key in state if key not in model.state_dict()]
    assert sorted(buffers) == sorted(model.derived_buffers())
    for key in buffers:
        for wrong in (state[key] + np.eye(*state[key].shape[-2:], dtype=state[key].dtype), state[key][..., 1:]):
            with pytest.raises(StateDictError, match=f"in 1 entries.*\n.*{key}"):
                model.load_state_dict({**state, key: wrong})


def test_a_stored_coordinate_may_differ_in_its_last_digit_only():
    state, key = golden_state("v2_basic"), "layers.0.blocks.0.attn.relative_coords_table"
    model = golden_model("v2_basic")
    model.load_state_dict({**state, key: np.where(state[key] == 0, 0, np.nextafter(state[key], np.float32(2)))})
    for wrong in (state[key] * np.float32(1 + 1e-5), np.where(state[key] == 0, np.float32(np.nan), state[key])):
        with pytest.raises(StateDictError, match=key):
            model.load_state_dict({**state, key: wrong})


@pytest.mark.parametrize(("window", "pretrained"), [
    ((8, 8), (8, 8)), ((16, 16), (12, 12)), ((7, 7), (24, 24)), ((3, 6), (3, 6)), ((2, 5), (4, 4)), ((1, 3), (1, 3))])
def test_the_coordinates_are_those_of_equation_4(window, pretrained):
    table = log_spaced_coordinates(window, pretrained)
    truth = np.zeros((2 * window[0] - 1, 2 * window[1] - 1, 2))
    for row, column, axis in np.ndindex(truth.shape):
        x = (row, column)[axis] - (window[axis] - 1)
        if x:
            x *= 8 / (pretrained[axis] - 1)
            truth[row, column, axis] = math.copysign(math.log(1 + abs(x), 8), x)
    assert table.dtype == np.float32                   # 1 + |x| is rounded, and log2 is right to four units or better
    assert (np.abs(table - truth) <= UNIT * (1 + 10 * np.abs(truth))).all()


def attention_by_definition(windows, attn, mask):
    """Eqs. 2 and 3 for one window, head, query and key at a time; the coordinates are those tested above."""
    (m, n), heads = attn.window_size, len(attn.logit_scale)
    hidden, _, last = attn.cpb_mlp
    coordinates = attn.relative_coords_table().astype(np.float64)
    positions = list(product(range(m), range(n)))
    result = np.zeros_like(windows)
    for i, x in enumerate(windows):
        q, k, v = (part.reshape(m * n, heads, -1) for part in np.split(x @ attn.qkv.weight.T, 3, axis=-1))
        if attn.q_bias is not None:
            q, v = q + attn.q_bias.reshape(heads, -1), v + attn.v_bias.reshape(heads, -1)
        for head, a in product(range(heads), range(m * n)):
            scores = []
            for b in range(m * n):
                down, right = (at - of for at, of in zip(positions[a], positions[b], strict=True))
                g = hidden.weight @ coordinates[down + m - 1, right + n - 1] + hidden.bias
                g = last.weight[head] @ np.where(g > 0, g, 0)
                cosine = q[a, head] @ k[b, head] / math.sqrt((q[a, head] @ q[a, head]) * (k[b, head] @ k[b, head]))
                one_over_tau = math.exp(min(attn.logit_scale[head, 0, 0], float(np.float32(math.log(100)))))
                scores.append(cosine * one_over_tau + 16 / (1 + math.exp(-g)) + mask[i % len(mask), a, b])
            weights = np.exp(np.array(scores) - max(scores))
            result[i, a].reshape(heads, -1)[head] = weights / weights.sum() @ v[:, head]
    return result @ attn.proj.weight.T + attn.proj.bias


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("qkv_bias", [False, True])
@pytest.mark.parametrize(("window", "pretrained"), [((3, 3), (3, 3)), ((2, 4), (2, 4)), ((4, 2), (7, 7))])
def test_attention_follows_its_definition_up_to_the_largest_scale(window, pretrained, qkv_bias, masked, rng):
    attn = CosineWindowAttention.random(12, window, pretrained, 3, rng, qkv_bias)
    redraw(attn, 1)
    attn = attn.astype(np.float64)
    attn.logit_scale[:, 0, 0] = 5.0, 1.0, -2.0         # the first is above ln 100
    windows, tokens = rng.standard_normal((6, window[0] * window[1], 12)), window[0] * window[1]
    mask = np.float32(-100) * rng.integers(0, 2, (3, tokens, tokens)).astype(np.float32)
    mask[:, np.arange(tokens), np.arange(tokens)] = 0
    ours = attn(windows, mask if masked else None)
    assert_matches(ours, attention_by_definition(windows, attn, mask if masked else 0 * mask), MODEL_TOLERANCE)


def test_a_zero_query_attends_by_position_alone(rng):
    q, k, v = rng.standard_normal((3, 2, 4, 5))
    q[:, 1] = 0
    result = swin_v2.cosine_attention(q, k, v, np.zeros((2, 4, 4)), None, np.ones((2, 1, 1)))
    assert_matches(result[:, 1], v.mean(axis=1))


def test_an_extreme_bias_network_gives_0_or_16_without_overflow(rng):
    attn = CosineWindowAttention.random(4, (2, 2), (2, 2), 2, rng)
    redraw(attn, 1)
    attn.cpb_mlp[2].weight[:] = np.array([[1e6], [-1e6]])
    attn.cpb_mlp[0].bias[:] = 1
    with np.errstate(all="raise", under="ignore"):
        bias = attn.position_bias()
    assert (bias[0] == 16).all() and (bias[1] == 0).all()


def test_every_block_is_the_identity_before_training(rng):
    images = rng.standard_normal((2, 3, 48, 64)).astype(np.float32)
    model = SwinTransformerV2.random(TINY)
    assert np.array_equal(model.layers[0].run_blocks(x := model.embed(images)), x)
    assert np.allclose(np.exp(model.layers[0].blocks[0].attn.logit_scale), 10)
    weights = [model.state_dict()[f"layers.1.blocks.0.{name}.weight"] for name in ("attn.qkv", "attn.cpb_mlp.2")]
    assert all(abs(weight.std() - 0.02) < 0.002 for weight in weights)


@pytest.mark.parametrize("changes", [
    {}, {"num_classes": 0}, {"in_chans": 1}, {"ape": True}, {"patch_norm": False}, {"qkv_bias": False},
    {"pretrained_window_sizes": (3, 6)}, {"window_size": (2, 5)}, {"img_size": (34, 51)}, {"window_size": 1},
])
def test_each_image_of_a_batch_gives_what_it_gives_alone(changes, rng):
    model = redrawn(replace(TINY, **changes))
    config = model.config
    batch = rng.standard_normal((3, config.in_chans, *config.img_size))
    logits = model(batch)
    assert logits.shape == (3, config.num_classes or 24)
    for i, image in enumerate(batch):
        assert_matches(model(image)[0], logits[i], MODEL_TOLERANCE)


@pytest.mark.parametrize(("variant", "count"), [
    ("swin_v2_t", 28_347_154), ("swin_v2_t_window16", 28_347_154), ("swin_v2_s", 49_728_418)])
def test_the_variants_have_as_many_parameters_as_the_official_ones(variant, count):
    assert SwinTransformerV2.random(SWIN_V2_VARIANTS[variant], None).parameter_count() == count


def test_the_variants_differ_from_the_first_versions_in_image_and_window_only():
    assert {name: (c.embed_dim, c.depths, c.window_size[0]) for name, c in SWIN_V2_VARIANTS.items()} == {
        f"swin_v2_{size}{end}": (channels, (2, 2, depth, 2), window)
        for size, channels, depth in (("t", 96, 6), ("s", 96, 18), ("b", 128, 18), ("l", 192, 18))
        for end, window in (("", 8), ("_window16", 16))}
    for config in SWIN_V2_VARIANTS.values():
        assert config.img_size == (256, 256) and config.shape_policy is MICROSOFT
        assert all(32 * heads == config.channels(stage) for stage, heads in enumerate(config.num_heads))


def test_a_window_above_the_last_map_shrinks_with_its_coordinates_unless_pretrained():
    config = SwinV2Config(32, 2, embed_dim=8, depths=(1, 1), num_heads=(2, 2), window_size=16)
    for sizes, expected in ((), (8, 8)), ((12, 6), (6, 6)):
        model = SwinTransformerV2.random(replace(config, pretrained_window_sizes=sizes))
        attn = model.layers[1].blocks[0].attn
        assert (attn.window_size, attn.pretrained_window_size) == ((8, 8), expected)


@pytest.mark.parametrize(("changes", "words"), [
    ({"qk_scale": 0.5}, "learns its scale"), ({"pretrained_window_sizes": (4,)}, "1 pretrained window sizes for 2"),
    ({"pretrained_window_sizes": (4, 1)}, "give 2 or more"), ({"pretrained_window_sizes": (-4, 4)}, "positive"),
    ({"num_heads": (5, 4)}, "5 heads do not divide"), ({"window_size": 0}, "positive"),
])
def test_configurations_that_no_model_can_have_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        replace(TINY, **changes)


@pytest.mark.parametrize(("batch", "error", "words"), [
    (np.zeros((2, 48, 64, 3), np.float32), ShapeError, r"expected \(B, 3, H, W\)"),
    (np.zeros((0, 3, 48, 64), np.float32), InputError, "empty"),
    (np.zeros((1, 3, 48, 64), np.uint8), InputError, "normalise"),
    (np.zeros((1, 3, 48, 64), np.float64), InputError, "images are float64, the model is float32"),
    (np.full((1, 3, 48, 64), np.nan, np.float32), InputError, "NaN"),
    (np.zeros((1, 3, 64, 48), np.float32), ShapeError, "takes only"),
])
def test_bad_images_are_refused(batch, error, words):
    model = SwinTransformerV2.random(replace(TINY, shape_policy=MICROSOFT))
    with pytest.raises(error, match=words):
        model(batch)


@pytest.mark.parametrize("tokens", [1, 9])
def test_windows_of_another_size_are_refused(tokens, rng):
    with pytest.raises(ShapeError, match=f"windows of {tokens} tokens"):
        CosineWindowAttention.random(8, (4, 4), (4, 4), 2, rng)(np.zeros((2, tokens, 8), np.float32))


def test_an_odd_map_is_refused_by_a_policy_that_does_not_pad():
    config = replace(TINY, img_size=(36, 36), window_size=9, shape_policy=MICROSOFT)
    with pytest.raises(ShapeError, match="odd side"):
        SwinTransformerV2.random(config)(np.zeros((1, 3, 36, 36), np.float32))


NAMES_IN_TRANSFORMERS = {                              # patterns, replaced in this order
    r"^norm\.": "swinv2.layernorm.", r"^head\.": "classifier.", r"^layers\.": "swinv2.encoder.layers.",
    r"^patch_embed\.proj": "swinv2.embeddings.patch_embeddings.projection",
    r"^patch_embed\.norm": "swinv2.embeddings.norm", "norm1": "layernorm_before", "norm2": "layernorm_after",
    r"attn\.proj": "attention.output.dense", r"attn\.": "attention.self.", "cpb_mlp": "continuous_position_bias_mlp",
    "q_bias": "query.bias", "v_bias": "value.bias", r"mlp\.fc1": "intermediate.dense", r"mlp\.fc2": "output.dense",
}


def name_in_transformers(name: str) -> str:
    """Our name of a parameter in the words of transformers."""
    for ours, theirs in NAMES_IN_TRANSFORMERS.items():
        name = re.sub(ours, theirs, name)
    return name


CONFIGS = {
    "plain": TINY,
    "padded": replace(TINY, img_size=(72, 88)),        # 18x22 and 9x11
    "odd merging": replace(TINY, img_size=(60, 84)),       # 15x21 and 8x11
    "patches padded": replace(TINY, img_size=(42, 47)),    # transformers crops when it compares map and window
    "pretrained": replace(TINY, pretrained_window_sizes=(3, 6)),
    "pretrained in one stage": replace(TINY, pretrained_window_sizes=(0, 7)),
    "no qkv bias, padded": replace(TINY, qkv_bias=False, img_size=(72, 88)),
    "one window, clamped": replace(TINY, img_size=(32, 32), window_size=8, shape_policy=MICROSOFT),
    "clamped and pretrained": replace(TINY, img_size=(32, 32), window_size=8, pretrained_window_sizes=(6, 3),
                                      shape_policy=MICROSOFT),
    "windows of one token": replace(TINY, window_size=1),
    "narrow MLP": replace(TINY, mlp_ratio=1.5),
}


def torch_twin(model: SwinTransformerV2, torch, transformers):
    """The transformers model with the same weights in the same dtype, loaded strictly."""
    config, state = model.config, {}
    for name, value in model.state_dict().items():
        if name.endswith("qkv.weight"):
            for part, rows in zip(("query", "key", "value"), np.split(value, 3), strict=True):
                state[name_in_transformers(name.replace("qkv", part))] = rows
        else:
            state[name_in_transformers(name)] = value
    twin = transformers.Swinv2ForImageClassification(transformers.Swinv2Config(
        image_size=config.img_size, patch_size=config.patch_size, num_labels=config.num_classes,
        embed_dim=config.embed_dim, depths=config.depths, num_heads=config.num_heads,
        window_size=config.window_size[0], mlp_ratio=config.mlp_ratio, qkv_bias=config.qkv_bias,
        pretrained_window_sizes=config.pretrained_window_sizes or (0,) * len(config.depths)))
    state = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    twin.to(next(iter(state.values())).dtype).load_state_dict(state, strict=True)
    return twin.eval()


def our_outputs(model: SwinTransformerV2) -> dict:
    """Logits, features, the last map and the first stage, of seeded images."""
    images = np.random.default_rng(5).standard_normal((2, 3, *model.config.img_size), np.float32).astype(model.dtype)
    return {"logits": model(images), "features": model.features(images), "last stage": model.feature_maps(images)[-1],
            "stage 1, merged": model.layers[0](model.embed(images))}


@pytest.mark.parametrize("setting", CONFIGS)
def test_tiny_models_equal_transformers_in_float64(setting):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    model = redrawn(CONFIGS[setting])
    images = np.random.default_rng(5).standard_normal((2, 3, *model.config.img_size), np.float32).astype(np.float64)
    ours, twin = our_outputs(model), torch_twin(model, torch, transformers)
    with torch.inference_mode():
        found = twin.swinv2(torch.from_numpy(images), output_hidden_states=True)
        theirs = {"logits": twin(torch.from_numpy(images)).logits, "features": found.pooler_output,
                  "last stage": found.reshaped_hidden_states[-1].permute(0, 2, 3, 1),
                  "stage 1, merged": found.reshaped_hidden_states[1].permute(0, 2, 3, 1)}
    for name in theirs:
        assert_matches(ours[name], theirs[name].numpy(), MODEL_TOLERANCE)


@pytest.mark.parametrize("setting", CONFIGS)
def test_tiny_models_err_in_float32_as_rounding_does(setting):
    assert_model_rounds_as_float32(redrawn(CONFIGS[setting]), lambda model: our_outputs(model).values())


@pytest.mark.parametrize("setting", CONFIGS)
def test_the_counted_products_are_those_that_pytorch_counts(setting):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from torch.utils.flop_counter import FlopCounterMode

    model = redrawn(CONFIGS[setting], np.float32)
    twin, counter = torch_twin(model, torch, transformers), FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        twin(torch.zeros(1, 3, *model.config.img_size))
    costs = layer_costs(model.config)
    assert 2 * total(cost for cost in costs if cost.kind in ("linear", "attention")).multiply_adds \
        == counter.get_total_flops()
    assert total(costs).parameters == model.parameter_count()


@pytest.mark.parametrize("windows", [{}, {"window_size": ((3, 4), 2)}], ids=["one window", "one for each stage"])
def test_every_counted_layer_writes_what_the_module_of_its_name_gives(windows):
    model = redrawn(replace(CONFIGS["padded"], **windows), np.float64)
    with trace(model) as activations:
        model(np.zeros((1, 3, *model.config.img_size)))
    written = {cost.name: cost for cost in layer_costs(model.config, dtype=np.float64) if cost.name in activations}
    assert len(written) > 40
    for name, cost in written.items():
        if cost.kind in ("linear", "layer norm", "gelu", "relu"):
            assert cost.activation_bytes == activations[name].nbytes, name


@pytest.mark.parametrize(("count", "config"), [
    (first_layer_costs, SWIN_V2_VARIANTS["swin_v2_t"]), (layer_costs, SwinConfig())])
def test_the_counts_of_one_version_are_refused_for_the_other(count, config):
    with pytest.raises(ConfigurationError, match="counts are for"):
        count(config)

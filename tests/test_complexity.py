"""Counted costs against the real forward pass, the state dict and the published numbers."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import swin_np.layers
from swin_np import (
    MICROSOFT,
    MMDETECTION,
    SHAPE_POLICIES,
    TIMM,
    TORCHVISION,
    TRANSFORMERS,
    VARIANTS,
    ShapeError,
    ShapePolicy,
    SwinConfig,
    SwinTransformer,
    build,
)
from swin_np.attention import attention
from swin_np.complexity import layer_costs, msa_multiply_adds, window_msa_multiply_adds
from swin_np.costs import LayerCost, total
from swin_np.parallel.pool import threads

PARAMETERS = {"swin_t": 28_288_354, "swin_s": 49_606_258, "swin_b": 87_768_224, "swin_l": 196_532_476,
              "swin_b_384": 87_903_584, "swin_l_384": 196_735_516}
PUBLISHED_G = {"swin_t": 4.494, "swin_s": 8.747, "swin_b": 15.438, "swin_l": 34.487, "swin_b_384": 47.105,
               "swin_l_384": 103.952}
OURS_G = PUBLISHED_G | {"swin_s": 8.746}
OFFICIAL_SURPLUS = {"swin_t": 112_896, "swin_s": 112_896, "swin_b": 150_528, "swin_l": 225_792, "swin_b_384": 442_368,
                    "swin_l_384": 663_552}
BATCH = 2

TINY = SwinConfig((36, 52), embed_dim=4, depths=(1, 2, 1), num_heads=(1, 2, 4), window_size=4, num_classes=5)
CASES = {                                              # name: (configuration, image size)
    "microsoft, everything fits": (replace(TINY, img_size=(48, 96), window_size=3, shape_policy=MICROSOFT), (48, 96)),
    "microsoft, clamped": (replace(TINY, img_size=(48, 96), window_size=6, shape_policy=MICROSOFT), (48, 96)),
    "timm, padded, odd and clamped": (replace(TINY, shape_policy=TIMM), (36, 52)),
    "timm, a window for each stage": (replace(TINY, window_size=(2, (3, 5), 4), shape_policy=TIMM), (36, 52)),
    "torchvision, a window for each stage": (replace(TINY, window_size=(5, 2, 3), shape_policy=TORCHVISION), (39, 54)),
    "timm, ape": (replace(TINY, ape=True, shape_policy=TIMM), (36, 52)),
    "torchvision, cropped, padded, odd": (replace(TINY, shape_policy=TORCHVISION), (39, 54)),
    "torchvision, window larger than the map": (replace(TINY, window_size=(9, 5), shape_policy=TORCHVISION), (53, 22)),
    "transformers, padded image": (replace(TINY, window_size=3, shape_policy=TRANSFORMERS), (37, 53)),
    "transformers, ape": (replace(TINY, img_size=(37, 53), window_size=3, ape=True, shape_policy=TRANSFORMERS),
                          (40, 56)),
    "mmdetection, one padded window": (replace(TINY, shape_policy=MMDETECTION), (37, 53)),
    "no bias, no head, no norm": (replace(TINY, qkv_bias=False, num_classes=0, patch_norm=False), (36, 52)),
    "oblong window and patch": (replace(TINY, patch_size=(2, 3), window_size=(2, 5), in_chans=1), (21, 44)),
    "wide MLP, two stages": (replace(TINY, depths=(2, 1), num_heads=(2, 2), mlp_ratio=2.7, qk_scale=0.3), (64, 44)),
}
cases = pytest.mark.parametrize(("config", "size"), CASES.values(), ids=CASES)
variants = pytest.mark.parametrize("variant", VARIANTS)


@dataclass
class Run:
    """What a real forward pass did: inputs and outputs of every module, shapes and bytes of every matrix product."""

    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    products: list[tuple[np.ndarray, np.ndarray, np.ndarray]]           # left, right, result

    def written(self, cost: LayerCost) -> list[np.ndarray]:
        """The arrays that a layer wrote (attention: its result only); of what is no module, what the next one got."""
        if cost.kind in ("linear", "layer norm"):
            return [self.outputs[cost.name]]
        if cost.kind == "attention":
            return [self.inputs[f"{cost.name}.proj"]]
        if cost.kind == "gelu":
            return [self.inputs[cost.name.replace("act", "fc2")]]
        if cost.kind == "mean":
            return [self.inputs.get("head", self.outputs[""])]
        if cost.name == "absolute_pos_embed":
            return [self.inputs["layers.0.blocks.0"]]
        return [self.inputs[f"{cost.name}.norm2"], self.outputs[cost.name]]             # a block's two sums


def counted_array(products: list) -> type:
    """A subclass of ndarray that notes each matrix product it takes part in, and makes its results do so too."""

    class CountedArray(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, **settings):
            plain = [np.asarray(x) if isinstance(x, np.ndarray) else x for x in inputs]
            out = settings.pop("out", None)
            if out is not None:
                settings["out"] = tuple(np.asarray(x) for x in out)
            result = getattr(ufunc, method)(*plain, **settings)
            if ufunc is np.matmul:
                products.append((*plain, result))
            if out is not None:
                return out[0]
            return result.view(CountedArray) if isinstance(result, np.ndarray) else result

    return CountedArray


def run(config: SwinConfig, size: tuple[int, int], monkeypatch, dtype: type = np.float32) -> Run:
    """The forward pass of a batch through a model whose weights, queries, keys and values are counted arrays."""
    model, record = SwinTransformer.random(config, 0, dtype), Run({}, {}, [])
    names = {id(module): name for name, module in model.named_modules()}
    cls = counted_array(record.products)
    for _, module in model.named_modules():
        for name, value in module.own_parameters():
            setattr(module, name, value.view(cls))

    def call(module, *inputs):
        name, output = names[id(module)], module.forward(*inputs)
        record.inputs[name], record.outputs[name] = inputs[0], output
        return output

    def counted_attention(q, k, v, *others):
        return attention(q.view(cls), k.view(cls), v.view(cls), *others)

    monkeypatch.setattr(swin_np.layers.Module, "__call__", call)
    monkeypatch.setattr("swin_np.attention.attention", counted_attention)
    with threads(1):                                   # so that maps as small as these are not cut into parts
        model(np.random.default_rng(1).standard_normal((BATCH, config.in_chans, *size)).astype(dtype))
    return record


@variants
def test_parameters_are_exactly_the_published_ones(variant):
    assert total(layer_costs(VARIANTS[variant])).parameters == PARAMETERS[variant]


def test_parameters_with_21841_classes_are_exactly_the_published_ones():
    assert total(layer_costs(replace(VARIANTS["swin_b"], num_classes=21841))).parameters == 109_130_249


@cases
def test_parameters_equal_those_of_the_model_that_is_built(config, size):
    assert total(layer_costs(config, size)).parameters == SwinTransformer.random(config).parameter_count()


def test_parameters_equal_those_of_swin_t_as_built():
    assert total(layer_costs(VARIANTS["swin_t"])).parameters == build("swin_t").parameter_count()


@cases
def test_parameters_of_every_layer_equal_its_arrays_in_the_state_dict(config, size):
    expected = {}
    for name, value in SwinTransformer.random(config).state_dict().items():
        layer = name.rpartition(".")[0] or name
        expected[layer] = expected.get(layer, 0) + value.size
    assert {cost.name: cost.parameters for cost in layer_costs(config, size) if cost.parameters} == expected


@variants
def test_multiply_adds_round_to_the_published_ones(variant):
    assert round(total(layer_costs(VARIANTS[variant])).multiply_adds / 1e9, 3) == OURS_G[variant]


@variants
def test_multiply_adds_differ_from_the_official_count_by_its_last_term_alone(variant):
    costs, (h, w) = layer_costs(VARIANTS[variant]), VARIANTS[variant].map_sizes()[0]
    [norm] = [cost for cost in costs if cost.name == "norm"]
    official_term = norm.output_shape[-1] * h * w // 2 ** 4
    assert official_term - norm.multiply_adds == OFFICIAL_SURPLUS[variant]
    assert round((total(costs).multiply_adds + OFFICIAL_SURPLUS[variant]) / 1e9, 3) == PUBLISHED_G[variant]


@cases
def test_multiply_adds_equal_the_products_and_norms_of_the_real_forward_pass(config, size, monkeypatch):
    real = run(config, size, monkeypatch)
    products = sum(result.size * left.shape[-1] for left, _, result in real.products)
    norms = sum(output.size for name, output in real.outputs.items() if "norm" in name.rpartition(".")[2])
    assert BATCH * total(layer_costs(config, size)).multiply_adds == products + norms


@cases
def test_output_shapes_equal_those_of_the_real_forward_pass(config, size, monkeypatch):
    real = run(config, size, monkeypatch)
    for cost in layer_costs(config, size):
        first, *others = cost.output_shape
        if ".attn" in cost.name:                       # windows of all images in the first axis
            expected = {(BATCH * first, *others)}
        elif ".mlp" in cost.name or cost.name.endswith("norm2"):        # tokens of all images in the first axis
            expected = {(BATCH * first * others[0], others[1])}
        elif cost.kind == "sum" and ".blocks." in cost.name:
            expected = {(BATCH * first * others[0], others[1]), (BATCH, first, *others)}
        else:
            expected = {(BATCH, first, *others)}
        assert {array.shape for array in real.written(cost)} == expected, cost.name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@cases
def test_activation_bytes_of_every_layer_equal_those_of_the_arrays_it_writes(config, size, dtype, monkeypatch):
    real = run(config, size, monkeypatch, dtype)
    for cost in layer_costs(config, size, dtype):
        if cost.kind != "attention":
            assert BATCH * cost.activation_bytes == sum(array.nbytes for array in real.written(cost)), cost.name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@cases
def test_activation_bytes_of_attention_equal_its_scores_probabilities_and_results(config, size, dtype, monkeypatch):
    real = run(config, size, monkeypatch, dtype)
    attention = [product for product in real.products if product[2].ndim > 2]           # q k^T, p v, q k^T, p v, ...
    scores = sum(result.nbytes for _, _, result in attention[0::2])
    probabilities = sum(left.nbytes for left, _, _ in attention[1::2])
    results = sum(result.nbytes for _, _, result in attention[1::2])
    ours = total(cost for cost in layer_costs(config, size, dtype) if cost.kind == "attention")
    assert BATCH * ours.activation_bytes == scores + probabilities + results


@cases
def test_every_module_with_parameters_is_counted_once_and_in_the_order_of_computation(config, size, monkeypatch):
    real, names = run(config, size, monkeypatch), [cost.name for cost in layer_costs(config, size)]
    leaves = [name for name in real.outputs if name.rpartition(".")[2] in
              ("proj", "norm", "norm1", "norm2", "qkv", "fc1", "fc2", "reduction", "head")]
    assert [name for name in names if name in leaves] == leaves
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("policy", SHAPE_POLICIES.values(), ids=SHAPE_POLICIES)
@pytest.mark.parametrize("size", [(32, 48), (48, 32), (24, 24), (96, 48), (33, 50), (35, 51), (3, 50), (8, 8)])
@pytest.mark.parametrize("changes", [{}, {"ape": True}, {"window_size": 3}, {"window_size": (6, 4)},
                                     {"window_size": 3, "img_size": (24, 24)},      # the 3x3 map is odd at merging
                                     {"window_size": 3, "img_size": (48, 48)}], ids=str)
def test_sizes_are_refused_exactly_where_the_model_refuses_them(policy, size, changes):
    config = replace(TINY, **{"img_size": (32, 48), "shape_policy": policy, **changes})
    model = SwinTransformer.random(config)
    try:
        model(np.zeros((1, 3, *size), np.float32))
    except ShapeError:
        with pytest.raises(ShapeError):
            layer_costs(config, size)
    else:
        assert total(layer_costs(config, size)).multiply_adds > 0


def test_an_indivisible_image_is_refused_by_a_policy_that_takes_any_size_but_no_remainder():
    policy = ShapePolicy("strict", "any", "refuse", "pad then roll", "stop shift", "full", "pad")
    with pytest.raises(ShapeError, match="does not divide the 33x48 image"):
        layer_costs(replace(TINY, img_size=(32, 48), shape_policy=policy), (33, 48))


def test_a_window_that_the_bias_table_is_not_made_for_is_refused_though_it_has_as_many_tokens():
    policy = ShapePolicy("loose", "any", "crop", "pad then roll", "clamp each", "clamped", "pad")
    config = replace(TINY, img_size=(12, 24), depths=(1,), num_heads=(1,), window_size=6, shape_policy=policy)
    with pytest.raises(ShapeError, match="the bias table is for"):
        layer_costs(config, (24, 12))


def test_the_configured_image_size_is_the_default():
    config, size = CASES["timm, padded, odd and clamped"]
    assert layer_costs(config) == layer_costs(config, size)


def test_one_number_stands_for_a_square_image():
    assert layer_costs(TINY, 48) == layer_costs(TINY, (48, 48))


def attention_multiply_adds(config: SwinConfig, stage: int) -> int:
    return sum(cost.multiply_adds for cost in layer_costs(config)
               if cost.name.startswith(f"layers.{stage}.") and ".attn" in cost.name)


@pytest.mark.parametrize("stage", range(4))
@pytest.mark.parametrize("config", [VARIANTS["swin_t"], VARIANTS["swin_l_384"],
                                    SwinConfig((48, 160), window_size=(3, 5), embed_dim=96, shape_policy=MMDETECTION,
                                               depths=(1, 1, 3, 1), patch_size=(2, 4))], ids=["T", "L-384", "oblong"])
def test_eq_2_equals_the_attention_layers_of_a_stage_whose_map_the_windows_tile(config, stage):
    h, w = config.map_sizes()[stage]
    expected = window_msa_multiply_adds(h, w, config.channels(stage), config.window_size)
    assert attention_multiply_adds(config, stage) == config.depths[stage] * expected


def test_eq_1_equals_the_attention_layers_whose_window_is_the_whole_map():
    config = SwinConfig((36, 52), window_size=(9, 13), embed_dim=6, depths=(3,), num_heads=(2,))
    assert attention_multiply_adds(config, 0) == 3 * msa_multiply_adds(9, 13, 6)


def test_global_over_windowed_attention_has_the_papers_ratios_in_swin_t():
    config = VARIANTS["swin_t"]
    maps = [(h, w, config.channels(stage)) for stage, (h, w) in enumerate(config.map_sizes())]
    ratios = [msa_multiply_adds(*shape) / window_msa_multiply_adds(*shape, 7) for shape in maps]
    assert [round(ratios[0], 1), *(round(ratio, 2) for ratio in ratios[1:])] == [13.8, 2.70, 1.18, 1.00]


def test_eq_2_refuses_a_map_that_the_windows_do_not_tile():
    with pytest.raises(ShapeError, match="does not divide the 10x14 map"):
        window_msa_multiply_adds(10, 14, 96, 7)

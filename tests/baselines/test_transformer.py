"""The Transformer against torch.nn: Eq. 1 and its definition, masks, positions, layers, the whole encoder-decoder."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

import swin_np
from swin_np import complexity
from swin_np.baselines.transformer import (
    VARIANTS,
    EncoderLayer,
    MultiHeadAttention,
    Transformer,
    TransformerConfig,
    causal_mask,
    embed_tokens,
    layer_costs,
    scaled_dot_product_attention,
    sinusoidal_positions,
)
from swin_np.costs import total
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.layers import redraw
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

TINY = TransformerConfig(d_model=24, nhead=3, num_encoder_layers=2, num_decoder_layers=3, dim_feedforward=40)


def tiny(dtype: type = np.float64, **changes) -> Transformer:
    model = Transformer.random(replace(TINY, **changes))
    redraw(model, 1)
    return model.astype(dtype)


def torch_twin(model: Transformer):
    """torch.nn.Transformer with the same weights, loaded strictly, in the model's dtype."""
    import torch
    config = model.config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                # nested tensors, which norm_first excludes
        twin = torch.nn.Transformer(
            config.d_model, config.nhead, config.num_encoder_layers, config.num_decoder_layers, config.dim_feedforward,
            dropout=0.0, layer_norm_eps=config.layer_norm_eps, batch_first=True, norm_first=config.norm_first)
    twin.to(getattr(torch, model.dtype.name)).eval()
    twin.load_state_dict({name: torch.from_numpy(value) for name, value in model.state_dict().items()}, strict=True)
    return twin


def padding(lengths: list[int], longest: int) -> np.ndarray:
    """True where a sequence of the batch has ended."""
    return np.arange(longest) >= np.array(lengths)[:, None]


# Eq. 1.


def test_attention_is_the_weighted_mean_that_eq_1_writes(rng):
    q, k, v = rng.standard_normal((3, 4)), rng.standard_normal((5, 4)), rng.standard_normal((5, 2))
    for query, result in zip(q, scaled_dot_product_attention(q, k, v), strict=True):
        weights = [math.exp(sum(a * b for a, b in zip(query, key, strict=True)) / math.sqrt(4)) for key in k]
        expected = sum(weight * value for weight, value in zip(weights, v, strict=True)) / sum(weights)
        assert_matches(result, expected)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_torch(masked, rng):
    torch = pytest.importorskip("torch")
    q, k, v = (rng.standard_normal((2, 3, n, d)) for n, d in ((5, 8), (7, 8), (7, 6)))
    mask = (rng.random((2, 1, 5, 7)) < 0.5) & (np.arange(7) > 0) if masked else None
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.from_numpy, (q, k, v)), attn_mask=None if mask is None else torch.from_numpy(~mask))
    assert_matches(scaled_dot_product_attention(q, k, v, mask), theirs.numpy())


def test_a_masked_key_changes_nothing(rng):
    q, k, v = (rng.standard_normal((2, 5, 4)) for _ in range(3))
    mask = np.arange(5) == 3
    changed_k, changed_v = k.copy(), v.copy()
    changed_k[:, 3], changed_v[:, 3] = 1e6, -1e6
    np.testing.assert_array_equal(scaled_dot_product_attention(q, k, v, mask[None]),
                                  scaled_dot_product_attention(q, changed_k, changed_v, mask[None]))


def test_inputs_stay_as_they_are(rng):
    q, k, v = (rng.standard_normal((2, 5, 4)) for _ in range(3))
    before = q.copy(), k.copy(), v.copy()
    scaled_dot_product_attention(q, k, v, causal_mask(5))
    assert all(np.array_equal(*pair) for pair in zip(before, (q, k, v), strict=True))


def test_a_query_without_any_key_is_refused(rng):
    q, mask = rng.standard_normal((2, 4)), np.array([[False, True], [True, True]])
    with pytest.raises(InputError, match="leaves a query without any key"):
        scaled_dot_product_attention(q, q, q, mask)


def test_a_mask_that_would_be_added_is_refused(rng):
    q = rng.standard_normal((2, 4))
    with pytest.raises(InputError, match="the mask is float64, expected bool"):
        scaled_dot_product_attention(q, q, q, np.zeros((2, 2)))


def test_the_causal_mask_is_torchs():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Transformer.generate_square_subsequent_mask(5)
    np.testing.assert_array_equal(causal_mask(5), np.isinf(theirs.numpy()))


# Sections 3.4 and 3.5.


def test_positions_are_those_of_the_two_equations():
    table = sinusoidal_positions(50, 16)
    for pos in (0, 1, 49):
        for i in range(8):
            angle = pos / 10000 ** (2 * i / 16)
            assert table[pos, 2 * i] == pytest.approx(math.sin(angle), abs=1e-14)
            assert table[pos, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-14)


def test_a_step_of_k_is_one_linear_map_at_every_position():
    table = sinusoidal_positions(60, 16)
    steps, *_ = np.linalg.lstsq(table[:40], table[7:47], rcond=None)
    np.testing.assert_allclose(table[:53] @ steps, table[7:], atol=1e-6)


def test_an_odd_width_is_refused():
    with pytest.raises(ConfigurationError, match="d_model 7 is odd"):
        sinusoidal_positions(3, 7)


def test_tokens_are_scaled_rows_plus_positions(rng):
    torch = pytest.importorskip("torch")
    table, tokens = rng.standard_normal((11, 6)), rng.integers(0, 11, (2, 4))
    theirs = torch.nn.functional.embedding(torch.from_numpy(tokens), torch.from_numpy(table)).numpy() * math.sqrt(6)
    assert_matches(embed_tokens(tokens, table), theirs + sinusoidal_positions(4, 6))
    assert embed_tokens(tokens, table.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("tokens", [[[0, 11]], [[-1, 2]], [[0.0, 1.0]], [1, 2]])
def test_what_is_no_token_is_refused(tokens, rng):
    with pytest.raises(InputError, match=r"vocabulary|give whole numbers"):
        embed_tokens(tokens, rng.standard_normal((11, 6)))


# Modules against torch.nn.


@pytest.mark.parametrize("attn_mask", [None, np.random.default_rng(0).random((5, 7)) < 0.3])
@pytest.mark.parametrize("key_padding", [None, padding([7, 4], 7)])
def test_multi_head_attention_equals_torch(attn_mask, key_padding, rng):
    torch = pytest.importorskip("torch")
    ours = MultiHeadAttention.random(TINY, rng)
    redraw(ours, 2)
    ours = ours.astype(np.float64)
    theirs = torch.nn.MultiheadAttention(24, 3, batch_first=True, dtype=torch.float64).eval()
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in ours.state_dict().items()}, strict=True)
    query, key, value = (rng.standard_normal((2, n, 24)) for n in (5, 7, 7))
    masks = [None if mask is None else torch.from_numpy(mask) for mask in (attn_mask, key_padding)]
    result, weights = theirs(*map(torch.from_numpy, (query, key, value)), attn_mask=masks[0],
                             key_padding_mask=masks[1], average_attn_weights=False)
    with swin_np.trace(ours) as steps:
        assert_matches(ours(query, key, value, attn_mask, key_padding), result.detach().numpy())
    assert_matches(steps["probabilities"], weights.detach().numpy())


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("lengths", [None, ([6, 4], [3, 5])])
def test_the_whole_transformer_equals_torch(norm_first, lengths, rng):
    torch = pytest.importorskip("torch")
    source, target = rng.standard_normal((2, 6, 24)), rng.standard_normal((2, 5, 24))
    paddings = (None, None) if lengths is None else (padding(lengths[0], 6), padding(lengths[1], 5))
    theirs = [None if mask is None else torch.from_numpy(mask) for mask in paddings]

    def oracle(model):
        arrays = (torch.from_numpy(x.astype(model.dtype)) for x in (source, target))
        with torch.no_grad():                          # and no inference mode, in which torch takes another path
            return torch_twin(model)(*arrays, tgt_mask=torch.from_numpy(causal_mask(5)), src_key_padding_mask=theirs[0],
                                     tgt_key_padding_mask=theirs[1], memory_key_padding_mask=theirs[0]).numpy()

    model = tiny(norm_first=norm_first)
    assert_matches(model(source, target, *paddings), oracle(model), MODEL_TOLERANCE)
    assert_model_rounds_as_float32(model, lambda model: model(
        *(np.float32(x).astype(model.dtype) for x in (source, target)), *paddings))


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_as_many_as_torchs(variant):
    torch = pytest.importorskip("torch")
    config = VARIANTS[variant]
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.nn.Transformer(config.d_model, config.nhead, config.num_encoder_layers,
                                      config.num_decoder_layers, config.dim_feedforward, batch_first=True)
    ours = Transformer.random(config, seed=None)
    assert {name: value.shape for name, value in ours.state_dict().items()} == \
        {name: tuple(value.shape) for name, value in theirs.state_dict().items()}


def test_a_later_target_token_changes_no_earlier_output(rng):
    model, source, target = tiny(), rng.standard_normal((2, 6, 24)), rng.standard_normal((2, 5, 24))
    changed = target.copy()
    changed[:, 3:] += 1
    np.testing.assert_array_equal(model(source, target)[:, :3], model(source, changed)[:, :3])


def test_padding_is_as_if_it_were_not_there(rng):
    model, source, target = tiny(), rng.standard_normal((1, 6, 24)), rng.standard_normal((1, 5, 24))
    padded = model(source, target, padding([4], 6), padding([3], 5))
    assert_matches(padded[:, :3], model(source[:, :4], target[:, :3]))


# Costs.


@pytest.mark.parametrize("config", [TINY, *VARIANTS.values()])
def test_the_parameters_of_the_layers_are_all_there_are(config):
    costs = total(layer_costs(config, 6, 5))
    assert costs.parameters == Transformer.random(config, seed=None).parameter_count()


def test_an_encoders_attention_costs_what_eq_1_of_swin_says():
    costs = [cost for cost in layer_costs(TINY, 7, 5) if cost.name.startswith("encoder.layers.1.self_attn")]
    assert total(costs).multiply_adds == complexity.msa_multiply_adds(1, 7, 24)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_and_products_are_those_of_a_trace(dtype, rng):
    model = tiny(dtype)
    with swin_np.trace(model) as steps:
        model(*(rng.standard_normal((1, n, 24)).astype(dtype) for n in (6, 5)))
    for cost in layer_costs(TINY, 6, 5, dtype):
        if cost.kind in ("linear", "layer norm"):
            assert steps[cost.name].nbytes == cost.activation_bytes, cost.name
        elif cost.kind == "attention":
            assert cost.activation_bytes == sum(steps[f"{cost.name}.{step}"].nbytes
                                                for step in ("scores", "probabilities", "q"))
            q, scores = steps[f"{cost.name}.q"], steps[f"{cost.name}.scores"]
            assert cost.multiply_adds == 2 * q.shape[-1] * scores.size  # q k^T, and the one with v


# What is refused.


def test_a_sequence_of_padding_alone_is_refused(rng):
    model, source, target = tiny(), rng.standard_normal((2, 6, 24)), rng.standard_normal((2, 5, 24))
    with pytest.raises(InputError, match="take the empty sequence out of the batch"):
        model(source, target, padding([6, 0], 6))


@pytest.mark.parametrize(("shapes", "match"), [
    (((2, 5, 23), (2, 7, 23), (2, 7, 23)), r"expected \(B, n, 24\)"),
    (((2, 5, 24), (2, 7, 24), (2, 6, 24)), "key and value alike"),
    (((2, 5, 24), (1, 7, 24), (1, 7, 24)), "key and value alike"),
    (((5, 24), (7, 24), (7, 24)), r"expected \(B, n, 24\)"),
])
def test_arrays_that_do_not_fit_are_refused(shapes, match, rng):
    with pytest.raises(ShapeError, match=match):
        MultiHeadAttention.random(TINY, rng)(*(np.zeros(shape, np.float32) for shape in shapes))


def test_a_mask_of_another_shape_is_refused(rng):
    x = np.zeros((2, 5, 24), np.float32)
    with pytest.raises(ShapeError, match=r"attn_mask has shape \(4, 5\): expected \(5, 5\)"):
        EncoderLayer.random(TINY, rng)(x, np.zeros((4, 5), bool))
    with pytest.raises(ShapeError, match=r"key_padding_mask has shape \(5, 2\): expected \(2, 5\)"):
        EncoderLayer.random(TINY, rng)(x, None, np.zeros((5, 2), bool))


def test_the_cost_of_no_token_is_refused():
    with pytest.raises(ShapeError, match="sequences of 0 and 5 tokens"):
        layer_costs(TINY, 0, 5)


@pytest.mark.parametrize("changes", [{"nhead": 5}, {"d_model": 0}, {"num_encoder_layers": -1},
                                     {"dim_feedforward": 2.5}, {"layer_norm_eps": math.nan}])
def test_a_model_that_cannot_be_is_refused(changes):
    with pytest.raises(ConfigurationError):
        replace(TINY, **changes)

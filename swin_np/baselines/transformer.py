"""The Transformer (Vaswani et al. 2017, "Attention is all you need"): sections 3.1 to 3.5, with equation numbers.

Sequences are (B, n, d_model), batch first. Parameter names are those of torch.nn.Transformer. In a mask, which is
boolean, True means "may not be attended to", as in PyTorch. Dropout, which only training has, is left out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from swin_np.arguments.checks import check_elements, check_spread, shown
from swin_np.arguments.config_fields import check_fields
from swin_np.arguments.door import takes
from swin_np.arguments.image_batches import finite
from swin_np.chain import Step, run
from swin_np.costs import LayerCost, array_bytes, element_cost, layer_norm_cost, linear_cost
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.functional import Array, linear, softmax
from swin_np.layers import LayerNorm, Linear, Module, draw, note

WAVELENGTH_BASE = 10000.0                              # section 3.5: wavelengths from 2 pi to 10000 * 2 pi


@takes(q="... n d", k="... m d", v="... m d_v")
def scaled_dot_product_attention(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    """Eq. 1: softmax(q k^T / sqrt(d_k)) v, for q (..., n, d_k), k (..., m, d_k), v (..., m, d_v): (..., n, d_v).

    mask: boolean, to be broadcast to (..., n, m); a score where it is True becomes minus infinity (section 3.2.3).
    Raises InputError for a mask that is not boolean, or that leaves a query without any key: the softmax of nothing is
    no number.
    """
    scores = note("scores", (q * q.shape[-1] ** -0.5) @ k.swapaxes(-1, -2))             # (..., n, m), rows are queries
    if mask is not None:
        check_mask(mask)
        check_spread(scores, mask=mask)
        np.copyto(scores, -np.inf, where=mask)
        scores = note("scores_with_mask", scores)
    probabilities = note("probabilities", softmax(scores))
    return probabilities @ v


def check_mask(mask: Array) -> None:
    """Raise InputError unless a mask is boolean and leaves a key to every query."""
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        raise InputError(f"the mask is {getattr(mask, 'dtype', shown(mask))}, expected bool: let it be True where "
                         "a key may not be seen")
    if mask.all(axis=-1).any():
        raise InputError("the mask leaves a query without any key, and attention to nothing is no number: "
                         "let every row keep a key, or take the empty sequence out of the batch")


def causal_mask(length: int) -> Array:
    """Section 3.2.3: a position may not attend to later ones, (n, n), True above the diagonal."""
    return np.triu(np.ones((length, length), bool), k=1)


def combine_masks(attn_mask: Array | None, key_padding_mask: Array | None) -> Array | None:
    """One mask for all heads from a mask of pairs (n, m) and one of padded keys (B, m): (B, 1, n, m) or None."""
    if key_padding_mask is None:
        return attn_mask
    padding = key_padding_mask[:, None, None, :]       # (B, 1, 1, m)
    return padding if attn_mask is None else attn_mask | padding


def split_heads(x: Array, num_heads: int) -> Array:
    """(B, n, d_model) -> (B, heads, n, d_model / heads)."""
    b, n, channels = x.shape
    return x.reshape(b, n, num_heads, channels // num_heads).swapaxes(1, 2)


def concatenate_heads(x: Array) -> Array:
    """Section 3.2.2's Concat: (B, heads, n, d) -> (B, n, heads d)."""
    b, heads, n, d = x.shape
    return x.swapaxes(1, 2).reshape(b, n, heads * d)


@takes()
def sinusoidal_positions(length: int, d_model: int) -> Array:
    """Section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i / d_model)), PE(pos, 2i+1) = cos of it; (length, d_model) float64.

    Raises ConfigurationError for an odd d_model, in which sines and cosines make no pairs.
    """
    if d_model % 2:
        raise ConfigurationError(f"d_model {d_model} is odd, sines and cosines come in pairs: choose an even one")
    check_elements("the positions", length, d_model)
    frequency = WAVELENGTH_BASE ** (-np.arange(0, d_model, 2) / d_model)               # (d_model / 2,)
    angle = np.arange(length)[:, None] * frequency     # (length, d_model / 2)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(length, d_model)


def embed_tokens(tokens: Array, table: Array) -> Array:
    """Sections 3.4 and 3.5: sqrt(d_model) times the rows of the table (vocabulary, d_model), plus the positions.

    tokens (B, n) are whole numbers, the result is (B, n, d_model) in the table's dtype. Raises InputError for numbers
    that are not in the vocabulary.
    """
    tokens, (vocabulary, d_model) = np.asarray(tokens), table.shape
    if tokens.ndim != 2 or not np.issubdtype(tokens.dtype, np.integer):
        raise InputError(f"tokens are {tokens.dtype} of shape {tokens.shape}: give whole numbers (B, n)")
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise InputError(f"tokens run from {tokens.min()} to {tokens.max()}, the vocabulary from 0 to "
                         f"{vocabulary - 1}: take the tokens and the table of one vocabulary")
    positions = sinusoidal_positions(tokens.shape[1], d_model).astype(table.dtype)
    return table[tokens] * math.sqrt(d_model) + positions


@dataclass(frozen=True)
class TransformerConfig:
    """Everything that defines a Transformer; names as in torch.nn.Transformer, defaults as in Table 3's "base".

    d_model: channels of every token. nhead: h, the heads of every attention. dim_feedforward: d_ff.
    norm_first: False is the paper's LayerNorm(x + Sublayer(x)), True the later x + Sublayer(LayerNorm(x)).

    Raises ConfigurationError for values that no model can have.
    """

    d_model: int = 512
    nhead: int = 8
    num_encoder_layers: int = 6
    num_decoder_layers: int = 6
    dim_feedforward: int = 2048
    norm_first: bool = False
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        check_fields(self)
        if self.d_model % self.nhead:
            raise ConfigurationError(f"{self.nhead} heads do not divide {self.d_model} channels: "
                                     "choose a number of heads that does")

    def norm(self) -> LayerNorm:
        """A layer norm as it is before training."""
        return replace(LayerNorm.identity(self.d_model), eps=self.layer_norm_eps)


VARIANTS = {
    "transformer_base": TransformerConfig(),
    "transformer_big": TransformerConfig(d_model=1024, nhead=16, dim_feedforward=4096),
}
"""Table 3: the base model and the big one, without their embeddings."""


@dataclass(eq=False, repr=False)
class MultiHeadAttention(Module):
    """Section 3.2.2 (Fig. 2, right): h heads on their own projections, put side by side and projected by W^O.

    The rows of in_proj_weight (3 d_model, d_model) are W^Q of all heads, then W^K, then W^V.
    """

    in_proj_weight: Array
    in_proj_bias: Array                                # (3 d_model,)
    out_proj: Linear
    num_heads: int

    @classmethod
    def random(cls, config: TransformerConfig, rng: np.random.Generator | None) -> "MultiHeadAttention":
        return cls(draw(rng, 3 * config.d_model, config.d_model), np.zeros(3 * config.d_model, np.float32),
                   Linear.random(config.d_model, config.d_model, rng), config.nhead)

    @takes(query="any", key="any", value="any")
    def forward(self, query: Array, key: Array, value: Array, attn_mask: Array | None = None,
                key_padding_mask: Array | None = None) -> Array:
        """Queries (B, n, d_model), keys and values (B, m, d_model), masks (n, m) and (B, m) -> (B, n, d_model).

        Raises ShapeError for arrays that do not fit together, InputError as `scaled_dot_product_attention`.
        """
        self.check_shapes(query, key, value, attn_mask, key_padding_mask)
        weights, biases = np.split(self.in_proj_weight, 3), np.split(self.in_proj_bias, 3)
        q, k, v = (split_heads(linear(x, weight, bias), self.num_heads)  # (B, heads, n or m, d) each
                   for x, weight, bias in zip((query, key, value), weights, biases, strict=True))
        q, k, v = note("q", q), note("k", k), note("v", v)
        x = scaled_dot_product_attention(q, k, v, combine_masks(attn_mask, key_padding_mask))
        return self.out_proj(concatenate_heads(x))

    def check_shapes(self, query: Array, key: Array, value: Array, attn_mask: Array | None,
                     key_padding_mask: Array | None) -> None:
        """Raise ShapeError unless the arrays fit this module and each other."""
        channels = len(self.out_proj.weight)
        if not (query.ndim == key.ndim == 3 and key.shape == value.shape and len(query) == len(key)
                and query.shape[-1] == key.shape[-1] == channels):
            raise ShapeError(f"query, key and value have shapes {query.shape}, {key.shape}, {value.shape}: expected "
                             f"(B, n, {channels}), and key and value alike (B, m, {channels})")
        for name, mask, shape in (("attn_mask", attn_mask, (query.shape[1], key.shape[1])),
                                  ("key_padding_mask", key_padding_mask, key.shape[:2])):
            if mask is not None and np.shape(mask) != shape:
                raise ShapeError(f"{name} has shape {np.shape(mask)}: expected {shape}")


class ResidualLayer(Module):
    """What encoder and decoder layers share: fields linear1, linear2 (Eq. 2) and norm_first (section 3.1)."""

    def feed_forward(self, x: Array) -> Array:
        """Eq. 2: max(0, x W1 + b1) W2 + b2, at every position alike."""
        return self.linear2(np.maximum(self.linear1(x), 0))

    def residual(self, x: Array, norm: LayerNorm, sublayer: Callable[[Array], Array]) -> Array:
        """Section 3.1: LayerNorm(x + Sublayer(x)), or with norm_first x + Sublayer(LayerNorm(x))."""
        return x + sublayer(norm(x)) if self.norm_first else norm(x + sublayer(x))


@dataclass(eq=False, repr=False)
class EncoderLayer(ResidualLayer):
    """Fig. 1, left: self-attention, then the feed-forward network."""

    self_attn: MultiHeadAttention
    linear1: Linear
    linear2: Linear
    norm1: LayerNorm
    norm2: LayerNorm
    norm_first: bool

    @classmethod
    def random(cls, config: TransformerConfig, rng: np.random.Generator | None) -> "EncoderLayer":
        return cls(MultiHeadAttention.random(config, rng), Linear.random(config.d_model, config.dim_feedforward, rng),
                   Linear.random(config.dim_feedforward, config.d_model, rng), config.norm(), config.norm(),
                   config.norm_first)

    def forward(self, x: Array, mask: Array | None = None, padding: Array | None = None) -> Array:
        """x (B, n, d_model), mask (n, n), padding (B, n) -> (B, n, d_model)."""
        x = self.residual(x, self.norm1, lambda x: self.self_attn(x, x, x, mask, padding))
        return self.residual(x, self.norm2, self.feed_forward)


@dataclass(eq=False, repr=False)
class DecoderLayer(ResidualLayer):
    """Fig. 1, right: masked self-attention, attention to the encoder's output (`memory`), the feed-forward network."""

    self_attn: MultiHeadAttention
    multihead_attn: MultiHeadAttention
    linear1: Linear
    linear2: Linear
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    norm_first: bool

    @classmethod
    def random(cls, config: TransformerConfig, rng: np.random.Generator | None) -> "DecoderLayer":
        return cls(MultiHeadAttention.random(config, rng), MultiHeadAttention.random(config, rng),
                   Linear.random(config.d_model, config.dim_feedforward, rng),
                   Linear.random(config.dim_feedforward, config.d_model, rng),
                   config.norm(), config.norm(), config.norm(), config.norm_first)

    def forward(self, x: Array, memory: Array, mask: Array | None = None, padding: Array | None = None,
                memory_padding: Array | None = None) -> Array:
        """x (B, n, d_model), memory (B, m, d_model), mask (n, n), paddings (B, n) and (B, m) -> (B, n, d_model)."""
        x = self.residual(x, self.norm1, lambda x: self.self_attn(x, x, x, mask, padding))
        x = self.residual(x, self.norm2, lambda x: self.multihead_attn(x, memory, memory, None, memory_padding))
        return self.residual(x, self.norm3, self.feed_forward)


@dataclass(eq=False, repr=False)
class Stack(Module):
    """Section 3.1's encoder or decoder: N equal layers, and a last norm, which Fig. 1 does not have and PyTorch has."""

    layers: list[Module]
    norm: LayerNorm

    def forward(self, x: Array, *others: Array | None) -> Array:
        """x (B, n, d_model) through all layers, each of which is given the others too."""
        return run(self.chain("", lambda: others), x)

    def chain(self, name: str, others: Callable[[], tuple[Array | None, ...]] = tuple) -> list[Step]:
        """The steps of a stack of this name; `others` is asked when they are made."""
        layers = [Step(f"{name}, layer {i + 1}", (f"{name}.layers.{i}.",), lambda x, layer=layer: layer(x, *others()),
                       heads=layer.self_attn.num_heads, windows=lambda length: (length, ()))
                  for i, layer in enumerate(self.layers)]
        return [*layers, Step(f"{name}, norm", (f"{name}.norm",), self.norm, True)]


@dataclass(eq=False, repr=False)
class Transformer(Module):
    """Fig. 1 between the embeddings and the last linear layer: the whole encoder-decoder."""

    encoder: Stack
    decoder: Stack
    config: TransformerConfig

    @classmethod
    def random(cls, config: TransformerConfig, seed: int | None = 0, dtype: type = np.float32) -> "Transformer":
        """A model with seeded weights (normal, standard deviation 0.02); with seed None they are placeholders."""
        rng = None if seed is None else np.random.default_rng(seed)
        model = cls(Stack([EncoderLayer.random(config, rng) for _ in range(config.num_encoder_layers)], config.norm()),
                    Stack([DecoderLayer.random(config, rng) for _ in range(config.num_decoder_layers)], config.norm()),
                    config)
        return model if dtype == np.float32 else model.astype(dtype)

    @finite
    @takes(source="B m d_model", target="B n d_model")
    def forward(self, source: Array, target: Array, source_padding: Array | None = None,
                target_padding: Array | None = None) -> Array:
        """Embedded source (B, m, d_model) and target (B, n, d_model), the latter seen causally -> (B, n, d_model).

        The paddings (B, m) and (B, n) are True where a token is none. Raises ShapeError and InputError as
        `MultiHeadAttention`; a padded target begins with a real token, so no query is ever without a key.
        """
        if not (np.isfinite(source).all() and np.isfinite(target).all()):
            raise InputError("source or target contains NaN or infinity: check how they were embedded")
        memory = self.encoder(source, None, source_padding)
        return self.decoder(target, memory, causal_mask(target.shape[1]), target_padding, source_padding)


def attention_costs(name: str, config: TransformerConfig, queries: int, keys: int,
                    dtype: type = np.float32) -> list[LayerCost]:
    """One multi-head attention of `queries` tokens to `keys` others: three projections, two products, and W^O."""
    d, scores = config.d_model, (config.nhead, queries, keys)
    return [
        linear_cost(f"{name}.q", (queries,), d, d, dtype=dtype),
        linear_cost(f"{name}.k", (keys,), d, d, dtype=dtype),
        linear_cost(f"{name}.v", (keys,), d, d, dtype=dtype),
        LayerCost(name, "attention", (queries, d), 0, 2 * queries * keys * d,
                  2 * array_bytes(scores, dtype) + array_bytes((queries, d), dtype)),
        linear_cost(f"{name}.out_proj", (queries,), d, d, dtype=dtype),
    ]


def layer_costs(config: TransformerConfig, source: int, target: int, dtype: type = np.float32) -> list[LayerCost]:
    """Every layer for one pair of sequences of `source` and `target` tokens, counted as in swin_np.complexity.

    What a mask hides is counted, since it is computed. Raises ShapeError for a length below 1.
    """
    if min(source, target) < 1:
        raise ShapeError(f"sequences of {source} and {target} tokens were given: give at least one token each")
    d, hidden, costs = config.d_model, config.dim_feedforward, []
    for part, count, n, attentions in (
            ("encoder", config.num_encoder_layers, source, {"self_attn": source}),
            ("decoder", config.num_decoder_layers, target, {"self_attn": target, "multihead_attn": source})):
        for name in (f"{part}.layers.{i}" for i in range(count)):
            for attention, keys in attentions.items():
                costs += attention_costs(f"{name}.{attention}", config, n, keys, dtype)
            costs += [
                linear_cost(f"{name}.linear1", (n,), d, hidden, dtype=dtype),
                element_cost(f"{name}.relu", "relu", (n, hidden), dtype=dtype),
                linear_cost(f"{name}.linear2", (n,), hidden, d, dtype=dtype),
                *(layer_norm_cost(f"{name}.norm{i + 1}", (n, d), dtype) for i in range(len(attentions) + 1)),
                element_cost(f"{name}.sum", "sum", (n, d), arrays=len(attentions) + 1, dtype=dtype)]
        costs.append(layer_norm_cost(f"{part}.norm", (n, d), dtype))
    return costs

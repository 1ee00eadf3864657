"""What goes wrong when multiply-adds (Eq. 1 and 2) and parameters are counted."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import signature

import numpy as np

from swin_np.costs import LayerCost, TotalCost, attention_cost, layer_norm_cost, linear_cost, total
from swin_np.mistakes.mistake import NOWHERE, Mistake, mistake

ATTENTION_COST = "swin_np.costs.attention_cost"
LINEAR_COST = "swin_np.costs.linear_cost"
EQ_1 = "section 3.2, Eq. 1 and 2"
EQ_4 = "section 3.2, Eq. 4"
BLOCK_COST = "section 3.2, Eq. 2 and 3"
PARAMETERS = "section 3.3"

RIGHT_ATTENTION_COST = partial(attention_cost)         # objects of their own, which planting leaves be
RIGHT_LINEAR_COST = partial(linear_cost)


def miscount(right: Callable, **fields: str) -> Callable[[Callable], Mistake]:
    """Make the function below, which changes what `right` gives, a Mistake in place of `right`."""
    def make(change: Callable) -> Mistake:
        def wrong(*args, **named):
            return change(right(*args, **named))

        wrong.__name__, wrong.__signature__ = change.__name__, signature(right)
        return mistake(f"swin_np.costs.{right.__name__}", modules=NOWHERE, **fields)(wrong)
    return make


@miscount(attention_cost, place=EQ_1,
          says="Only the product of queries and keys is counted, not the one of the weights with the values.",
          fix="Count both products: a query meets every key once, and every value once.")
def product_with_the_values_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, multiply_adds=cost.multiply_adds // 2)


@miscount(attention_cost, place=EQ_1,
          says="The products of attention are counted as if a token attended to itself alone.",
          fix="Multiply by the number of keys that a query meets.")
def one_key_for_each_query(cost: LayerCost) -> LayerCost:
    return replace(cost, multiply_adds=2 * math.prod(cost.output_shape))


@miscount(attention_cost, place=EQ_1,
          says="A query is counted as meeting M keys, the side of a window, instead of all that are in it.",
          fix="Take the window's area for its side: it has M^2 tokens.")
def side_of_the_window_for_its_area(cost: LayerCost) -> LayerCost:
    windows, tokens, channels = cost.output_shape
    return replace(cost, multiply_adds=2 * windows * tokens * math.isqrt(tokens) * channels)


@miscount(attention_cost, place=EQ_1,
          says="A query is counted as meeting the keys of the whole map, as in global attention.",
          fix="Count only the keys of the query's own window.")
def whole_map_for_the_window(cost: LayerCost) -> LayerCost:
    windows, tokens, channels = cost.output_shape
    return replace(cost, multiply_adds=2 * (windows * tokens) ** 2 * channels)


@miscount(linear_cost, place=EQ_1,
          says="The linear layer after the attention is not counted.",
          fix="Count four products with C x C weights: for queries, keys, values and the output.")
def output_projection_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0) if cost.name.endswith("attn.proj") else cost


@miscount(linear_cost, place=EQ_1,
          says="The linear layer before the attention is counted as if it made only one of queries, keys and values.",
          fix="Count three times C channels for qkv.")
def one_of_queries_keys_and_values(cost: LayerCost) -> LayerCost:
    third = replace(cost, parameters=cost.parameters // 3, multiply_adds=cost.multiply_adds // 3)
    return third if cost.name.endswith("qkv") else cost


@miscount(linear_cost, place=EQ_1,
          says="The linear layers are counted for a single token.",
          fix="Multiply by the number of tokens: each of them goes through the layer.")
def linear_layers_for_one_token(cost: LayerCost) -> LayerCost:
    return replace(cost, multiply_adds=cost.multiply_adds // math.prod(cost.output_shape[:-1]))


@miscount(linear_cost, place=BLOCK_COST,
          says="Only one of the two linear layers of the MLP is counted.",
          fix="Count C to 4C and 4C to C.")
def one_linear_layer_of_the_mlp(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0) if cost.name.endswith("mlp.fc2") else cost


@miscount(layer_norm_cost, place=BLOCK_COST,
          says="The layer norms are not counted.",
          fix="Count for each norm one multiply-add an element; of parameters it has a weight and a bias a channel.")
def norms_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0)


@miscount(layer_norm_cost, place=BLOCK_COST,
          says="Only one of the two norms of a block is counted.",
          fix="Count the norm before the attention and the norm before the MLP.")
def one_norm_of_the_block(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0) if cost.name.endswith("norm2") else cost


@miscount(total, place=EQ_1,
          says="Multiplications and additions are counted apart, so all is twice the paper's count.",
          fix="Count a multiplication with the addition that follows it as one.")
def additions_counted_apart(cost: TotalCost) -> TotalCost:
    return replace(cost, multiply_adds=2 * cost.multiply_adds)


@miscount(attention_cost, place=EQ_4,
          says="The tables of the relative position bias are not counted.",
          fix="Count a table of (2M-1)^2 rows and a column for each head in every block.")
def bias_tables_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE,
         says="The tables of the relative position bias are counted with a row for each token of a window.",
         fix="Count a row for each displacement, (2M-1)^2 of them.")
def bias_table_of_the_window_s_size(name: str, windows: int, tokens: int, channels: int, heads: int,
                                    parameters: int = 0, dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, tokens * heads, dtype)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE,
         says="The relative position bias is counted with a number for each pair of tokens, as if B itself were "
              "learned.",
         fix="Count the table that B is looked up in: pairs at the same displacement share a row of it.")
def bias_of_every_pair_counted(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                               dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, tokens ** 2 * heads, dtype)


@mistake(ATTENTION_COST, place=EQ_4, modules=NOWHERE, needs="more than one head",
         says="The tables of the relative position bias are counted for one head.",
         fix="Count a column of the table for each head.")
def bias_table_of_one_head(name: str, windows: int, tokens: int, channels: int, heads: int, parameters: int = 0,
                           dtype: type = np.float32) -> LayerCost:
    return RIGHT_ATTENTION_COST(name, windows, tokens, channels, heads, parameters // heads, dtype)


@miscount(linear_cost, place=PARAMETERS,
          says="The biases of the linear layers are not counted.",
          fix="Add as many parameters as a linear layer has outputs; only the reduction of patch merging has no bias.")
def linear_biases_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=cost.multiply_adds // math.prod(cost.output_shape[:-1]))


@mistake(LINEAR_COST, place=PARAMETERS, modules=NOWHERE,
         says="The reduction of patch merging is counted with a bias, which it does not have.",
         fix="Count 4C times 2C parameters for the reduction.")
def reduction_with_a_bias(name: str, positions: tuple[int, ...], inputs: int, outputs: int, bias: bool = True,
                          dtype: type = np.float32) -> LayerCost:
    return RIGHT_LINEAR_COST(name, positions, inputs, outputs, True, dtype)


@miscount(linear_cost, place=PARAMETERS,
          says="The head is not counted.",
          fix="Add the linear layer from the last stage's channels to the classes.")
def head_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0) if cost.name == "head" else cost


@miscount(layer_norm_cost, place=PARAMETERS,
          says="The norm after the patch embedding is not counted; the paper does not mention it, but the official "
               "code has it.",
          fix="Add 2C parameters for patch_embed.norm.")
def patch_norm_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0) if cost.name == "patch_embed.norm" else cost


@miscount(layer_norm_cost, place=PARAMETERS,
          says="The norm before the head is not counted; the paper does not mention it, but the official code has it.",
          fix="Add weight and bias of a norm of the last stage's channels.")
def final_norm_not_counted(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=0, multiply_adds=0) if cost.name == "norm" else cost


@miscount(layer_norm_cost, place=PARAMETERS,
          says="The norm of patch merging is counted with the 2C channels that leave the reduction.",
          fix="Count it with 4C channels: it comes before the reduction.")
def merging_norm_of_2c(cost: LayerCost) -> LayerCost:
    return replace(cost, parameters=cost.parameters // 2) if cost.name.endswith("downsample.norm") else cost

"""What goes wrong in what a framework usually gives: softmax, layer normalisation and linear layers."""

import numpy as np

from swin_np.functional import Array, layer_norm, linear
from swin_np.layers import Module
from swin_np.mistakes.mistake import NOWHERE, mistake

NORMS = r"(.+\.)?norm[12]?"
LAYER_NORM = "swin_np.functional.layer_norm"
SOFTMAX = "swin_np.functional.softmax"
EQ_4 = "section 3.2, Eq. 4"
LN = "section 3.2, Eq. 3 (LN)"


@mistake("swin_np.layers.LayerNorm.forward", place=LN, modules=NORMS,
         says="The norms' eps is 1e-6, which many vision transformers use, instead of 1e-5.",
         fix="Set eps to 1e-5, PyTorch's default.")
def norm_eps_1e_6(self: Module, x: Array) -> Array:
    return layer_norm(x, self.weight, self.bias, 1e-6)


@mistake("swin_np.layers.LayerNorm.forward", place=LN, modules=NORMS,
         says="The norms' eps is 1e-3, the default of Keras, instead of 1e-5.",
         fix="Set eps to 1e-5, PyTorch's default.")
def norm_eps_1e_3(self: Module, x: Array) -> Array:
    return layer_norm(x, self.weight, self.bias, 1e-3)


@mistake("swin_np.layers.LayerNorm.forward", place=LN, modules=NORMS,
         says="The norms do not multiply by their weights and add their bias.",
         fix="Multiply the normalised values by weight and add bias.")
def norm_without_weights(self: Module, x: Array) -> Array:
    ones = np.ones(x.shape[-1], x.dtype)
    return layer_norm(x, ones, 0 * ones, self.eps)


@mistake(LAYER_NORM, place=LN, modules=NORMS,
         says="The variance is the unbiased one, over C-1, as a framework's var or std gives it by default.",
         fix="Divide the sum of squares by C (correction=0, unbiased=False).")
def variance_unbiased(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred ** 2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)
    return centred / np.sqrt(variance + eps) * weight + bias


@mistake(LAYER_NORM, place=LN, modules=NORMS,
         says="eps is added to the standard deviation, outside the root, instead of to the variance.",
         fix="Divide by sqrt(variance + eps).")
def norm_eps_outside_the_root(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred ** 2).mean(axis=-1, keepdims=True)
    return centred / (np.sqrt(variance) + eps) * weight + bias


@mistake(LAYER_NORM, place=LN, modules=NORMS,
         says="The mean is not subtracted: this is the root-mean-square norm of language models.",
         fix="Subtract the mean over the channels first.")
def norm_without_mean(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    variance = (x ** 2).mean(axis=-1, keepdims=True)
    return x / np.sqrt(variance + eps) * weight + bias


@mistake("swin_np.layers.Linear.forward", place="section 3.2, Eq. 3", modules=r"layers\..+\.(qkv|proj|fc1|fc2)|head",
         says="The bias of the linear layers is left out, that of qkv above all, where it is an option in many "
              "libraries.",
         fix="Add the bias; only patch merging's reduction has none.")
def linear_bias_left_out(self: Module, x: Array) -> Array:
    return linear(x, self.weight)


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE, needs="scores of some hundreds",
         says="The largest score is not subtracted before the exponential, so large scores overflow and the result is "
              "not a number.",
         fix="Subtract the maximum over the last axis first; the quotient stays the same.")
def softmax_overflows(x: Array) -> Array:
    y = np.exp(x)
    return y / y.sum(axis=-1, keepdims=True)


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE,
         says="The exponentials are divided by the sum over the whole array, so only all rows together sum to 1.",
         fix="Sum over the last axis and keep it: axis=-1, keepdims=True.")
def softmax_over_everything(x: Array) -> Array:
    y = np.exp(x - x.max())
    return y / y.sum()


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE,
         says="The softmax runs over the first axis instead of the last, so the columns sum to 1 and the rows do not.",
         fix="Take maximum and sum over the last axis.")
def softmax_over_the_first_axis(x: Array) -> Array:
    y = np.exp(x - x.max(axis=0, keepdims=True))
    return y / y.sum(axis=0, keepdims=True)


@mistake(SOFTMAX, place=EQ_4, modules=NOWHERE,
         says="The exponentials are not divided by their sum, so they are no weights yet.",
         fix="Divide by the sum over the last axis.")
def softmax_not_normalised(x: Array) -> Array:
    return np.exp(x - x.max(axis=-1, keepdims=True))

"""Class maps from feature maps: ablation of channels (Desai and Ramaswamy 2020), and the exact map of the last one."""

from collections.abc import Iterator

import numpy as np

from swin_np.attribution.attention_maps import check_number, single
from swin_np.attribution.occlusion import BATCH, check_class
from swin_np.chain import run
from swin_np.errors import ConfigurationError
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.model import SwinTransformer


def without_each_channel(x: Array) -> Iterator[Array]:
    """The map x (1, h, w, C) with one channel zero, for every channel in turn, as batches (n, h, w, C)."""
    channels = x.shape[3]
    for start in range(0, channels, BATCH):
        numbers = np.arange(start, min(start + BATCH, channels))
        batch = np.repeat(x, len(numbers), axis=0)
        batch[np.arange(len(numbers)), :, :, numbers] = 0
        yield batch


def ablation_map(model: Module, image: Array, class_number: int, stage: int) -> Array:
    """Ablation-CAM on the map of a stage, counted from 0, before its merging: (h, w).

    A channel's weight is by how much the class's score, before the softmax, drops when the channel is set to 0 and the
    rest of the model computed anew; the map is the sum of the channels by their weights. The paper divides the weights
    by the score, which only scales them, and turns their sign where the score is negative: that is left out here. It
    also keeps the positive part alone: here what is negative speaks against the class.
    Raises InputError for a stage or class that is not there, ConfigurationError for a model without maps or classes.
    """
    check_class(model, class_number)
    chain = model.chain()                              # type: ignore[attr-defined]
    ends = [i for i, step in enumerate(chain) if step.stage]
    check_number("stage", stage, len(ends))
    x, rest = run(chain[:ends[stage] + 1], single(image)), chain[ends[stage] + 1:]
    if x.ndim != 4:
        raise ConfigurationError(f"a {type(model).__name__} has a sequence of tokens and no map whose channels could "
                                 "be ablated: take occlusion")
    whole = run(rest, x)[0, class_number]
    weights = np.concatenate([whole - run(rest, batch)[:, class_number] for batch in without_each_channel(x)])
    return x[0] @ weights


def class_activation_map(model: SwinTransformer, image: Array, class_number: int) -> Array:
    """The class activation map (Zhou et al. 2016), (h, w): its mean, plus the head's bias, is the class's very score.

    The last map is normalised and averaged, and the head is linear: so each token's part of the score can be told
    before the average. For earlier maps nothing so exact exists.
    Raises InputError for a class that is not there, ConfigurationError for another model or one without classes.
    """
    if not isinstance(model, SwinTransformer) or model.head is None:
        raise ConfigurationError(f"a {type(model).__name__} was given, the class activation map is for a Swin "
                                 "Transformer with a head, whose normalised last map is averaged: take occlusion for "
                                 "another model")
    check_number("class", class_number, model.config.num_classes)
    last = model.norm(run(model.chain()[:-1], single(image)))[0]        # (h, w, 8C)
    return last @ model.head.weight[class_number]

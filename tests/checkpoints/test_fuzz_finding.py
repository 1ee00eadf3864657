"""Files that were taken apart and put together otherwise: a model, or nothing but CheckpointError."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from swin_np import MICROSOFT, TORCHVISION, SwinConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.checkpoints.dialects.vit import VIT_DIALECTS
from swin_np.checkpoints.files import Content, flat_checkpoint
from swin_np.checkpoints.loading import identify
from swin_np.dense.backbones import BackboneConfig
from swin_np.errors import CheckpointError
from swin_np.layers import redraw
from swin_np.systems.registry import architecture_of
from tests.lengths import long_but

PLAIN = SwinConfig(32, 2, 3, 5, 8, (2, 1), (2, 4), 4, shape_policy=MICROSOFT)
V2 = SwinV2Config(32, 2, 3, 5, 8, (2, 1), (2, 4), 4)


def state_of(config) -> dict[str, np.ndarray]:
    model = architecture_of(config).model.random(config)
    redraw(model, 1)
    return model.state_dict()


STATES = {
    **{f"swin, {name}": from_official({key: value for key, value in state_of(PLAIN).items()
                                       if dialect.from_official(key)}, dialect) for name, dialect in DIALECTS.items()},
    **{f"V2, {name}": from_official(state_of(V2), dialect) for name, dialect in SWIN_V2_DIALECTS.items()},
    **{f"ViT, {name}": from_official(state_of(replace(ViTConfig(32, 8, 3, 2, 24, 2, 3), distilled="deit" in name)),
                                     dialect) for name, dialect in VIT_DIALECTS.items() if "one-head" not in name},
    "backbone": state_of(BackboneConfig(replace(PLAIN, shape_policy=TORCHVISION))),
}
GIVEN = {"image_size": 32, "window_size": 4, "pretrained_window_sizes": 0}
FRAGMENTS = ("", "module", "layers", "blocks", "0", "norm", "head", "backbone", "swin", "encoder", "norms", "norm3",
             "hidden_states_norms.stage1", "classifier", "decode_head.psp_modules.0.1.conv", "lora_A", "a/b", "\u56fe")


def mutant(rng: np.random.Generator) -> object:
    """One or two models, some of whose names and tensors were changed, in some nesting."""
    tree: object = {}
    for _ in range(rng.integers(1, 3)):
        state = dict(STATES[rng.choice(list(STATES))])
        for _ in range(rng.integers(0, 4)):
            state = changed(state, rng)
        prefix = "".join(f"{rng.choice(FRAGMENTS)}." for _ in range(rng.integers(0, 3)))
        state = {prefix + name: value for name, value in state.items()}
        for _ in range(rng.integers(0, 3)):
            state = [state] if rng.random() < 0.2 else {str(rng.choice(FRAGMENTS)): state, "epoch": 3}
        tree = state if not tree else [tree, state] if rng.random() < 0.3 else {"first": tree, "second": state}
    return tree


def changed(state: dict, rng: np.random.Generator) -> dict:
    names = list(state) or [""]
    name = str(rng.choice(names))
    match rng.integers(0, 7):
        case 0:                                        # without some tensors
            return {key: value for key, value in state.items() if rng.random() < 0.95}
        case 1:                                        # one word in all names is another
            old, new = str(rng.choice(name.split("."))), str(rng.choice(FRAGMENTS))
            return {key.replace(old, new): value for key, value in state.items()}
        case 2:                                        # one tensor is another
            return {**state, name: np.ones(tuple(rng.integers(0, 5, rng.integers(0, 4))), rng.choice(["f4", "i1"]))}
        case 3:                                        # one more
            return {**state, f"{name}.{rng.choice(FRAGMENTS)}": np.ones(3, np.float32)}
        case 4:                                        # a part of another model
            other = STATES[rng.choice(list(STATES))]
            return {**state, **{key: value for key, value in other.items() if rng.random() < 0.3}}
        case 5:                                        # in a dict by its first name
            return {"": {key: value for key, value in state.items() if rng.random() < 0.5}, **state}
        case _:
            return {str(rng.choice(FRAGMENTS)) + key: value for key, value in state.items()}


@pytest.mark.parametrize("seed", long_but([0], range(8)))
def test_every_mutant_of_a_tree_is_a_model_or_refused(seed):
    rng = np.random.default_rng(seed)
    outcomes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for _ in range(250):
            tree = mutant(rng)
            for given in ({}, GIVEN, {"num_heads": 3}, {"part": str(rng.choice(FRAGMENTS)), **GIVEN}):
                try:
                    found = identify(flat_checkpoint(Content("pytorch zip", tree)), **given)
                except CheckpointError as error:
                    outcomes.add(str(error)[:12])
                else:
                    outcomes.add(found.reader.name)
                    architecture_of(found.config).model.random(found.config, None)
    assert {"Swin Transformer", "Swin Transformer V2", "ViT or DeiT", "backbone"} <= outcomes

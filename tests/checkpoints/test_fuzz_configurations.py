"""Thousands of mutants of config.json and preprocessor_config.json: a model or a CheckpointError, nothing else."""

import json
import time
import tracemalloc
import warnings
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
from test_fuzz import LONGEST_TIME, changed_bytes

import swin_np
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinTransformerV2, SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.dense import UPERNET_DIALECTS
from swin_np.checkpoints.dialects.resnet import RESNET_DIALECTS
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS
from swin_np.checkpoints.dialects.vit import VIT_DIALECTS
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.checkpoints.loading import convert
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.errors import CheckpointError
from swin_np.model import SwinTransformer
from swin_np.systems.registry import architecture_of
from swin_np.variants import SwinConfig

MUTANTS = 250                                          # of each kind
MEASURED = 20                                          # the memory of every 20th mutant is measured
LARGEST_PEAK = 2**23                                   # bytes

SIZES = {"embed_dim": 8, "depths": [1, 2], "num_heads": [2, 4]}
SWIN = {"model_type": "swin", "architectures": ["SwinForImageClassification"], "image_size": 32, "patch_size": 2,
        "num_channels": 3, "window_size": 4, "mlp_ratio": 4.0, "qkv_bias": True, "hidden_act": "gelu",
        "use_absolute_embeddings": False, "layer_norm_eps": 1e-05, "id2label": {"0": "a", "1": "b"}, **SIZES}
SWIN_V2 = SWIN | {"model_type": "swinv2", "pretrained_window_sizes": [6, 0]}
VIT = {"model_type": "vit", "image_size": 32, "patch_size": 8, "num_channels": 3, "hidden_size": 24,
       "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96, "layer_norm_eps": 1e-12,
       "hidden_act": "gelu", "qkv_bias": True, "num_labels": 2}
RESNET = {"model_type": "resnet", "num_channels": 3, "embedding_size": 8, "hidden_sizes": [8, 16, 32, 64],
          "depths": [1, 1, 1, 1], "layer_type": "basic", "hidden_act": "relu", "downsample_in_first_stage": False,
          "downsample_in_bottleneck": False}
UPERNET = {"model_type": "upernet", "hidden_size": 6, "pool_scales": [1, 2, 3, 6], "num_labels": 3,
           "backbone_config": SWIN | {"num_labels": 2}}
PRETRAINED = {"tag": "x", "input_size": [3, 32, 32], "fixed_input_size": True, "interpolation": "bicubic",
              "crop_pct": 0.9, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "num_classes": 2}
IN_TIMM = {"architecture": "swinv2_tiny_window8_256", "num_classes": 2, "num_features": 16, "global_pool": "avg",
           "label_names": ["a", "b"], "label_descriptions": {"a": "alpha", "b": "beta"},
           "model_args": {"img_size": 32, "patch_size": 2, "window_size": [4, 4], "pretrained_window_sizes": [6, 0],
                          "drop_path_rate": 0.1, **SIZES}, "pretrained_cfg": PRETRAINED}
S3_IN_TIMM = IN_TIMM | {"architecture": "swin_s3_tiny_224", "model_args": {
    "img_size": 32, "patch_size": 2, "window_size": [[4, 4], 2, [2, 2]], "embed_dim": 8, "depths": [1, 1, 1],
    "num_heads": [2, 4, 4]}}
VIT_IN_TIMM = {"architecture": "vit_tiny_patch16_224.x", "global_pool": "token", "pretrained_cfg": PRETRAINED,
               "model_args": {"embed_dim": 24, "depth": 2, "num_heads": 3, "patch_size": 8, "img_size": [32, 32]}}
PROCESSOR = {"image_processor_type": "ViTImageProcessor", "do_resize": True, "do_center_crop": False, "resample": 3,
             "do_rescale": True, "do_normalize": True, "size": {"height": 32, "width": 32}, "crop_size": 32,
             "crop_pct": 0.875, "rescale_factor": 0.00392156862745098, "image_mean": [0.5, 0.5, 0.5],
             "image_std": [0.5, 0.5, 0.5]}
PLAIN = SwinConfig(32, 2, 3, 2, 8, (1, 2), (2, 4), 4)
BY_STAGE = SwinConfig(32, 2, 3, 2, 8, (1, 1, 1), (2, 4, 4), (4, 2, 2))
PLAIN_V2 = SwinV2Config(32, 2, 3, 2, 8, (1, 2), (2, 4), 4)

KINDS = {                                              # (the file, its good content, dialect and model beside it)
    "swin": ("config.json", SWIN, DIALECTS["transformers-files"], PLAIN),
    "swinv2": ("config.json", SWIN_V2, SWIN_V2_DIALECTS["transformers"], PLAIN_V2),
    "vit": ("config.json", VIT, VIT_DIALECTS["transformers-files"], ViTConfig(32, 8, 3, 2, 24, 2, 3)),
    "resnet": ("config.json", RESNET, RESNET_DIALECTS["transformers"], ResNetConfig("basic", (1,) * 4, inplanes=8)),
    "upernet": ("config.json", UPERNET, UPERNET_DIALECTS["transformers-files"], UPerNetConfig(PLAIN, 3, 6)),
    "timm": ("config.json", IN_TIMM, SWIN_V2_DIALECTS["timm"], PLAIN_V2),
    "timm s3": ("config.json", S3_IN_TIMM, DIALECTS["timm"], BY_STAGE),
    "timm vit": ("config.json", VIT_IN_TIMM, VIT_DIALECTS["timm"], ViTConfig(32, 8, 3, 2, 24, 2, 3)),
    "preprocessor": ("preprocessor_config.json", PROCESSOR, DIALECTS["timm"], PLAIN),
}
VALUES = (None, True, False, 0, 1, -1, 2, 3, 2**31 - 1, 2**31, 2**40, 2**63, 0.5, -0.0, 1e-320, 1e308, 1e999, "",
          "gelu", "x" * 999, "\x1b[2J", "\ud800", "swin", "resnetaa50", [], [0], [1, 2], [4] * 65, [2**40], [[1]],
          [None], ["a"], {}, {"a": 1}, {"model_type": "swin"})


@cache
def official(config) -> dict[str, np.ndarray]:
    return architecture_of(config).model.random(config).state_dict()


def places(value, path=()) -> list[tuple]:
    """The ways to all entries of nested objects and lists."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inside for place in ((*path, key), *places(each, (*path, key)))]


def mutant(good: dict, others: list[dict], rng: np.random.Generator) -> bytes:
    """The text of an object with one to three entries removed, replaced, exchanged or added, or with other bytes."""
    value = deepcopy(good)
    for _ in range(int(rng.choice((1, 1, 2, 3)))):
        ways = places(value)
        *way, key = ways[rng.integers(len(ways))] if ways else ("a",)
        inside = value
        for part in way:
            inside = inside[part]
        if not isinstance(inside, dict | list) or (isinstance(inside, list) and not isinstance(key, int)):
            continue
        kind = rng.integers(4)
        if kind == 0 and ways:
            del inside[key]
        elif kind == 1:
            inside[key] = deepcopy(VALUES[rng.integers(len(VALUES))])
        elif kind == 2:
            other = others[rng.integers(len(others))]
            inside[key] = deepcopy(list(other.values())[rng.integers(len(other))])
        else:
            other = others[rng.integers(len(others))]
            name = list(other)[rng.integers(len(other))]
            value[name] = deepcopy(other[name])
    raw = json.dumps(value).encode()
    return changed_bytes(raw, raw, rng) if rng.random() < 0.3 else raw


def loads(folder) -> bool:
    """Whether a folder loads."""
    try:
        swin_np.load(folder)
    except CheckpointError as error:
        assert 0 < len(str(error)) < 3000 and str(error).isprintable()
        return False
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_every_mutant_of_a_configuration_loads_or_is_refused(kind, tmp_path):
    name, good, dialect, config = KINDS[kind]
    write_safetensors(tmp_path / "model.safetensors", convert(official(config), dialect), {})
    rng, others = np.random.default_rng([*kind.encode()]), [content for _, content, _, _ in KINDS.values()]
    (tmp_path / name).write_text(json.dumps(good))
    loaded = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", swin_np.SwinWarning)
        assert loads(tmp_path)
        for i in range(MUTANTS):
            (tmp_path / name).write_bytes(mutant(good, others, rng))
            start = time.process_time()
            if i % MEASURED:
                loaded += loads(tmp_path)
            else:
                tracemalloc.start()
                loads(tmp_path)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                assert peak < LARGEST_PEAK
            assert time.process_time() - start < LONGEST_TIME
    assert 0.01 < loaded / MUTANTS < 0.9               # neither all so broken, nor all so whole, that nothing is tried


def test_the_models_beside_them_are_of_the_kinds_that_they_say():
    assert {type(config) for _, _, _, config in KINDS.values()} == {
        SwinConfig, SwinV2Config, ViTConfig, ResNetConfig, UPerNetConfig}
    assert isinstance(architecture_of(PLAIN_V2).model.random(PLAIN_V2), SwinTransformerV2 | SwinTransformer)

"""The trained models: a tiny Swin Transformer for each task, whole, without the shift, and without the bias."""

import json
from pathlib import Path

import numpy as np

from swin_np.arguments.names import check_name
from swin_np.checkpoints.loading import load
from swin_np.model import SwinTransformer
from swin_np.probes.tasks import SIDE, TILE, task_named
from swin_np.variants import SwinConfig

ABLATIONS = ("full", "no_shift", "no_bias")
FOLDER = Path(__file__).parent


def probe_config(task: str, ape: bool = False) -> SwinConfig:
    """The configuration of all models of a task, 24.7 thousand parameters.

    Windows of 4 on maps of 16x16 and 8x8: the last stage still has 2x2 windows, so that no block without the shift
    sees across the middle of the image.
    """
    return SwinConfig(SIDE * TILE, TILE, num_classes=len(task_named(task).answers), embed_dim=16, depths=(2, 2),
                      num_heads=(2, 4), window_size=4, mlp_ratio=2.0, ape=ape)


def remove_shift(model: SwinTransformer) -> None:
    """Make every block one with regular windows (W-MSA)."""
    for stage in model.layers:
        for block in stage.blocks:
            block.shift_size = (0, 0)


def remove_bias(model: SwinTransformer) -> None:
    """Make every relative position bias zero."""
    for stage in model.layers:
        for block in stage.blocks:
            block.attn.relative_position_bias_table = np.zeros_like(block.attn.relative_position_bias_table)


def load_probe(task: str, ablation: str = "full", dtype: type = np.float32) -> SwinTransformer:
    """A trained model that comes with the package; its weights are stored in float16, its bias tables zero for no_bias.

    Raises ConfigurationError for an unknown task or ablation.

    >>> load_probe("flock")(TASKS["flock"].draw(8, rng).images).shape
    (8, 4)
    """
    config = probe_config(task)
    check_name("ablation", ablation, ABLATIONS)
    model = load(FOLDER / "weights" / f"{task}_{ablation}.safetensors", dtype=dtype, config=config)
    if ablation == "no_shift":
        remove_shift(model)
    return model


def results() -> dict:
    """What was measured when the probes were trained: settings, versions, and a row in `runs` for each model and seed.

    Accuracies are shares of 1, losses in nats. Rows of full models hold the bias tables of the two blocks of their
    first stage, ((2M-1)^2, heads) each.
    """
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))

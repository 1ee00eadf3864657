"""Swin-Mixer in its official names, "Swin-MLP": spatial MLPs are grouped convolutions, (heads M^2, M^2, 1)."""

import math
from dataclasses import replace

from swin_np.baselines.swin_mixer import SwinMixer, SwinMixerConfig
from swin_np.checkpoints.dialects import swin_inference
from swin_np.checkpoints.dialects.swin import DIALECTS, Dialect, State
from swin_np.checkpoints.dialects.swin_inference import depths_of, factors, fitting_configuration, shared_fields
from swin_np.checkpoints.readers import Request, System, with_axes

SWIN_MIXER_DIALECTS = {"microsoft": replace(DIALECTS["microsoft"], buffers=())}


def recognise(tensors: State) -> tuple[Dialect, State, list[str]]:
    """The only dialect, and all tensors: nothing is assumed of the names."""
    return SWIN_MIXER_DIALECTS["microsoft"], tensors, []


def infer(state: State, buffers: State, dialect: Dialect, wanted: Request, notes: list[str]) -> SwinMixerConfig:
    """The configuration of a model that has these parameters.

    The window follows from the largest spatial MLP. What had to be assumed is added to `notes`. Raises CheckpointError
    if nothing fits, or more than one answer does.
    """
    names = [f"layers.{stage}.blocks.0.spatial_mlp.weight" for stage in range(len(depths_of(state)))]
    shapes = {name: with_axes(state, name, 3).shape for name in names}
    SWIN_MIXER.refuse([f"{name} has shape {shape}, expected (heads M^2, M^2, 1)" for name, shape in shapes.items()
                       if shape[0] % shape[1]])
    fields = shared_fields(SWIN_MIXER, state, {name: shape[0] // shape[1] for name, shape in shapes.items()}, dialect,
                           wanted)
    tokens = [shape[1] for shape in shapes.values()]   # M^2 of every stage
    return fitting_configuration(SWIN_MIXER, state, buffers, fields, list(factors(max(tokens))),
                                 [math.isqrt(count) for count in tokens], wanted, notes)


SWIN_MIXER = System("Swin-Mixer", "microsoft", SwinMixer, SwinMixerConfig,
                    r"^layers\.0\.blocks\.0\.spatial_mlp\.weight$", r"(?!)", SWIN_MIXER_DIALECTS, recognise, infer,
                    lambda *arguments: swin_inference.fit(SWIN_MIXER, *arguments))

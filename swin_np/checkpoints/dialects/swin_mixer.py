"""Swin-Mixer in its official names, "Swin-MLP": spatial MLPs are grouped convolutions, (heads M^2, M^2, 1)."""

from dataclasses import replace

from swin_np.baselines.swin_mixer import SwinMixerConfig
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.swin_config import depths_of, fit, fitting_config, shared_fields
from swin_np.checkpoints.dialects.swin_sizes import factors
from swin_np.checkpoints.reader import Reader, Translated, with_axes
from swin_np.systems.registry import SWIN_MIXER

SWIN_MIXER_DIALECTS = {"microsoft": replace(DIALECTS["microsoft"], buffers=(), note="")}


def infer(found: Translated) -> SwinMixerConfig:
    """The configuration, whose windows follow from the spatial MLPs.

    Raises CheckpointError if nothing fits, or more than one answer does.
    """
    names = [f"layers.{stage}.blocks.0.spatial_mlp.weight" for stage in range(len(depths_of(found.state)))]
    shapes = {name: with_axes(found.state, name, 3).shape for name in names}
    found.reader.refuse([f"{name} has shape {shape}, expected (heads M^2, M^2, 1)" for name, shape in shapes.items()
                         if shape[0] % shape[1]])
    fields = shared_fields(found, {name: shape[0] // shape[1] for name, shape in shapes.items()})
    return fitting_config(found, fields, [list(factors(shape[1])) for shape in shapes.values()])       # of M^2


SWIN_MIXER_READER = Reader(SWIN_MIXER, "microsoft", (r"^layers\.0\.blocks\.0\.spatial_mlp\.weight$",),
                           ("layers.0.blocks.0.spatial_mlp.weight",),
                           SWIN_MIXER_DIALECTS, infer, fit)

"""The Transformer in the names of torch.nn.Transformer."""

import re

from swin_np.baselines.transformer import VARIANTS, Transformer, TransformerConfig
from swin_np.checkpoints.dialects.swin import Dialect, State
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.readers import Request, System, heads_of_all_layers, with_axes
from swin_np.errors import CheckpointError

TRANSFORMER_DIALECTS = {"pytorch": Dialect("pytorch", None, (("encoder", ("encoder",)), ("decoder", ("decoder",))))}

PUBLISHED = {(config.d_model, config.num_encoder_layers, config.num_decoder_layers, config.dim_feedforward):
             config.nhead for config in VARIANTS.values()}
"""Heads of the paper's models by channels, layers of either stack, and hidden units."""


def recognise(tensors: State) -> tuple[Dialect, State, list[str]]:
    """The only dialect, and all tensors: nothing is assumed of the names."""
    return TRANSFORMER_DIALECTS["pytorch"], tensors, []


def infer(state: State, buffers: State, dialect: Dialect, wanted: Request, notes: list[str]) -> TransformerConfig:
    """The configuration of a model that has these parameters.

    What had to be assumed is added to `notes`. Raises CheckpointError if nothing fits, or a question is left open.
    """
    if wanted.image_size is not None:
        raise CheckpointError("image_size was given, and a Transformer takes sequences of any length: leave it out")
    depths = [len({name.split(".")[2] for name in state if re.match(rf"{part}\.layers\.\d+\.", name)})
              for part in ("encoder", "decoder")]
    hidden, channels = with_axes(state, "encoder.layers.0.linear1.weight", 2).shape
    num_heads = heads_of_all_layers("Transformer", (channels, *depths, hidden), PUBLISHED, wanted, notes)
    notes.append(Assumption("Where the norms are, their eps and the activation are not in the file: the paper's order, "
                            "1e-5 and ReLU were assumed, which torch.nn.Transformer has by default."))
    return TRANSFORMER.configuration(state, d_model=channels, nhead=num_heads, num_encoder_layers=depths[0],
                                     num_decoder_layers=depths[1], dim_feedforward=hidden)


def fit(config: TransformerConfig, state: State, buffers: State, dialect: Dialect, wanted: Request,
        notes: list[str]) -> State:
    """The parameters as they are: none has a size that depends on the sequences."""
    return state


TRANSFORMER = System("Transformer", "torch.nn", Transformer, TransformerConfig,
                     r"^(encoder|decoder)\.layers\.0\.self_attn\.in_proj_weight$", r"(?!)", TRANSFORMER_DIALECTS,
                     recognise, infer, fit)

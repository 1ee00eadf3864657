"""The Transformer in the names of torch.nn.Transformer."""

from swin_np.baselines.transformer import VARIANTS, TransformerConfig
from swin_np.checkpoints.dialects.dialect import Dialect
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.reader import Reader, Translated, block_counts, number_of_heads, with_axes
from swin_np.errors import CheckpointError
from swin_np.systems.registry import TRANSFORMER

TRANSFORMER_DIALECTS = {"pytorch": Dialect("pytorch", None, (("encoder", ("encoder",)), ("decoder", ("decoder",))))}

PUBLISHED = {(config.d_model, config.num_encoder_layers, config.num_decoder_layers, config.dim_feedforward):
             config.nhead for config in VARIANTS.values()}
"""Heads of the paper's models by channels, layers of either stack, and hidden units."""


def infer(found: Translated) -> TransformerConfig:
    """The configuration; CheckpointError if nothing fits, or a question is left open."""
    if found.request.image_size is not None:
        raise CheckpointError("image_size was given, and a Transformer takes sequences of any length: leave it out")
    depths = block_counts(found.state, r"(encoder|decoder)\.layers\.(\d+)\.")
    encoder, decoder = depths["encoder"], depths["decoder"]
    hidden, channels = with_axes(found.state, "encoder.layers.0.linear1.weight", 2).shape
    num_heads = number_of_heads("Transformer", (channels, encoder, decoder, hidden), PUBLISHED, found)
    found.notes.append(Assumption("Where the norms are, their eps and the activation are not in the file: the paper's "
                                  "order, 1e-5 and ReLU were assumed, which torch.nn.Transformer has by default."))
    return found.reader.configuration(found.state, d_model=channels, nhead=num_heads, num_encoder_layers=encoder,
                                      num_decoder_layers=decoder, dim_feedforward=hidden)


TRANSFORMER_READER = Reader(TRANSFORMER, "torch.nn", (r"^(encoder|decoder)\.layers\.0\.self_attn\.in_proj_weight$",),
                            tuple(f"{stack}.layers.0.self_attn.in_proj_weight" for stack in ("encoder", "decoder")),
                            TRANSFORMER_DIALECTS, infer)

"""The parts of a Swin Transformer as the page's map shows them: an equation, the library's lines, a notebook."""

from collections.abc import Callable
from dataclasses import dataclass

from swin_np import attention, block, complexity, functional, model, patches, windows
from swin_np.baselines import sliding_window


@dataclass(frozen=True)
class Part:
    """One kind of box: its equation in LaTeX, what computes it, and the notebook (a name) that explains it."""

    equation: str
    sources: tuple[Callable, ...]
    notebook: str


PARTS = {
    "model": Part(r"h \times w \rightarrow \frac{h}{2} \times \frac{w}{2},\quad C \rightarrow 2C",
                  (model.SwinTransformer.chain,), "08_the_whole_model"),
    "embedding": Part(r"z^0 = \mathrm{LN}(x W^T + b),\quad x \in \mathbb{R}^{h \times w \times 3 p^2}",
                      (patches.patch_partition, patches.LinearEmbedding.forward), "02_patches_and_hierarchy"),
    "stage": Part(r"z^l = \mathrm{block}_l(z^{l-1})", (model.Stage.run_blocks,), "08_the_whole_model"),
    "block": Part(r"\begin{aligned} \hat{z}^l &= \mathrm{(S)W\text{-}MSA}(\mathrm{LN}(z^{l-1})) + z^{l-1} \\ "
                  r"z^l &= \mathrm{MLP}(\mathrm{LN}(\hat{z}^l)) + \hat{z}^l \end{aligned}",
                  (block.SwinTransformerBlock.forward, attention.shifted_window_attention), "04_shifted_windows"),
    "norm": Part(r"y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta", (functional.layer_norm,),
                 "01_transformer_and_vit"),
    "qkv": Part(r"(q, k, v) = x W^T + b", (attention.split_heads,), "03_window_attention"),
    "attention": Part(r"\mathrm{Attention}(Q, K, V) = \mathrm{SoftMax}(Q K^T / \sqrt{d} + B) V",
                      (attention.attention, attention.relative_position_bias, windows.shifted_window_mask),
                      "03_window_attention"),
    "proj": Part(r"y = x W^T + b", (attention.merge_heads, attention.WindowAttention.attend), "03_window_attention"),
    "fc1": Part(r"y = x W^T + b,\quad C \rightarrow 4C", (block.Mlp.forward,), "01_transformer_and_vit"),
    "act": Part(r"\mathrm{GELU}(x) = x \Phi(x)", (functional.gelu,), "01_transformer_and_vit"),
    "fc2": Part(r"y = x W^T + b,\quad 4C \rightarrow C", (block.Mlp.forward,), "01_transformer_and_vit"),
    "sum": Part(r"\hat{z}^l = \ldots + z^{l-1},\quad z^l = \ldots + \hat{z}^l", (block.SwinTransformerBlock.forward,),
                "04_shifted_windows"),
    "merging": Part(r"y = \mathrm{LN}(x) W^T,\quad 4C \rightarrow 2C",
                    (patches.patch_merging, patches.PatchMerging.forward), "02_patches_and_hierarchy"),
    "head": Part(r"y = \mathrm{mean}(\mathrm{LN}(z)) W^T + b",
                 (model.SwinTransformer.pool, model.SwinTransformer.classify), "08_the_whole_model"),
    "global": Part(r"\Omega(\mathrm{MSA}) = 4 h w C^2 + 2 (h w)^2 C", (complexity.msa_multiply_adds,), "06_complexity"),
    "window": Part(r"\Omega(\mathrm{W\text{-}MSA}) = 4 h w C^2 + 2 M^2 h w C", (complexity.window_msa_multiply_adds,),
                   "06_complexity"),
    "sliding": Part(r"\Omega = 4 h w C^2 + 2 M^2 h w C", (sliding_window.naive_key_value_bytes,), "04_shifted_windows"),
}
"""By the names that the page's scripts use."""

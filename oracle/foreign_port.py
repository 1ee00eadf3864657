"""A Swin as somebody else would port it: functions on a dictionary of tensors, pad then roll, every step replaceable.

It shares no code with the library, nor with the models of other libraries. `oracle.foreign_causes` puts one thing of it
wrong, `oracle.reduced_precision` lets it compute in another arithmetic.
"""

import re
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from swin_np import TORCHVISION, SwinConfig, SwinTransformer
from swin_np.functional import Array
from swin_np.layers import redraw

BLOCKS = r"layers\.\d\.blocks\.\d|output"
MAIN = BLOCKS + r"|patch_embed|layers\.\d\.downsample|.*\.(norm1|attn|norm2|mlp)|norm"
PATTERNS = {"logits": "output", "blocks": BLOCKS, "main": MAIN, "all": ".*"}
"""How much of the port is dumped: regular expressions of the names of the points."""


def tiny_model(seed: int, image_size: tuple[int, int] = (48, 64)) -> tuple[SwinTransformer, Array]:
    """The model whose weights the port takes, drawn large, and two images (2, 3, H, W).

    On 48x64 pixels the maps are 12x16, 6x8 (padded to 8x8) and 3x4 (less than a window of 4).
    """
    config = SwinConfig(image_size, num_classes=10, embed_dim=16, depths=(2, 2, 2), num_heads=(2, 4, 8),
                        window_size=4, shape_policy=TORCHVISION)
    model = SwinTransformer.random(config)
    redraw(model, seed)
    return model, np.random.default_rng(seed).standard_normal((2, 3, *image_size), np.float32)


class Port:
    """The network. Its methods are its steps: whoever makes a mistake replaces one of them on the instance.

    w: weights by official name. changes: (pattern of points, function of the tensor), made where a point is kept.
    Names: that of a block, `layers.0.blocks.1`, or of the layer.
    """

    def __init__(self, model: SwinTransformer):
        self.w = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in model.state_dict().items()}
        self.config, self.window = model.config, model.config.window(0)[0]
        self.changes: list[tuple[str, Callable[[Tensor], Tensor]]] = []
        self.kept: dict[str, Tensor] = {}

    @torch.inference_mode()
    def dump(self, images: Array, pattern: str = ".*") -> dict[str, Array]:
        """Run on images (B, 3, H, W): the points whose whole names fit the pattern."""
        self.kept = {}
        self.run(torch.from_numpy(images))
        return {name: np.array(value.numpy(), np.float32) for name, value in self.kept.items()
                if re.fullmatch(pattern, name)}

    def keep(self, name: str, x: Tensor) -> Tensor:
        for pattern, change in self.changes:
            if re.fullmatch(pattern, name):
                x = change(x)
        self.kept[name] = x
        return x

    def run(self, images: Tensor) -> Tensor:
        x = self.embed(images)
        for i, depth in enumerate(self.config.depths):
            for j in range(depth):
                name = f"layers.{i}.blocks.{j}"
                x = self.keep(name, self.block(name, x))
            if i < len(self.config.depths) - 1:
                x = self.keep(f"layers.{i}.downsample", self.merge(f"layers.{i}.downsample", x))
            self.keep(f"layers.{i}", x)
        x = self.pool(self.keep("norm", self.norm("norm", x)))
        return self.keep("output", self.keep("head", self.linear("head", x)))

    # --- layers

    def product(self, name: str, a: Tensor, b: Tensor) -> Tensor:
        """a b^T, the only product of matrices: of a layer (b its weight), of `name.scores`, of `name.values`."""
        return a @ b.mT

    def linear(self, name: str, x: Tensor) -> Tensor:
        y = self.product(name, x, self.w[f"{name}.weight"])
        return y + self.w[f"{name}.bias"] if f"{name}.bias" in self.w else y

    def eps(self, name: str) -> float:
        return 1e-5

    def norm(self, name: str, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        normalised = (x - mean) * torch.rsqrt(variance + self.eps(name))
        return torch.addcmul(self.w[f"{name}.bias"], normalised, self.w[f"{name}.weight"])

    def activation(self, name: str, x: Tensor) -> Tensor:
        return F.gelu(x)

    # --- the parts of the network

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, h, w, C)."""
        name = "patch_embed.proj"
        p = self.w[f"{name}.weight"].shape[-1]
        h, w = images.shape[2] // p, images.shape[3] // p
        patches = F.unfold(images, p, stride=p).mT     # (B, h w, 3 p^2)
        x = self.product(name, patches, self.w[f"{name}.weight"].flatten(1)) + self.w[f"{name}.bias"]
        x = self.keep(name, x.unflatten(1, (h, w)))
        return self.keep("patch_embed", self.keep("patch_embed.norm", self.norm("patch_embed.norm", x)))

    def block(self, name: str, x: Tensor) -> Tensor:
        x = self.add(name, x, self.attend(name, self.keep(f"{name}.norm1", self.norm(f"{name}.norm1", x))), "attn")
        y = self.keep(f"{name}.norm2", self.norm(f"{name}.norm2", x))
        return self.add(name, x, self.keep(f"{name}.mlp", self.mlp(name, y)), "mlp")

    def add(self, name: str, x: Tensor, branch: Tensor, which: str) -> Tensor:
        """The residual sum; which: "attn" or "mlp"."""
        return x + branch

    def mlp(self, name: str, x: Tensor) -> Tensor:
        hidden = self.keep(f"{name}.mlp.fc1", self.linear(f"{name}.mlp.fc1", x))
        return self.keep(f"{name}.mlp.fc2", self.linear(f"{name}.mlp.fc2", self.activation(name, hidden)))

    def merge(self, name: str, x: Tensor) -> Tensor:
        x = self.gather(self.pad(x, 2))
        return self.keep(f"{name}.reduction",
                         self.linear(f"{name}.reduction", self.keep(f"{name}.norm", self.norm(f"{name}.norm", x))))

    def gather(self, x: Tensor) -> Tensor:
        """(B, h, w, C) -> (B, h/2, w/2, 4C): the row's parity runs faster than the column's."""
        x = x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2))                # (B, h/2, 2, w/2, 2, C)
        return x.permute(0, 1, 3, 4, 2, 5).flatten(3)

    def pool(self, x: Tensor) -> Tensor:
        return x.mean((1, 2))

    # --- attention

    def shift(self, name: str, size: tuple[int, int]) -> tuple[int, int]:
        """By how much the windows of a block are displaced on a map of this size: not where one window covers it."""
        m = self.window
        return tuple(m // 2 if name.endswith("1") and side > m else 0 for side in size)

    def pad(self, x: Tensor, m: int) -> Tensor:
        """Zeros at the bottom and right, up to a multiple of m."""
        return F.pad(x, (0, 0, 0, -x.shape[2] % m, 0, -x.shape[1] % m))

    def crop(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        return x[:, :size[0], :size[1]]

    def attend(self, name: str, x: Tensor) -> Tensor:
        """(B, h, w, C) -> the same, of the normalised map."""
        m, size = self.window, tuple(x.shape[1:3])
        down, right = self.shift(name, size)
        x = self.pad(x, m).roll((-down, -right), (1, 2))
        b, h, w, c = x.shape
        windows = x.reshape(b, h // m, m, w // m, m, c).transpose(2, 3).reshape(-1, m, m, c)
        windows = self.keep(f"{name}.attn.windows", windows).flatten(1, 2)                   # (B nW, M^2, C)
        windows = self.attention(f"{name}.attn", windows, self.mask(name, b, (h, w), (down, right)))
        x = windows.reshape(b, h // m, w // m, m, m, c).transpose(2, 3).reshape(b, h, w, c)
        x = self.keep(f"{name}.attn.reversed", x).roll((down, right), (1, 2))
        return self.keep(f"{name}.attn.rolled_back", self.crop(x, size))

    def mask(self, name: str, batch: int, size: tuple[int, int], shift: tuple[int, int]) -> Tensor | None:
        """(B nW, 1, M^2, M^2): -100 where of two tokens only one was rolled around the edge, on either axis."""
        if not any(shift):
            return None
        m = self.window
        rows, columns = (torch.arange(side) >= side - by for side, by in zip(size, shift, strict=True))
        wrapped = rows[:, None] + 2 * columns[None]    # (h, w)
        wrapped = wrapped.unfold(0, m, m).unfold(1, m, m).reshape(-1, m * m)
        return torch.where(wrapped[:, :, None] == wrapped[:, None], 0.0, -100.0)[:, None].repeat(batch, 1, 1, 1)

    def bias(self, name: str) -> Tensor:
        """The relative position bias (heads, M^2, M^2)."""
        m = self.window
        table = self.w[f"{name}.relative_position_bias_table"].reshape(2 * m - 1, 2 * m - 1, -1)
        displacement = torch.arange(m)[:, None] - torch.arange(m) + m - 1
        by_pair = table[displacement[:, None, :, None], displacement[None, :, None, :]]      # (M, M, M, M, heads)
        return by_pair.reshape(m * m, m * m, -1).permute(2, 0, 1)

    def scores(self, name: str, q: Tensor, k: Tensor) -> Tensor:
        return self.product(f"{name}.scores", q, k) * q.shape[-1] ** -0.5

    def add_bias(self, name: str, scores: Tensor, q: Tensor) -> Tensor:
        return scores + self.bias(name)

    def softmax(self, name: str, scores: Tensor) -> Tensor:
        return scores.softmax(-1)

    def attention(self, name: str, windows: Tensor, mask: Tensor | None) -> Tensor:
        """(B nW, M^2, C) -> the same, after proj."""
        heads = self.config.num_heads[int(name.split(".")[1])]
        qkv = self.keep(f"{name}.qkv", self.linear(f"{name}.qkv", windows))
        q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, -1))
        q, k, v = (self.keep(f"{name}.{letter}", x) for letter, x in zip("qkv", (q, k, v), strict=True))
        scores = self.keep(f"{name}.scores", self.scores(name, q, k))
        scores = self.keep(f"{name}.scores_with_bias", self.add_bias(name, scores, q))
        if mask is not None:
            scores = self.keep(f"{name}.scores_with_mask", scores + mask)
        probabilities = self.keep(f"{name}.probabilities", self.softmax(name, scores))
        merged = self.product(f"{name}.values", probabilities, v.mT).transpose(1, 2).flatten(2)
        return self.keep(name, self.keep(f"{name}.proj", self.linear(f"{name}.proj", merged)))

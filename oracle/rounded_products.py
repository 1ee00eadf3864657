"""Any PyTorch model with the operands of its products rounded: what accelerators do below the framework."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

PRODUCTS = {torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm}


class RoundedProducts(TorchFunctionMode):
    """While it is in force both operands of linear layers, of products of matrices and of patch embeddings are rounded.

    rounding: a function of a tensor whose last axis is the one that is summed over.
    """

    def __init__(self, rounding: Callable[[Tensor], Tensor]):
        super().__init__()
        self.rounding = rounding

    def __torch_function__(self, function, types, arguments=(), options=None):
        with torch._C.DisableTorchFunction():
            if function is F.linear:
                x, weight, *rest = arguments
                return F.linear(self.rounding(x), self.rounding(weight), *rest, **(options or {}))
            if function in PRODUCTS:
                a, b = arguments
                return torch.matmul(self.rounding(a), self.rounding(b.mT).mT)
            if function in (F.conv2d, torch.conv2d):
                return self.patches(*arguments)
            return function(*arguments, **(options or {}))

    def patches(self, images: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int], *rest: object) -> Tensor:
        """A convolution whose stride is its kernel, as a product: (B, 3, H, W) -> (B, C, h, w)."""
        rows = F.unfold(images, tuple(stride), stride=tuple(stride)).mT                # (B, h w, 3 p^2)
        y = F.linear(self.rounding(rows), self.rounding(weight.flatten(1)), bias)
        return y.mT.unflatten(2, (images.shape[2] // stride[0], -1))

"""ResNet, ResNeXt and Res2Net in torch.nn.functional, from the papers' figures, on a state dict in official names."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812


def channels_first(x: np.ndarray) -> torch.Tensor:
    """(B, H, W, C) -> (B, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def channels_last(x: torch.Tensor) -> np.ndarray:
    """(B, C, H, W) -> (B, H, W, C)."""
    return np.moveaxis(x.numpy(), 1, -1)


class Network:
    """The layers of a state dict by name; `block` is what the stages consist of."""

    def __init__(self, state: dict[str, np.ndarray]):
        self.state = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}

    def conv(self, name, x, stride=1, groups=1):
        """A convolution that keeps the size of the map but for its stride."""
        weight = self.state[f"{name}.weight"]
        return F.conv2d(x, weight, None, stride, (weight.shape[-1] - 1) // 2, 1, groups)

    def norm(self, name, x):
        kept = (self.state[f"{name}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *kept, eps=1e-5)

    def shortcut(self, name, x, stride):
        if f"{name}.downsample.2.weight" in self.state:                 # v1b: a pooling comes first
            pooled = F.avg_pool2d(x, stride, stride, ceil_mode=True, count_include_pad=False)
            return self.norm(f"{name}.downsample.2", self.conv(f"{name}.downsample.1", pooled))
        if f"{name}.downsample.0.weight" in self.state:
            return self.norm(f"{name}.downsample.1", self.conv(f"{name}.downsample.0", x, stride))
        return x

    def resnet_block(self, name, x, stride, groups):
        if f"{name}.conv3.weight" not in self.state:
            y = F.relu(self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x, stride)))
            y = self.norm(f"{name}.bn2", self.conv(f"{name}.conv2", y))
        else:
            y = F.relu(self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x)))
            y = F.relu(self.norm(f"{name}.bn2", self.conv(f"{name}.conv2", y, stride, groups)))
            y = self.norm(f"{name}.bn3", self.conv(f"{name}.conv3", y))
        return F.relu(y + self.shortcut(name, x, stride))

    def res2net_block(self, name, x, stride, groups, first):
        """Eq. 1, with the code's order of splits; `first` of a stage."""
        y = F.relu(self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x)))
        width = self.state[f"{name}.bns.0.weight"].numel()
        *splits, last = torch.split(y, width, 1)
        outputs = []
        for k, split in enumerate(splits):
            seen = split + outputs[k - 1] if k > 0 and not first else split
            outputs.append(F.relu(self.norm(f"{name}.bns.{k}", self.conv(f"{name}.convs.{k}", seen, stride, groups))))
        outputs.append(F.avg_pool2d(last, 3, stride, 1) if first else last)
        y = self.norm(f"{name}.bn3", self.conv(f"{name}.conv3", torch.cat(outputs, 1)))
        return F.relu(y + self.shortcut(name, x, stride))

    def stem(self, x):
        if "conv1.0.weight" in self.state:
            x = F.relu(self.norm("conv1.1", self.conv("conv1.0", x, 2)))
            x = F.relu(self.norm("conv1.4", self.conv("conv1.3", x)))
            x = self.conv("conv1.6", x)
        else:
            x = self.conv("conv1", x, 2)
        return F.max_pool2d(F.relu(self.norm("bn1", x)), 3, 2, 1)

    def forward(self, images: torch.Tensor, layers, groups: int) -> tuple[list[torch.Tensor], torch.Tensor]:
        """The four maps (B, C, h, w) and the logits."""
        x, maps = self.stem(images), []
        for stage, depth in enumerate(layers):
            for j in range(depth):
                name, stride = f"layer{stage + 1}.{j}", 2 if stage > 0 and j == 0 else 1
                if f"{name}.convs.0.weight" in self.state:
                    x = self.res2net_block(name, x, stride, groups, j == 0)
                else:
                    x = self.resnet_block(name, x, stride, groups)
            maps.append(x)
        return maps, F.linear(x.mean((2, 3)), self.state["fc.weight"], self.state["fc.bias"])

    @torch.inference_mode()
    def outputs(self, images: np.ndarray, layers, groups: int) -> tuple[list[np.ndarray], np.ndarray]:
        """The four maps (B, h, w, C) and the logits."""
        maps, logits = self.forward(torch.from_numpy(images), layers, groups)
        return [channels_last(x) for x in maps], logits.numpy()

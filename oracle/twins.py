"""The PyTorch model with the weights of ours, for every system that is timed, and for tests of ViT.

Swin's is in oracle.py. ViT, DeiT and ResNet are those of transformers, which has neither ResNeXt nor Res2Net; those are
assembled from torch.nn.functional (torch_layers.py). torch and transformers are imported where they are needed.
"""

from dataclasses import dataclass
from functools import singledispatch
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from swin_np.baselines.resnet import ResNet, ResNetConfig
from swin_np.baselines.vit import VisionTransformer
from swin_np.checkpoints.dialects.resnet import RESNET_DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.checkpoints.dialects.vit import VIT_DIALECTS
from swin_np.functional import Array
from swin_np.layers import Module, redraw
from swin_np.model import SwinTransformer
from swin_np.shape_policy import TRANSFORMERS
from swin_np.systems.registry import SYSTEMS, architecture_of, for_image_size

if TYPE_CHECKING:
    from oracle.torch_layers import Network

Twin = Any                                             # called with a tensor it gives what has `logits`


def redrawn_system(name: str, size: int, seed: int = 0) -> Module:
    """One of all systems for images of this side, its weights drawn large; a Swin pads as transformers does."""
    config = for_image_size(SYSTEMS[name], size, TRANSFORMERS)
    model = architecture_of(config).model.random(config)
    redraw(model, seed)
    return model


@singledispatch
def torch_twin(model: Module, attention: str) -> Twin:
    """The same function in PyTorch and float32; attention is "eager" or "sdpa", where the system has any."""
    raise TypeError(f"there is no PyTorch twin of a {type(model).__name__}")


@torch_twin.register
def swin_twin(model: SwinTransformer, attention: str) -> Twin:
    """See oracle.py."""
    import torch

    from oracle import swin_twin as oracle

    return oracle.torch_twin(model, torch.float32, attention)


@torch_twin.register
def vit_twin(model: VisionTransformer, attention: str = "sdpa") -> Twin:
    """A ViT, or for a distilled model a DeiT, in the model's dtype; "eager" attention has a softmax in float32."""
    import transformers

    config, kind = model.config, "DeiT" if model.config.distilled else "ViT"
    two_heads = config.read_tokens == 2
    dialect = "transformers" + ("-deit" + ("" if two_heads else "-one-head") if config.distilled else "")
    height, width = config.patch_size
    settings = getattr(transformers, f"{kind}Config")(
        image_size=config.img_size, num_channels=config.in_chans,
        patch_size=height if height == width else config.patch_size,    # only one number can be interpolated
        num_labels=config.num_classes, hidden_size=config.embed_dim, num_hidden_layers=config.depth,
        num_attention_heads=config.num_heads, intermediate_size=config.hidden, qkv_bias=config.qkv_bias,
        layer_norm_eps=config.eps, attn_implementation=attention)
    twin = getattr(transformers, f"{kind}ForImageClassification{'WithTeacher' if two_heads else ''}")(settings)
    return loaded(twin, from_official(model.state_dict(), VIT_DIALECTS[dialect]))


@torch_twin.register
def resnet_twin(model: ResNet, attention: str) -> Twin:
    """A plain ResNet by transformers, a ResNeXt or Res2Net assembled."""
    config = model.config
    if type(config) is not ResNetConfig or (config.cardinality, config.base_width) != (1, 64):
        from oracle.torch_layers import Network

        return Assembled(Network(model.state_dict()), config.layers, config.cardinality)
    import transformers

    twin = transformers.ResNetForImageClassification(transformers.ResNetConfig(
        num_channels=config.in_chans, embedding_size=config.inplanes, layer_type=config.block,
        hidden_sizes=[config.channels(stage) for stage in range(4)], depths=list(config.layers),
        num_labels=config.num_classes))
    return loaded(twin, from_official(model.state_dict(), RESNET_DIALECTS["transformers"]))


def loaded(twin: Twin, state: dict[str, Array]) -> Twin:
    """The model with this state in its dtype, loaded strictly, in evaluation mode."""
    import torch

    tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    twin.to(next(iter(tensors.values())).dtype).load_state_dict(tensors, strict=True)
    return twin.eval()


@dataclass
class Assembled:
    """A network of functions, called as a model of transformers is."""

    network: "Network"
    layers: tuple[int, ...]
    groups: int

    def __call__(self, images: Any) -> SimpleNamespace:
        return SimpleNamespace(logits=self.network.forward(images, self.layers, self.groups)[1])

"""FPN on a backbone: images to maps of one width at every size, as the detectors of the paper's section 4.2 take."""

from dataclasses import dataclass

import numpy as np

from swin_np.arguments.image_batches import finite
from swin_np.arguments.names import check_name
from swin_np.baselines.res2net import RES2NET_VARIANTS
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.chain import Step
from swin_np.dense.backbones import DenseConfig, DenseModel, random_backbone
from swin_np.dense.fpn import EXTRA_LEVELS, FPN
from swin_np.functional import Array
from swin_np.variants import VARIANTS


@dataclass(frozen=True)
class FPNConfig(DenseConfig):
    """A backbone and an FPN of `channels` channels; extra: one of EXTRA_LEVELS, what follows the coarsest map.

    Raises ConfigurationError for values that no model can have.
    """

    channels: int = 256
    extra: str = "pool"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name("extra levels", self.extra, EXTRA_LEVELS)


FPN_VARIANTS = {
    "fpn_swin_t": FPNConfig(VARIANTS["swin_t"]),
    "fpn_swin_s": FPNConfig(VARIANTS["swin_s"]),
    "fpn_resnet_50": FPNConfig(RESNET_VARIANTS["resnet_50"]),
    "fpn_resnet_101": FPNConfig(RESNET_VARIANTS["resnet_101"]),
    "fpn_res2net_50_26w_4s": FPNConfig(RES2NET_VARIANTS["res2net_50_26w_4s"]),
}
"""256 channels and a pooled fifth level, as in Lin et al.'s section 4 and in the detectors of the Swin paper."""


@dataclass(eq=False, repr=False)
class FeaturePyramid(DenseModel):
    """Images (B, 3, H, W) to levels (B, h, w, channels), the finest first: one for each map, and the extra ones."""

    fpn: FPN
    config: FPNConfig

    @classmethod
    def random(cls, config: FPNConfig, seed: int | None = 0, dtype: type = np.float32) -> "FeaturePyramid":
        """A model with initial weights drawn from `seed`, the same in either dtype; seed None: placeholders."""
        fpn = FPN.random(config.map_channels, config.channels, config.extra, seed)
        model = cls(*random_backbone(config, seed), fpn, config)
        return model if dtype == np.float32 else model.astype(dtype)

    @finite
    def forward(self, images: Array) -> list[Array]:
        return self.fpn(self.feature_maps(images))

    def chain(self) -> list[Step]:
        """The backbone's maps, then the pyramid's levels."""
        maps: list[Array] = []
        return [*self.map_chain(maps), *self.fpn.chain(maps)]

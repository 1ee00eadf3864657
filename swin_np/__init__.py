"""Swin Transformer (Liu et al., ICCV 2021) in NumPy, forward only; the modules follow the paper's sections."""

from swin_np.checkpoints.loading import load
from swin_np.crosscheck.record import edit, trace
from swin_np.errors import (
    CheckpointError,
    ConfigurationError,
    InputError,
    ShapeError,
    StateDictError,
    SwinError,
    SwinWarning,
)
from swin_np.model import SwinTransformer
from swin_np.parallel.pool import threads
from swin_np.shape_policy import (
    MICROSOFT,
    MMDETECTION,
    SHAPE_POLICIES,
    TIMM,
    TORCHVISION,
    TRANSFORMERS,
    TRANSFORMERS_BACKBONE,
    ShapePolicy,
)
from swin_np.systems.registry import SYSTEMS, build
from swin_np.variants import VARIANTS, SwinConfig

__version__ = "0.1.0"

__all__ = [
    "MICROSOFT", "MMDETECTION", "SHAPE_POLICIES", "SYSTEMS", "TIMM", "TORCHVISION", "TRANSFORMERS",
    "TRANSFORMERS_BACKBONE", "VARIANTS",
    "CheckpointError", "ConfigurationError", "InputError", "ShapeError", "ShapePolicy", "StateDictError", "SwinConfig",
    "SwinError", "SwinTransformer", "SwinWarning", "build", "edit", "load", "threads", "trace",
]

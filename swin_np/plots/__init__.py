"""The figures: each a function that takes model data and returns a matplotlib Figure, computed by the library."""

from swin_np.plots.architecture import architecture
from swin_np.plots.attention_on_image import attention_on_image, rollout_by_stage
from swin_np.plots.class_maps import class_maps_on_image
from swin_np.plots.complexity import complexity_curve
from swin_np.plots.cyclic_shift import cyclic_shift_animation, cyclic_shift_frames
from swin_np.plots.depth import error_by_depth
from swin_np.plots.gallery import FIGURES, alt_text, save_all
from swin_np.plots.hierarchy import hierarchy_beside_vit
from swin_np.plots.mask_error import error_without_the_mask
from swin_np.plots.masks import four_kinds_of_mask
from swin_np.plots.partition import window_partition_in_memory
from swin_np.plots.patches import patch_embedding, patch_merging_order
from swin_np.plots.receptive_field import receptive_field_by_block
from swin_np.plots.regions import nine_regions
from swin_np.plots.relative_position import bias_lookup, relative_position_steps
from swin_np.plots.res2net import res2net_ladder
from swin_np.plots.saving import save
from swin_np.plots.sliding import shifted_not_sliding
from swin_np.plots.spread import error_through_stages, pixel_through_stages
from swin_np.plots.windows import regular_and_shifted_windows, windows_on_photograph

__all__ = [
    "FIGURES", "alt_text", "architecture", "attention_on_image", "bias_lookup", "class_maps_on_image",
    "complexity_curve", "cyclic_shift_animation", "cyclic_shift_frames", "error_by_depth", "error_through_stages",
    "error_without_the_mask", "four_kinds_of_mask", "hierarchy_beside_vit", "nine_regions", "patch_embedding",
    "patch_merging_order", "pixel_through_stages", "receptive_field_by_block", "regular_and_shifted_windows",
    "relative_position_steps", "res2net_ladder", "rollout_by_stage", "save", "save_all", "shifted_not_sliding",
    "window_partition_in_memory", "windows_on_photograph",
]

"""What a model looks at, forward only: attention on the image, rollout, class maps, one pixel through all stages."""

from swin_np.attribution.ablation import ablation_map, class_activation_map
from swin_np.attribution.attention_maps import BlockAttention, attention_of, attentions, in_words, window_tokens
from swin_np.attribution.occlusion import by_pixel, mean_colour, occlusion
from swin_np.attribution.rollout import Rollout, rollout
from swin_np.attribution.spread import error_by_map, follow, reach, reach_by_map

__all__ = [
    "BlockAttention", "Rollout", "ablation_map", "attention_of", "attentions", "by_pixel", "class_activation_map",
    "error_by_map", "follow", "in_words", "mean_colour", "occlusion", "reach", "reach_by_map", "rollout",
    "window_tokens",
]

"""Section 4, Tables 1 to 6 and 8: what the paper reports, copied from it row by row; nothing here is computed.

Parameters are in millions, multiply-adds ("FLOPs" there) in G, speeds in images or frames a second on a V100.
Of Table 1 the rows of Transformers are here, of Table 2 those that compare backbones in one framework.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Classifier:
    """A row of Table 1, ImageNet-1K; `system` is its name in swin_np.SYSTEMS, `side` that of the image in pixels."""

    name: str
    family: str
    system: str
    pretraining: str
    side: int
    parameters: float
    multiply_adds: float
    images_per_second: float
    top_1: float


@dataclass(frozen=True)
class Detector:
    """A row of Table 2, COCO: a backbone in Cascade Mask R-CNN, 3x schedule."""

    name: str
    family: str
    box_ap: float
    mask_ap: float
    parameters: float
    multiply_adds: float
    frames_per_second: float


@dataclass(frozen=True)
class Segmenter:
    """A row of Table 3, ADE20K validation: a backbone under UPerNet."""

    name: str
    family: str
    pretraining: str
    miou: float
    parameters: float
    multiply_adds: float
    frames_per_second: float


@dataclass(frozen=True)
class AttentionSpeed:
    """A row of Table 5: milliseconds of the attention in stages 1 to 4, and images a second of Swin-T, S and B."""

    name: str
    milliseconds: tuple[float, float, float, float]
    images_per_second: tuple[float, float, float]


FIRST, LARGER = "ImageNet-1K", "ImageNet-22K"

TABLE_1 = (
    Classifier("ViT-B/16 384", "ViT", "vit_b_16_384", FIRST, 384, 86, 55.4, 85.9, 77.9),
    Classifier("DeiT-S", "DeiT", "deit_s", FIRST, 224, 22, 4.6, 940.4, 79.8),
    Classifier("DeiT-B", "DeiT", "deit_b", FIRST, 224, 86, 17.5, 292.3, 81.8),
    Classifier("DeiT-B 384", "DeiT", "deit_b_384", FIRST, 384, 86, 55.4, 85.9, 83.1),
    Classifier("Swin-T", "Swin", "swin_t", FIRST, 224, 29, 4.5, 755.2, 81.3),
    Classifier("Swin-S", "Swin", "swin_s", FIRST, 224, 50, 8.7, 436.9, 83.0),
    Classifier("Swin-B", "Swin", "swin_b", FIRST, 224, 88, 15.4, 278.1, 83.5),
    Classifier("Swin-B 384", "Swin", "swin_b_384", FIRST, 384, 88, 47.0, 84.7, 84.5),
    Classifier("ViT-B/16 384", "ViT", "vit_b_16_384", LARGER, 384, 86, 55.4, 85.9, 84.0),
    Classifier("ViT-L/16 384", "ViT", "vit_l_16_384", LARGER, 384, 307, 190.7, 27.3, 85.2),
    Classifier("Swin-B", "Swin", "swin_b", LARGER, 224, 88, 15.4, 278.1, 85.2),
    Classifier("Swin-B 384", "Swin", "swin_b_384", LARGER, 384, 88, 47.0, 84.7, 86.4),
    Classifier("Swin-L 384", "Swin", "swin_l_384", LARGER, 384, 197, 103.9, 42.1, 87.3),
)

TABLE_2 = (
    Detector("DeiT-S", "DeiT", 48.0, 41.4, 80, 889, 10.4),
    Detector("R-50", "ResNet", 46.3, 40.1, 82, 739, 18.0),
    Detector("Swin-T", "Swin", 50.5, 43.7, 86, 745, 15.3),
    Detector("X101-32", "ResNet", 48.1, 41.6, 101, 819, 12.8),
    Detector("Swin-S", "Swin", 51.8, 44.7, 107, 838, 12.0),
    Detector("X101-64", "ResNet", 48.3, 41.7, 140, 972, 10.4),
    Detector("Swin-B", "Swin", 51.9, 45.0, 145, 982, 11.6),
)
"""X101 is ResNeXt-101; DeiT-S has deconvolution layers for the finer maps."""

TABLE_2_FRAMEWORKS = {"Cascade Mask R-CNN": (46.3, 50.5), "ATSS": (43.5, 47.2), "RepPoints V2": (46.5, 50.0),
                      "Sparse R-CNN": (44.5, 47.9)}
"""Box AP with R-50 and with Swin-T."""

TABLE_2_SYSTEM = {"Swin-L, HTC++, multi-scale testing": (58.7, 51.1)}
"""The best system: box and mask AP on COCO test-dev."""

TABLE_3 = (
    Segmenter("DeiT-S", "DeiT", FIRST, 44.0, 52, 1099, 16.2),
    Segmenter("Swin-T", "Swin", FIRST, 46.1, 60, 945, 18.5),
    Segmenter("Swin-S", "Swin", FIRST, 49.3, 81, 1038, 15.2),
    Segmenter("Swin-B", "Swin", LARGER, 51.6, 121, 1841, 8.7),
    Segmenter("Swin-L", "Swin", LARGER, 53.5, 234, 3230, 6.2),
)
"""DeiT-S has deconvolution layers for the finer maps."""

METRICS = ("top-1", "top-5", "box AP", "mask AP", "mIoU")
"""The columns of Tables 4 and 6: ImageNet twice, COCO twice, ADE20K."""

TABLE_4 = {
    "without shift": (80.2, 95.1, 47.7, 41.5, 43.3),
    "shift, relative bias": (81.3, 95.6, 50.5, 43.7, 46.1),
    "no position": (80.1, 94.9, 49.2, 42.6, 43.8),
    "absolute": (80.5, 95.2, 49.0, 42.4, 43.2),
    "absolute + relative": (81.3, 95.6, 50.2, 43.4, 44.0),
    "relative without appearance": (79.3, 94.7, 48.2, 41.9, 44.1),
}
"""Swin-T by METRICS; the rows on position have the shift, and "without shift" the relative bias."""

TABLE_5 = (
    AttentionSpeed("sliding window, naive", (122.5, 38.3, 12.1, 7.6), (183, 109, 77)),
    AttentionSpeed("sliding window, kernel", (7.6, 4.7, 2.7, 1.8), (488, 283, 187)),
    AttentionSpeed("Performer", (4.8, 2.8, 1.8, 1.5), (638, 370, 241)),
    AttentionSpeed("window, no shift", (2.8, 1.7, 1.2, 0.9), (770, 444, 280)),
    AttentionSpeed("shifted by padding", (3.3, 2.3, 1.9, 2.2), (670, 371, 236)),
    AttentionSpeed("shifted, cyclic", (3.0, 1.9, 1.3, 1.0), (755, 437, 278)),
)

TABLE_6 = {
    "sliding window": (81.4, 95.6, 50.2, 43.5, 45.8),
    "Performer": (79.0, 94.2, None, None, None),
    "shifted window": (81.3, 95.6, 50.5, 43.7, 46.1),
}
"""Swin-T by METRICS; None where the paper has no number."""

TABLE_8 = {"Swin-T": ((224, 755.2, 81.3), (384, 219.5, 82.2)), "Swin-B": ((224, 278.1, 83.3), (384, 84.7, 84.5))}
"""Side of the image in pixels, images a second, top-1."""

OFFICIAL_TOP_1 = {"Swin-T": 81.2, "Swin-S": 83.2, "Swin-B": 83.5}
"""What the official repository lists for the same models, at 224 pixels."""

RECIPE = {
    "optimiser": "AdamW, weight decay 0.05", "epochs": "300, of which 20 of linear warm-up",
    "learning rate": "0.001 for a batch of 1024, cosine decay",
    "augmentation": "that of DeiT, but for repeated augmentation and the mean of weights (EMA)",
    "stochastic depth": "0.2 for T, 0.3 for S, 0.5 for B",
}
"""Section 4.1: how the models of Table 1 were trained on ImageNet-1K."""

RECIPE_DENSE = {"COCO": "3x schedule, multi-scale training, AdamW with learning rate 0.0001",
                "ADE20K": "160 000 iterations, AdamW with learning rate 0.00006"}
"""Sections 4.2 and 4.3."""

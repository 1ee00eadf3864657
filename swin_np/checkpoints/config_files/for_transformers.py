"""What transformers reads beside its weights: the config.json and preprocessor_config.json of a model here."""

from collections.abc import Iterator

from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.config_files.preprocessing import RESAMPLINGS
from swin_np.dense.backbones import BackboneConfig, DenseConfig
from swin_np.dense.segmentation import UPerNetConfig
from swin_np.dense.upernet import POOL_SCALES
from swin_np.functional import pair
from swin_np.layers import LayerNorm
from swin_np.preprocessing.presets import Preset
from swin_np.systems.registry import Config
from swin_np.variants import SwinConfig

Json = dict[str, object]


def configuration(config: Config, eps: float | None, names: tuple[str, ...] | None) -> Json:
    """The content of config.json, whose first architecture is the class that has the tensors and no others.

    eps: of a Swin's norms in the blocks and the last one, None for the usual one. names: of the classes, if known.
    """
    if isinstance(config, UPerNetConfig):
        entries = {"model_type": "upernet", "architectures": ["UperNetForSemanticSegmentation"],
                   "backbone_config": of_backbone(config, eps),
                   "hidden_size": config.channels, "pool_scales": list(POOL_SCALES), "use_auxiliary_head": False}
    elif isinstance(config, BackboneConfig):
        return of_backbone(config, eps)
    elif isinstance(config, SwinConfig):
        version = "v2" if isinstance(config, SwinV2Config) else ""
        entries = {"architectures": [f"Swin{version}ForImageClassification"], **of_swin(config, eps)}
    else:
        entries = (of_vit if isinstance(config, ViTConfig) else of_resnet)(config)
    return entries | labels(config.num_classes, names)


def of_swin(config: SwinConfig, eps: float | None) -> Json:
    """The entries of a Swin Transformer or its V2, which are also those of a backbone."""
    entries: Json = {
        "model_type": "swin", "image_size": sides(config.img_size), "patch_size": sides(config.patch_size),
        "num_channels": config.in_chans, "embed_dim": config.embed_dim, "depths": list(config.depths),
        "num_heads": list(config.num_heads), "window_size": pair(config.window_size)[0],
        "mlp_ratio": float(config.mlp_ratio), "qkv_bias": config.qkv_bias, "use_absolute_embeddings": config.ape,
        "hidden_act": "gelu", "layer_norm_eps": LayerNorm.eps if eps is None else eps}
    if isinstance(config, SwinV2Config):
        sizes = config.pretrained_window_sizes or (0,) * len(config.depths)
        entries |= {"model_type": "swinv2", "pretrained_window_sizes": list(sizes)}
    return entries


def of_backbone(config: DenseConfig, eps: float | None) -> Json:
    """The entries of a Swin Transformer's or its V2's backbone; of the first version without norms, Donut's encoder."""
    entries, v2 = of_swin(config.backbone, eps), isinstance(config.backbone, SwinV2Config)
    if not v2 and not config.normalised_stages:
        return {**entries, "model_type": "donut-swin", "architectures": ["DonutSwinModel"]}
    stages = range(len(config.map_channels)) if v2 else config.normalised_stages
    return {**entries, "architectures": [f"Swin{'v2' * v2}Backbone"],
            "out_features": [f"stage{stage + 1}" for stage in stages]}


def of_vit(config: ViTConfig) -> Json:
    """The entries of a ViT, or of a DeiT with a head for either of its tokens or one for the class token."""
    kind = "DeiT" if config.distilled else "ViT"
    teacher = "WithTeacher" if config.read_tokens == 2 else ""
    return {
        "model_type": kind.lower(), "architectures": [f"{kind}ForImageClassification{teacher}"],
        "image_size": sides(config.img_size), "patch_size": sides(config.patch_size), "num_channels": config.in_chans,
        "hidden_size": config.embed_dim, "num_hidden_layers": config.depth, "num_attention_heads": config.num_heads,
        "intermediate_size": config.hidden, "qkv_bias": config.qkv_bias, "hidden_act": "gelu",
        "layer_norm_eps": config.eps}


def of_resnet(config: ResNetConfig) -> Json:
    """The entries of a ResNet."""
    return {
        "model_type": "resnet", "architectures": ["ResNetForImageClassification"], "num_channels": config.in_chans,
        "embedding_size": config.inplanes, "hidden_sizes": [config.channels(stage) for stage in range(4)],
        "depths": list(config.layers), "layer_type": config.block, "hidden_act": "relu",
        "downsample_in_first_stage": False, "downsample_in_bottleneck": False}


def sides(size: int | tuple[int, int]) -> int | list[int]:
    """One number for a square, else height and width."""
    height, width = pair(size)
    return height if height == width else [height, width]


def labels(classes: int, names: tuple[str, ...] | None) -> Json:
    """The classes by name, or their number."""
    if names is None:
        return {"num_labels": classes}
    return {"id2label": {str(number): name for number, name in enumerate(names)},
            "label2id": {name: number for number, name in enumerate(names)}}


def preprocessors(preset: Preset) -> Iterator[Json]:
    """Contents of preprocessor_config.json, one for each kind of image processor that may do what the preset does."""
    shared = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
              "resample": RESAMPLINGS.index(preset.filter), "image_mean": list(preset.mean),
              "image_std": list(preset.std)}
    crop = pair(preset.crop)
    if isinstance(preset.resize, int):
        yield {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": crop[0]},
               "crop_pct": crop[0] / preset.resize, **shared}
        return
    height, width = preset.resize
    size = {"height": height, "width": width}
    yield {"image_processor_type": "ViTImageProcessor", "size": size, **shared}
    yield {"image_processor_type": "DeiTImageProcessor", "size": size, "do_center_crop": True,
           "crop_size": {"height": crop[0], "width": crop[1]}, **shared}

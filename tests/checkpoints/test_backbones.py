"""Models with a Swin Transformer inside, saved by the libraries themselves; detectors' files by names spelt out here.

The maps are compared with the library's own in float64. Whether a library gives logits, maps or tokens, all of its
files are read: from its folder, and from a state dict in memory under further prefixes.
"""

import pickle
import re
import warnings

import numpy as np
import pytest

import swin_np
from swin_np.checkpoints.dialects.dense import SWIN_BACKBONES
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.commands.cli import main
from swin_np.dense.backbones import Backbone, BackboneConfig
from swin_np.errors import CheckpointError, SwinWarning
from tests.matching import MODEL_TOLERANCE, assert_matches

pytest.importorskip("torchvision")
from oracle import libraries  # noqa: F401

torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
timm = pytest.importorskip("timm")

STAGES = ["stage1", "stage2", "stage3", "stage4"]
SIZES = {"embed_dim": 8, "depths": [1, 2, 2, 1], "num_heads": [1, 2, 2, 4], "window_size": 4, "image_size": 64,
         "patch_size": 2}
VERSIONS = {"": "Swin", "v2": "Swinv2"}


def drawn(model):
    """Large random weights, float64."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                draw = torch.randn(value.shape, generator=generator) * 0.3
                value.copy_(draw.abs() + 0.7 if value.ndim == 1 else draw)
    return model.double().eval()


def of_version(version: str, **changes):
    return getattr(transformers, f"{VERSIONS[version]}Config")(**SIZES | changes)


def detr() -> dict:
    return transformers.DetrConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, use_pretrained_backbone=False)


def maskformer(backbone):
    return transformers.MaskFormerModel(transformers.MaskFormerConfig(
        backbone_config=backbone, fpn_feature_size=32, mask_feature_size=32, decoder_config=detr()))


def mask2former(backbone):
    return transformers.Mask2FormerModel(transformers.Mask2FormerConfig(
        backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_layers=1,
        decoder_layers=1, num_attention_heads=2, dim_feedforward=16, encoder_feedforward_dim=16))


def oneformer(backbone):
    return transformers.OneFormerModel(transformers.OneFormerConfig(
        backbone_config=backbone, conv_dim=32, mask_dim=32, hidden_dim=32, encoder_layers=1, decoder_layers=2,
        num_attention_heads=2, dim_feedforward=16, encoder_feedforward_dim=16, text_encoder_width=32,
        text_encoder_num_layers=1))


def saved(model, tmp_path, how: str):
    """The model's folder, or a file of its state dict in memory under a prefix and a wrapper."""
    if how == "folder":
        model.save_pretrained(tmp_path / "model")
        return tmp_path / "model"
    if how == "shards":
        model.save_pretrained(tmp_path / "model", max_shard_size="20KB")
        assert len(list((tmp_path / "model").glob("*.safetensors"))) > 1
        return tmp_path / "model"
    torch.save({"state_dict": {f"module.{name}": value for name, value in model.state_dict().items()}, "epoch": 2},
               tmp_path / "model.pth")
    return tmp_path / "model.pth"


def loaded(path, version: str, **given):
    """In float64; what a V2's file without config.json does not tell is given."""
    if version and path.suffix:
        given = {"window_size": 4, "pretrained_window_sizes": 0, "image_size": 64} | given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SwinWarning)
        return swin_np.load(path, dtype=np.float64, **given)


def images(version: str = "", seed: int = 3):
    """Oblong for the first version; transformers' V2 has windows of its own on oblong maps, which are refused."""
    size = (64, 64) if version else (64, 96)
    return torch.randn(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def as_ours(maps) -> list[np.ndarray]:
    return [value.permute(0, 2, 3, 1).numpy() for value in maps]


def assert_same_maps(model, theirs, batch) -> None:
    ours = model.feature_maps(batch.numpy())
    assert len(ours) == 4
    for one, other in zip(ours[-len(theirs):], theirs, strict=True):
        assert_matches(one, other, MODEL_TOLERANCE)


how = pytest.mark.parametrize("how", ["folder", "memory"])
version = pytest.mark.parametrize("version", VERSIONS)


@version
@pytest.mark.parametrize("how", ["folder", "memory", "shards"])
@pytest.mark.parametrize("kind", ["Model", "ForImageClassification", "ForMaskedImageModeling"])
def test_what_transformers_calls_swin_gives_its_tokens_and_logits(kind, how, version, tmp_path):
    model = drawn(getattr(transformers, VERSIONS[version] + kind)(of_version(version, num_labels=5)))
    ours, batch = loaded(saved(model, tmp_path, how), version), images(version)
    with torch.no_grad():
        inner = getattr(model, f"swin{version}", model)
        assert_matches(ours.features(batch.numpy()), inner(batch).last_hidden_state.mean(1).numpy(), MODEL_TOLERANCE)
        if kind == "ForImageClassification":
            assert_matches(ours(batch.numpy()), model(batch).logits.numpy(), MODEL_TOLERANCE)
        else:
            assert ours.config.num_classes == 0


@version
@how
@pytest.mark.parametrize("taken", [STAGES, STAGES[1:], STAGES[-1:], [STAGES[0], STAGES[2]]], ids="".join)
def test_a_backbone_of_transformers_gives_its_maps_with_the_norms_that_it_has(taken, how, version, tmp_path):
    model = drawn(getattr(transformers, f"{VERSIONS[version]}Backbone")(of_version(version, out_features=taken)))
    ours, batch = loaded(saved(model, tmp_path, how), version), images(version)
    assert isinstance(ours, Backbone)
    with torch.no_grad():
        theirs = as_ours(model(batch).feature_maps)
    maps = [ours.feature_maps(batch.numpy())[STAGES.index(stage)] for stage in taken]
    for one, other in zip(maps, theirs, strict=True):
        assert_matches(one, other, MODEL_TOLERANCE)
    assert ours.config.normalised_stages == (() if version else tuple(map(STAGES.index, taken)))


@version
@how
@pytest.mark.parametrize("kind", [maskformer, mask2former, oneformer])
def test_the_backbone_of_a_segmenter_of_transformers_is_found_inside_it(kind, how, version, tmp_path):
    model = drawn(kind(of_version(version, out_features=STAGES)))
    ours, batch = loaded(saved(model, tmp_path, how), version), images(version)
    with torch.no_grad():
        theirs = as_ours(model.pixel_level_module.encoder(batch).feature_maps)
    assert_same_maps(ours, theirs, batch)


@version
@how
def test_a_upernet_is_read_whole_and_its_backbone_alone(how, version, tmp_path):
    model = drawn(transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=of_version(version, out_features=STAGES), hidden_size=16, auxiliary_channels=8,
        auxiliary_in_channels=32, num_labels=5)))
    path, batch = saved(model, tmp_path, how), images(version)
    with torch.no_grad():
        assert_matches(loaded(path, version)(batch.numpy()), model(batch).logits.numpy(), MODEL_TOLERANCE)
        theirs = as_ours(model.backbone(batch).feature_maps)
    assert_same_maps(loaded(path, version, part="backbone"), theirs, batch)


@how
def test_the_encoder_of_donut_has_no_last_norm(how, tmp_path):
    from transformers.models.donut.configuration_donut_swin import DonutSwinConfig
    from transformers.models.donut.modeling_donut_swin import DonutSwinModel

    model = drawn(DonutSwinModel(DonutSwinConfig(**SIZES | {"depths": [1, 2, 2, 2]})))         # 4x6: one window high
    ours, batch = loaded(saved(model, tmp_path, how), ""), images()
    with torch.no_grad():
        theirs = model(batch).last_hidden_state.numpy()
    assert_matches(ours.feature_maps(batch.numpy())[-1].reshape(theirs.shape), theirs, MODEL_TOLERANCE)


def test_the_encoder_of_a_vision_encoder_decoder_is_found_with_its_configuration(tmp_path):
    from transformers.models.donut.configuration_donut_swin import DonutSwinConfig

    decoder = transformers.MBartConfig(vocab_size=20, d_model=16, decoder_layers=1, encoder_layers=1,
                                       decoder_attention_heads=2, decoder_ffn_dim=16, is_decoder=True,
                                       add_cross_attention=True)
    configuration = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        DonutSwinConfig(**SIZES | {"image_size": [64, 96]}), decoder)
    model = drawn(transformers.VisionEncoderDecoderModel(configuration))
    path, batch = saved(model, tmp_path, "folder"), images()
    with pytest.warns(SwinWarning, match="Left aside 'decoder'"):
        ours = swin_np.load(path, dtype=np.float64)
    assert ours.config.backbone.img_size == (64, 96)
    with torch.no_grad():
        theirs = model.encoder(batch).last_hidden_state.numpy()
    assert_matches(ours.feature_maps(batch.numpy())[-1].reshape(theirs.shape), theirs, MODEL_TOLERANCE)


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256"])
def test_a_model_of_timm_that_gives_features_only_gives_the_same_ones(name, tmp_path):
    model = drawn(timm.create_model(name, features_only=True, embed_dim=8, depths=(1, 2, 2, 1), window_size=4,
                                    num_heads=(1, 2, 2, 4), img_size=(64, 96)))
    torch.save(model.state_dict(), tmp_path / "features.pth")
    given = {"window_size": 4, "pretrained_window_sizes": 0} if "v2" in name else {}
    ours, batch = loaded(tmp_path / "features.pth", "", image_size=(64, 96), **given), images()
    with torch.no_grad():
        theirs = [value.numpy() for value in model(batch)]              # (B, h, w, C)
    assert_same_maps(ours, theirs, batch)


# Detectors and segmenters of the mmdetection, Swin-Object-Detection and detectron2 kind.


def in_official_names(state: dict) -> dict:
    """transformers' backbone in memory by the names of Swin-Transformer-Object-Detection, spelt out here once more."""
    renamed: dict = {}
    for name, value in state.items():
        name = re.sub(r"^(swin|model)\.", "", name)
        name = re.sub(r"^hidden_states_norms\.stage(\d)", lambda found: f"norm{int(found[1]) - 1}", name)
        if name.startswith("layernorm."):
            continue
        for theirs, official in (("embeddings.patch_embeddings.projection", "patch_embed.proj"),
                                 ("embeddings.norm", "patch_embed.norm"), ("encoder.layers", "layers"),
                                 ("layernorm_before", "norm1"), ("layernorm_after", "norm2"),
                                 ("attention.o_proj", "attn.proj"), ("attention.relative_position_bias.", "attn.")):
            name = name.replace(theirs, official)
        if found := re.fullmatch(r"(.*)attention\.([qkv])_proj\.(.*)", name):
            renamed.setdefault(f"{found[1]}attn.qkv.{found[3]}", {})[found[2]] = value
        else:
            renamed[name] = value
    return {name: torch.cat([value[part] for part in "qkv"]) if isinstance(value, dict) else value
            for name, value in renamed.items()}


def in_names_of_mmdetection(state: dict) -> dict:
    """The same by mmdetection's names, and merging by Unfold: channel by channel."""
    renamed = {}
    for name, value in state.items():
        if ".downsample." in name:                     # of the 2x2 square: (0,0), (1,0), (0,1), (1,1) -> row by row
            quarters = value.chunk(4, -1)
            value = torch.stack([quarters[i] for i in (0, 2, 1, 3)], -1).reshape(value.shape)
        for official, theirs in (("layers.", "stages."), ("attn.", "attn.w_msa."), ("mlp.fc1", "ffn.layers.0.0"),
                                 ("mlp.fc2", "ffn.layers.1"), ("patch_embed.proj", "patch_embed.projection")):
            name = name.replace(official, theirs)
        renamed[name] = value
    return renamed


HEADS = {"neck.lateral_convs.0.conv.weight": (4, 8, 1, 1), "rpn_head.rpn_conv.weight": (4, 4, 3, 3),
         "roi_head.bbox_head.0.fc_cls.weight": (5, 4)}


@pytest.fixture
def detector():
    """transformers' SwinBackbone, which pads and shifts as these implementations do."""
    return drawn(transformers.SwinBackbone(of_version("", out_features=STAGES)))


@pytest.mark.parametrize("kind", ["official", "mmdetection", "detectron2", "detectron2.pkl"])
def test_a_detectors_file_gives_the_maps_with_their_norms(kind, detector, tmp_path):
    state = in_official_names(detector.state_dict())
    state = in_names_of_mmdetection(state) if kind == "mmdetection" else state
    tensors = {f"backbone.{name}": value for name, value in state.items()}
    tensors |= {name: torch.ones(shape) for name, shape in HEADS.items()}
    wrapper = "model" if "detectron2" in kind else "state_dict"
    content = {"meta": {"epoch": 12}, wrapper: tensors}
    if kind.endswith(".pkl"):                          # arrays, as its converters write them
        content = {"model": {name: value.numpy() for name, value in tensors.items()}, "matching_heuristics": True}
        (tmp_path / "detector.pth").write_bytes(pickle.dumps(content))
    else:
        torch.save(content, tmp_path / "detector.pth")
    with pytest.warns(SwinWarning, match="Left aside 'neck', 'rpn_head', 'roi_head', not in the backbone"):
        ours = swin_np.load(tmp_path / "detector.pth", dtype=np.float64)
    for size in ((64, 96), (61, 50), (16, 16)):        # that the window fits, that it does not, one window
        batch = torch.randn(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            assert_same_maps(ours, as_ours(detector(batch).feature_maps), batch)


def test_a_detector_is_converted_between_all_names_and_back_to_every_bit(detector, tmp_path):
    state = {f"backbone.{name}": value for name, value in in_official_names(detector.float().state_dict()).items()}
    torch.save({"state_dict": state}, tmp_path / "0.pth")
    first, path = swin_np.load(tmp_path / "0.pth"), tmp_path / "0.pth"
    for dialect in ("mmdetection", "transformers", "transformers-files", "swin_np", "microsoft"):
        target = tmp_path / f"{dialect}.npz"
        assert main(["convert", str(path), str(target), "--to", dialect]) == 0
        path, again = target, swin_np.load(target)
        assert again.state_dict().keys() == first.state_dict().keys()
        for name, value in first.state_dict().items():
            np.testing.assert_array_equal(again.state_dict()[name], value)


@pytest.mark.parametrize(("version", "taken"), [("", STAGES), ("", STAGES[2:]), ("v2", STAGES)])
def test_a_converted_backbone_loads_strictly_into_transformers(taken, version, tmp_path):
    """From the names of a detector, or of timm where there are no norms."""
    model = drawn(getattr(transformers, f"{VERSIONS[version]}Backbone")(
        of_version(version, out_features=taken)))
    model.save_pretrained(tmp_path / "model")
    there, back = tmp_path / "there.safetensors", tmp_path / "back"
    dialect = "timm" if version else "mmdetection"
    assert main(["convert", str(tmp_path / "model"), str(there), "--to", dialect]) == 0
    given = ["--window-size", "4", "--pretrained-window-sizes", "0", "--image-size", "64"] if version else []
    assert main(["convert", str(there), str(back), "--to", "transformers" if version else "transformers-files",
                 *given]) == 0
    twin, report = type(model).from_pretrained(back, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    with torch.no_grad():
        for one, other in zip(twin.double().eval()(images(version)).feature_maps,
                              model(images(version)).feature_maps, strict=True):
            assert_matches(one.numpy(), other.numpy(), MODEL_TOLERANCE)


def test_a_plain_classifiers_file_is_no_backbone(tmp_path):
    """With one last norm, of mmpretrain or mmdetection, the model is a Swin Transformer without a head."""
    model = drawn(transformers.SwinModel(of_version("")))
    state = in_names_of_mmdetection(in_official_names({
        f"swin.{name}".replace("swin.layernorm", "hidden_states_norms.stage4"): value
        for name, value in model.state_dict().items()}))
    torch.save({"state_dict": {f"backbone.{name}": value for name, value in state.items()}}, tmp_path / "x.pth")
    ours = loaded(tmp_path / "x.pth", "")
    with torch.no_grad():
        assert_matches(ours.features(images().numpy()), model(images()).pooler_output.numpy(), MODEL_TOLERANCE)


def test_a_backbone_without_its_patch_embedding_is_refused(tmp_path, detector):
    state = {name: value for name, value in in_official_names(detector.state_dict()).items() if "patch" not in name}
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"patch_embed\.proj\.weight is missing"):
        swin_np.load(tmp_path / "x.pth")


def test_conversion_says_where_another_implementation_computes_a_backbones_map_otherwise(tmp_path, capsys):
    """A map of one window, which mmdetection shifts and timm does not."""
    model = Backbone.random(BackboneConfig(swin_np.SwinConfig((32, 32), 2, 3, 0, 8, (2, 2), (1, 2), 8,
                                                              shape_policy=swin_np.MMDETECTION)))
    source = tmp_path / "detector.safetensors"
    stored = from_official(model.astype(np.float64).state_dict(), SWIN_BACKBONES["mmdetection"])
    write_safetensors(source, stored, {})
    assert main(["convert", str(source), str(tmp_path / "out"), "--to", "timm"]) == 0
    said = capsys.readouterr().out
    assert "otherwise than mmdetection in stage 2" in said and "bfloat16" not in said

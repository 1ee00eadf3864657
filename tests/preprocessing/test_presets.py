"""Presets, live: what torchvision, timm and transformers make of an image, what files tell, and who gets which."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from swin_np import images
from swin_np.baselines.res2net import RES2NET_VARIANTS
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.baselines.swin_mixer import SWIN_MIXER_VARIANTS
from swin_np.baselines.swin_v2 import SWIN_V2_VARIANTS
from swin_np.baselines.vit import VIT_VARIANTS
from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.config_files.preprocessing import of_timm, of_transformers
from swin_np.checkpoints.config_files.presets import stored_preset
from swin_np.errors import CheckpointError, ConfigurationError, InputError, ShapeError, SwinWarning
from swin_np.images import PRESETS, preprocess, resize_and_crop
from swin_np.preprocessing.choice import RECIPES, default_preset, named_preset, preset_for
from swin_np.preprocessing.presets import IMAGENET_MEAN, IMAGENET_STD, Preset
from swin_np.shape_policy import MICROSOFT, TIMM, TORCHVISION, TRANSFORMERS
from swin_np.variants import VARIANTS

SIZES = [(333, 500), (500, 331), (101, 97), (58, 230)]                 # some smaller than the crop; halves to round
U = 2.0 ** -24                                         # unit roundoff of float32
TORCHVISION_PRESETS = {
    "Swin_T_Weights.IMAGENET1K_V1": "torchvision_swin_t", "Swin_S_Weights.IMAGENET1K_V1": "torchvision_swin_s",
    "Swin_B_Weights.IMAGENET1K_V1": "torchvision_swin_b", "Swin_V2_T_Weights.IMAGENET1K_V1": "torchvision_swin_v2_t",
    "Swin_V2_S_Weights.IMAGENET1K_V1": "torchvision_swin_v2_s",
    "Swin_V2_B_Weights.IMAGENET1K_V1": "torchvision_swin_v2_b",
    "ViT_B_16_Weights.IMAGENET1K_V1": "torchvision_vit", "ViT_B_32_Weights.IMAGENET1K_V1": "torchvision_vit",
    "ViT_L_32_Weights.IMAGENET1K_V1": "torchvision_vit", "ViT_L_16_Weights.IMAGENET1K_V1": "torchvision_vit_l_16",
    "ViT_B_16_Weights.IMAGENET1K_SWAG_LINEAR_V1": "torchvision_vit_swag_linear",
    "ViT_L_16_Weights.IMAGENET1K_SWAG_LINEAR_V1": "torchvision_vit_swag_linear",
    "ViT_H_14_Weights.IMAGENET1K_SWAG_LINEAR_V1": "torchvision_vit_swag_linear",
    "ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1": "torchvision_vit_swag_384",
    "ViT_L_16_Weights.IMAGENET1K_SWAG_E2E_V1": "torchvision_vit_swag_512",
    "ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1": "torchvision_vit_swag_518",
    "ResNeXt101_64X4D_Weights.IMAGENET1K_V1": "torchvision_resnet",
    **{f"{name}_Weights.IMAGENET1K_V1": "torchvision_resnet_v1" for name in (
        "ResNet18", "ResNet34", "ResNet50", "ResNet101", "ResNet152", "ResNeXt50_32X4D", "ResNeXt101_32X8D")},
    **{f"{name}_Weights.IMAGENET1K_V2": "torchvision_resnet" for name in (
        "ResNet50", "ResNet101", "ResNet152", "ResNeXt50_32X4D", "ResNeXt101_32X8D")},
}
TIMM_PRESETS = {
    "timm": "swin_tiny_patch4_window7_224.ms_in1k", "timm_384": "swin_large_patch4_window12_384.ms_in22k_ft_in1k",
    "timm_swin_v2": "swinv2_base_window12to16_192to256.ms_in22k_ft_in1k",
    "timm_swin_v2_192": "swinv2_base_window12_192.ms_in22k",
    "timm_swin_v2_384": "swinv2_large_window12to24_192to384.ms_in22k_ft_in1k",
    "timm_vit": "vit_base_patch16_224.augreg2_in21k_ft_in1k",
    "timm_vit_384": "vit_large_patch16_384.augreg_in21k_ft_in1k",
    "timm_deit": "deit_small_distilled_patch16_224.fb_in1k", "timm_deit_384": "deit_base_patch16_384.fb_in1k",
    "timm_resnet": "resnet50.a1_in1k", "timm_resnet_gluon": "resnet101.gluon_in1k",
    "torchvision_resnet_v1": "resnet50.tv_in1k", "res2net": "res2net50_26w_4s.in1k",
}
HALVES, IMAGENET = [0.5, 0.5, 0.5], {"image_mean": list(IMAGENET_MEAN), "image_std": list(IMAGENET_STD)}
GOOGLE = {"image_mean": HALVES, "image_std": HALVES}
PROCESSORS = {
    "transformers": ("ViT", {"size": {"height": 224, "width": 224}, "resample": 3, **IMAGENET}),
    "transformers_384": ("ViT", {"size": {"height": 384, "width": 384}, "resample": 3, **IMAGENET}),
    "transformers_swin_v2": ("ViT", {"size": {"height": 256, "width": 256}, "resample": 3, **IMAGENET}),
    "transformers_swin_v2_192": ("ViT", {"size": {"height": 192, "width": 192}, "resample": 3, **IMAGENET}),
    "transformers_swin_v2_384": ("ViT", {"size": {"height": 384, "width": 384}, "resample": 3, **IMAGENET}),
    "transformers_vit": ("ViT", {"size": {"height": 224, "width": 224}, "resample": 2, **GOOGLE}),
    "transformers_vit_384": ("ViT", {"size": {"height": 384, "width": 384}, "resample": 2, **GOOGLE}),
    "transformers_deit": ("DeiT", {"size": {"height": 256, "width": 256}, "resample": 3, **IMAGENET,
                                   "crop_size": {"height": 224, "width": 224}}),
    "transformers_deit_384": ("DeiT", {"size": {"height": 438, "width": 438}, "resample": 3, **IMAGENET,
                                       "crop_size": {"height": 384, "width": 384}}),
    "transformers_resnet": ("ConvNext", {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3,
                                         **IMAGENET}),
}
"""What the published preprocessor_config.json of each says, as arguments of the processor."""


def noise(height, width, low=0, high=256):
    return np.random.default_rng(height * width).integers(low, high, (height, width, 3), dtype=np.uint8)


PICTURES = [*(noise(*size) for size in SIZES), images.load(images.sample_photograph())]


@pytest.fixture(autouse=True)
def _the_horizontal_pass_comes_first(monkeypatch):
    """In every version of Pillow, as it was up to 12: libraries then resize tall images as they did."""
    resize = Image.Image.resize

    def in_two_passes(image, size, resample=None, box=None, reducing_gap=None):
        assert box is None and reducing_gap is None
        return resize(resize(image, (size[0], image.height), resample), size, resample)

    monkeypatch.setattr(Image.Image, "resize", in_two_passes)


def pixels_of(prepared, preset):
    """The pixels (h, w, 3) that a library normalised to (3, h, w), exactly: they are whole numbers."""
    x = np.asarray(prepared, np.float64).transpose(1, 2, 0)
    return np.rint((x * preset.std + preset.mean) * 255).astype(np.int64)


def allowed(pixels, preset):
    """How far two correct float32 results (3, h, w) of these pixels can be from one another.

    Each rounds the scaled pixel v and the mean m (both perhaps twice), the difference, the standard deviation s
    (perhaps twice) and the quotient y: at most 2u (v + m) / s + 4u |y| from the truth, to first order.
    """
    v, m, s = pixels / 255, np.abs(preset.mean), np.array(preset.std)
    y = np.abs(v - preset.mean) / s
    return 1.001 * 2 * (2 * U * (v + m) / s + 4 * U * y).transpose(2, 0, 1)


def assert_prepared_alike(theirs, preset, picture):
    """theirs (3, h, w) is what a library made of the picture, by Pillow."""
    seen = resize_and_crop(picture, preset)
    assert np.array_equal(pixels_of(theirs, preset), seen)
    difference = np.abs(np.asarray(theirs, np.float64) - preprocess(picture, preset)[0])
    assert (difference <= allowed(seen, preset)).all()


def test_bilinear_resizing_equals_pillow_for_many_random_sizes(rng):
    for old, new in rng.integers(1, 70, (200, 2, 2)).tolist():
        image = rng.integers(0, 256, (*old, 3), dtype=np.uint8)
        theirs = Image.fromarray(image).resize(new[::-1], Image.Resampling.BILINEAR)
        assert np.array_equal(images.resize(image, tuple(new), "bilinear"), np.asarray(theirs)), f"{old} to {new}"


# The libraries' own transforms

@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: "{}x{}".format(*picture.shape[:2]))
@pytest.mark.parametrize("name", sorted(set(TORCHVISION_PRESETS.values())))
def test_torchvisions_own_transforms_prepare_alike(name, picture):
    torchvision = pytest.importorskip("torchvision")
    alike = {str(torchvision.models.get_weight(weights).transforms()): torchvision.models.get_weight(weights)
             for weights, preset in TORCHVISION_PRESETS.items() if preset == name}
    transform, = [weights.transforms() for weights in alike.values()]  # the weights of a preset say the same
    assert_prepared_alike(transform(Image.fromarray(picture)), PRESETS[name], picture)


def test_every_weights_of_torchvision_has_its_preset():
    models = pytest.importorskip("torchvision").models
    published = {str(weights) for name in models.list_models(module=models)
                 if name.startswith(("swin", "vit", "resnet", "resnext")) for weights in models.get_model_weights(name)}
    assert published == set(TORCHVISION_PRESETS)


def timm_transform(tag, args=None, **options):
    timm = pytest.importorskip("timm")
    settings = timm.get_pretrained_cfg(tag).to_dict()
    return timm.data.create_transform(**timm.data.resolve_data_config(args, settings, **options))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: "{}x{}".format(*picture.shape[:2]))
@pytest.mark.parametrize("name", TIMM_PRESETS)
def test_timms_own_transforms_prepare_alike(name, picture):
    assert_prepared_alike(timm_transform(TIMM_PRESETS[name])(Image.fromarray(picture)), PRESETS[name], picture)


@pytest.mark.parametrize(("name", "tag"), [("timm_resnet_288", "resnet50.a1_in1k"),
                                           ("torchvision_resnet", "resnet50.tv2_in1k")])
def test_timms_sizes_for_testing_prepare_alike(name, tag):
    transform = timm_transform(tag, use_test_size=True)
    assert_prepared_alike(transform(Image.fromarray(PICTURES[0])), PRESETS[name], PICTURES[0])


@pytest.mark.parametrize("size", [(224, 448), (448, 224), (192, 256)])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: "{}x{}".format(*picture.shape[:2]))
def test_timm_covers_an_oblong_image_size_alike(size, picture):
    transform = timm_transform(TIMM_PRESETS["timm"], {"input_size": (3, *size)})
    assert_prepared_alike(transform(Image.fromarray(picture)), preset_for("timm", size), picture)


@pytest.mark.parametrize(("pattern", "config"), [("swin_*_patch4_*", VARIANTS["swin_t"]),
                                                 ("swinv2_*_window*", SWIN_V2_VARIANTS["swin_v2_t"])])
def test_every_published_swin_of_timm_gets_timms_preparation(pattern, config):
    tags = pytest.importorskip("timm").list_pretrained(pattern)
    assert len(tags) > 10
    for tag in tags:
        size = pytest.importorskip("timm").get_pretrained_cfg(tag).input_size[1:]
        preset = default_preset(replace(config, img_size=size, shape_policy=TIMM))
        assert preset.name in RECIPES[type(config)]
        assert_prepared_alike(timm_transform(tag)(Image.fromarray(PICTURES[2])), preset, PICTURES[2])


def processor_of(family, tensors, **settings):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torchvision")
    return getattr(transformers, f"{family}ImageProcessor{'' if tensors else 'Pil'}")(**settings)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: "{}x{}".format(*picture.shape[:2]))
@pytest.mark.parametrize("name", PROCESSORS)
def test_transformers_processors_on_pillow_prepare_alike(name, picture):
    family, settings = PROCESSORS[name]
    theirs = processor_of(family, False, **settings)(Image.fromarray(picture), return_tensors="np")
    assert_prepared_alike(theirs["pixel_values"][0], PRESETS[name], picture)


@pytest.mark.parametrize("name", ["transformers", "transformers_vit", "transformers_384"])
def test_transformers_processors_on_tensors_normalise_alike_what_needs_no_resize(name):
    family, settings = PROCESSORS[name]
    picture = noise(PRESETS[name].crop, PRESETS[name].crop)
    theirs = processor_of(family, True, **settings)(Image.fromarray(picture), return_tensors="np")
    assert_prepared_alike(theirs["pixel_values"][0], PRESETS[name], picture)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PROCESSORS)
def test_transformers_processors_on_tensors_are_two_grey_levels_away_at_most(name, size):
    """They resize tensors, with other roundings: within two levels where no pass overshoots 0 to 255.

    Pillow's first pass rounds by 0.5, which the second multiplies by at most 5/4, the sum of the weights' sizes, and
    rounds itself; theirs does at most the same: 2 (5/4 + 1) / 2 = 2.25 levels, and differences are whole.
    """
    (family, settings), picture = PROCESSORS[name], noise(*size, 64, 192)
    theirs = processor_of(family, True, **settings)(Image.fromarray(picture), return_tensors="np")
    difference = pixels_of(theirs["pixel_values"][0], PRESETS[name]) - resize_and_crop(picture, PRESETS[name])
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("change", [{"mean": (0.485, 0.456, 0.40601)}, {"std": (0.229, 0.22401, 0.225)},
                                    {"filter": "bilinear"}, {"resize": 247}, {"resize": (248, 248)}])
def test_a_preset_that_is_slightly_wrong_is_seen(change):
    theirs = timm_transform(TIMM_PRESETS["timm"])(Image.fromarray(PICTURES[0]))
    with pytest.raises(AssertionError):
        assert_prepared_alike(theirs, replace(PRESETS["timm"], **change), PICTURES[0])


def test_official_recipes_are_the_codes_own_formulas():
    for name, side in (("microsoft", 224), ("microsoft_swin_v2_192", 192), ("microsoft_swin_v2", 256),
                       ("microsoft_swin_mixer", 256), ("microsoft_swin_mixer_224", 224)):
        assert (PRESETS[name].resize, PRESETS[name].crop) == (int(256 / 224 * side), side)
    for name in ("microsoft_384", "microsoft_swin_v2_384"):
        assert (PRESETS[name].resize, PRESETS[name].crop) == ((384, 384), 384)
    for name, side in (("deit", 224), ("deit_384", 384)):
        assert (PRESETS[name].resize, PRESETS[name].crop) == (int(side / 0.875), side)


def test_every_preset_was_compared_or_is_of_official_code():
    compared = {*TORCHVISION_PRESETS.values(), *TIMM_PRESETS, *PROCESSORS, "timm_resnet_288"}
    official = {name for name in PRESETS if name.startswith(("microsoft", "deit"))}
    assert compared | official == set(PRESETS)
    assert {name for names in RECIPES.values() for name in names} == set(PRESETS)


# What a file beside a checkpoint tells

def told(values):
    return stored_preset(of_transformers(Entries("preprocessor_config.json", values)))


@pytest.mark.parametrize("picture", [PICTURES[1], PICTURES[3]], ids=["tall", "wide"])
@pytest.mark.parametrize("name", PROCESSORS)
def test_what_a_processor_saves_is_followed(name, picture, tmp_path):
    family, settings = PROCESSORS[name]
    processor = processor_of(family, False, **settings)
    processor.save_pretrained(tmp_path)
    preset = told(json.loads((tmp_path / "preprocessor_config.json").read_text()))
    assert replace(preset, name="", crop=PRESETS[name].crop, crop_rounding="down") == replace(
        PRESETS[name], name="", crop_rounding="down")
    assert_prepared_alike(processor(Image.fromarray(picture), return_tensors="np")["pixel_values"][0], preset, picture)


@pytest.mark.parametrize(("name", "values"), [
    ("transformers", {"feature_extractor_type": "ViTFeatureExtractor", "size": 224, "resample": 3, **IMAGENET}),
    ("transformers_vit", {"image_processor_type": "ViTImageProcessorFast", "size": [224, 224], "resample": 2,
                          **GOOGLE}),
    ("transformers_deit", {"feature_extractor_type": "DeiTFeatureExtractor", "size": 256, "crop_size": 224,
                           "do_center_crop": True, "resample": 3, **IMAGENET}),
    ("transformers_resnet", {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224, "resample": 3,
                             **IMAGENET}),
])
def test_older_files_are_understood(name, values):
    assert replace(told(values), name="", crop=PRESETS[name].crop, crop_rounding="down") == replace(
        PRESETS[name], name="", crop_rounding="down")


@pytest.mark.parametrize("steps", [
    {"do_normalize": False}, {"do_rescale": False}, {"rescale_factor": 1 / 127.5}, {"do_rescale": False,
                                                                                    "do_normalize": False},
    {"size": {"shortest_edge": 70}, "do_center_crop": True, "crop_size": {"height": 60, "width": 33}},
    {"size": {"height": 40, "width": 71}},
])
def test_steps_that_a_processor_leaves_out_or_does_otherwise_are_followed(steps):
    settings = PROCESSORS["transformers"][1] | steps
    preset = told({"image_processor_type": "ViTImageProcessor", **settings})
    for picture in PICTURES[:3]:
        theirs = processor_of("ViT", False, **settings)(Image.fromarray(picture), return_tensors="np")
        assert_prepared_alike(theirs["pixel_values"][0], preset, picture)


@pytest.mark.parametrize("values", [
    {"size": {"height": 224}}, {"size": None}, {"resample": None}, {"resample": 1}, {"image_mean": None},
    {"image_std": [1, 1]}, {"image_processor_type": "LevitImageProcessor"}, {"image_processor_type": None},
    {"do_resize": False}, {"size": {"shortest_edge": 224}}, {"size": {"shortest_edge": 224, "longest_edge": 448}},
    {"do_center_crop": True}, {"do_center_crop": True, "crop_size": {"height": 300, "width": 224}},
    {"image_processor_type": "ConvNextImageProcessor"},
])
def test_a_file_that_says_too_little_or_too_much_is_refused(values):
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json.*give --preset NAME"):
        told({"image_processor_type": "ViTImageProcessor", **PROCESSORS["transformers"][1], **values})


@pytest.mark.parametrize("tag", [*TIMM_PRESETS.values(), "vit_medium_patch16_gap_384.sw_in12k_ft_in1k",
                                 "vit_base_patch16_sapiens2.fb"])
def test_timms_config_is_followed(tag):
    settings = pytest.importorskip("timm").get_pretrained_cfg(tag).to_dict()
    settings = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    preset, older = (stored_preset(of_timm(Entries("config.json", values)))
                     for values in ({"pretrained_cfg": settings}, settings))
    assert preset == older
    assert_prepared_alike(timm_transform(tag)(Image.fromarray(PICTURES[1])), preset, PICTURES[1])


@pytest.mark.parametrize("values", [{"crop_mode": "border"}, {"crop_pct": None}, {"mean": [0.5]},
                                    {"interpolation": "random"}, {"crop_pct": 1.5}])
def test_timms_config_that_cannot_be_followed_is_refused(values):
    whole = {"input_size": [3, 224, 224], "crop_pct": 0.9, "interpolation": "bicubic", "mean": HALVES, "std": HALVES}
    assert stored_preset(of_timm(Entries("config.json", whole))).resize == 248
    with pytest.raises(CheckpointError, match=r"config\.json.*give --preset NAME"):
        stored_preset(of_timm(Entries("config.json", whole | values)))


def test_a_configuration_that_says_nothing_of_images_tells_nothing():
    assert stored_preset(of_timm(Entries("config.json", {"architecture": "resnet50", "num_classes": 1000}))) is None


# Which model gets which

VIT = {name: VIT_VARIANTS[name] for name in ("vit_b_16", "vit_b_32", "vit_l_16", "deit_s")}


@pytest.mark.parametrize(("config", "dialect", "name"), [
    (replace(VARIANTS["swin_t"], shape_policy=MICROSOFT), None, "microsoft"),
    (replace(VARIANTS["swin_t"], shape_policy=MICROSOFT), "mmdetection", "microsoft"),
    (replace(VARIANTS["swin_b"], shape_policy=TORCHVISION), "torchvision", "torchvision_swin_b"),
    (replace(VARIANTS["swin_t"], shape_policy=TRANSFORMERS), "transformers-files", "transformers"),
    (replace(SWIN_V2_VARIANTS["swin_v2_t"], shape_policy=MICROSOFT), "microsoft", "microsoft_swin_v2"),
    (replace(SWIN_V2_VARIANTS["swin_v2_t"], shape_policy=MICROSOFT, img_size=192), "microsoft",
     "microsoft_swin_v2_192"),
    (replace(SWIN_V2_VARIANTS["swin_v2_t"], shape_policy=TIMM, img_size=384), "timm", "timm_swin_v2_384"),
    (replace(SWIN_V2_VARIANTS["swin_v2_t"], shape_policy=TRANSFORMERS), "transformers", "transformers_swin_v2"),
    (SWIN_MIXER_VARIANTS["swin_mixer_t_c24"], "microsoft", "microsoft_swin_mixer"),
    (replace(SWIN_MIXER_VARIANTS["swin_mixer_t_c24"], shape_policy=TORCHVISION), None, "microsoft_swin_mixer"),
    (VIT["vit_b_32"], "torchvision", "torchvision_vit"),
    (replace(VIT["vit_b_16"], img_size=384), "torchvision", "torchvision_vit_swag_384"),
    (replace(VIT["deit_s"], distilled=True), "transformers-deit-files", "transformers_deit"),
    (RESNET_VARIANTS["resnet_50"], "transformers", "transformers_resnet"),
    (RES2NET_VARIANTS["res2net_50_26w_4s"], "res2net", "res2net"),
])
def test_a_model_whose_implementation_has_one_recipe_gets_it(config, dialect, name):
    assert default_preset(config, dialect) is PRESETS[name]


@pytest.mark.parametrize(("config", "dialect", "names"), [
    (VIT["vit_b_16"], "timm", "timm_vit, timm_deit, deit"),
    (replace(VIT["vit_b_16"], img_size=384), "timm", "timm_vit_384, timm_deit_384, deit_384"),
    (replace(VIT["deit_s"], distilled=True), "timm", "timm_deit, deit"),
    (VIT["vit_b_16"], "torchvision", "torchvision_vit, torchvision_vit_swag_linear"),
    (VIT["vit_l_16"], "torchvision", "torchvision_vit_l_16, torchvision_vit_swag_linear"),
    (VIT["vit_b_16"], "transformers-files", "transformers_vit, transformers_deit"),
    (RESNET_VARIANTS["resnet_50"], "torchvision",
     "torchvision_resnet, torchvision_resnet_v1, timm_resnet, timm_resnet_288, timm_resnet_gluon"),
])
def test_where_several_recipes_have_the_same_names_the_choices_are_listed(config, dialect, names):
    with pytest.raises(InputError, match=f"--preset NAME, one of {names}$"):
        default_preset(config, dialect)


def test_an_implementation_of_ones_own_has_no_recipe():
    with pytest.raises(InputError, match=r"names of mine is not known.*one of microsoft, "):
        default_preset(replace(VARIANTS["swin_t"], shape_policy=replace(TORCHVISION, name="mine")))


def test_where_no_preset_fits_the_sentence_says_where_to_write_it():
    with pytest.raises(InputError, match=r"256x256 pixels.*preprocessor_config\.json"):
        default_preset(replace(VIT["vit_b_16"], img_size=256), "timm")


@pytest.mark.parametrize("config", [replace(VARIANTS["swin_t"], shape_policy=TORCHVISION, img_size=448),
                                    replace(VARIANTS["swin_t"], shape_policy=MICROSOFT, img_size=(224, 448)),
                                    replace(VARIANTS["swin_l"], shape_policy=TORCHVISION),
                                    replace(VARIANTS["swin_t"], shape_policy=TORCHVISION, depths=(2, 2, 8, 2))])
def test_where_an_implementation_has_no_formula_for_a_size_or_variant_nothing_is_scaled(config):
    with pytest.raises(InputError, match=r"is not known: (give --preset NAME, one of|no preset is for such images)"):
        default_preset(config)


def test_a_formula_for_an_unpublished_size_is_a_warning():
    with pytest.warns(SwinWarning, match="follows its formula"):
        preset = default_preset(replace(VARIANTS["swin_t"], shape_policy=MICROSOFT, img_size=448))
    assert (preset.resize, preset.crop) == (512, (448, 448))


def test_a_preset_of_another_system_or_size_is_refused_with_the_choices():
    with pytest.raises(ConfigurationError, match=r"ViT or DeiT.*timm_vit, .*deit"):
        named_preset("timm", VIT["vit_b_16"])
    with pytest.raises(ShapeError, match=r"384x384, and the model takes images of 224x224.*timm_vit, "):
        named_preset("timm_vit_384", VIT["vit_b_16"])
    with pytest.raises(ConfigurationError, match="did you mean 'timm_vit'"):
        named_preset("timm_vitt", VIT["vit_b_16"])
    assert named_preset("timm_deit", VIT["vit_b_16"]) is PRESETS["timm_deit"]


@pytest.mark.parametrize("changes", [
    {"resize": 0, "crop": 0}, {"resize": 223}, {"resize": (224, 223)}, {"resize": 256.0}, {"resize": "256"},
    {"resize": None}, {"resize": (256, 256, 3)}, {"resize": 256, "crop": (224, 448)}, {"crop": -1}, {"crop": (224, 0)},
    {"filter": "lanczos"}, {"filter": None}, {"mean": 0.5}, {"mean": (0.5, 0.5)}, {"mean": (0.5, np.nan, 0.5)},
    {"mean": "abc"}, {"std": (0.2, 0.0, 0.2)}, {"std": (1e400, 1, 1)}, {"std": None}, {"crop_rounding": "up"},
])
def test_a_preset_that_cannot_be_is_refused(changes):
    with pytest.raises(ConfigurationError):
        Preset(**{"name": "mine", "resize": 256, "crop": 224} | changes)

"""Swin-Mixer: every module against PyTorch, the spatial MLP against its definition, counts against the published."""

import math
from dataclasses import replace

import numpy as np
import pytest

from swin_np import MMDETECTION, TIMM, TORCHVISION, trace
from swin_np.baselines import swin_mixer
from swin_np.baselines.swin_mixer import (
    SWIN_MIXER_VARIANTS,
    SpatialMlp,
    SwinMixer,
    SwinMixerConfig,
    layer_costs,
    spatial_mlp_cost,
)
from swin_np.complexity import layer_costs as swin_layer_costs
from swin_np.costs import total
from swin_np.errors import ConfigurationError, InputError, ShapeError, StateDictError
from swin_np.layers import redraw
from swin_np.variants import SwinConfig
from tests.matching import MODEL_TOLERANCE, assert_matches, assert_model_rounds_as_float32

variants = pytest.mark.parametrize("variant", SWIN_MIXER_VARIANTS)
PUBLISHED = {                                          # Table 10: millions of parameters, giga multiply-adds
    "swin_mixer_t_c24": (20, 4.0), "swin_mixer_t_c12": (21, 4.0), "swin_mixer_t_c6": (23, 4.0),
    "swin_mixer_b": (61, 10.4)}

TINY = SwinMixerConfig((64, 96), embed_dim=12, depths=(2, 2), num_heads=(2, 4), window_size=4, num_classes=20)
CONFIGS = {
    "16x24 and 8x12 maps": TINY,
    "odd window": replace(TINY, img_size=(48, 72), window_size=3),
    "window clamped in both stages": replace(TINY, img_size=(32, 64), window_size=9),
    "window clamped in the last stage": replace(TINY, img_size=(64, 64), window_size=8),
    "window of one token": replace(TINY, window_size=1),
    "position embedding, no norm, no head": replace(TINY, ape=True, patch_norm=False, num_classes=0, in_chans=1),
    "narrow MLP, three stages": replace(TINY, img_size=(64, 128), depths=(3, 2, 1), num_heads=(1, 2, 3), mlp_ratio=1.5),
}
configs = pytest.mark.parametrize("setting", CONFIGS)


def redrawn(config: SwinMixerConfig, dtype: type = np.float64) -> SwinMixer:
    model = SwinMixer.random(config)
    redraw(model, 3)
    return model.astype(dtype)


def draw_images(config: SwinMixerConfig, dtype: type = np.float64, size: tuple[int, int] | None = None) -> np.ndarray:
    shape = (2, config.in_chans, *(size or config.img_size))
    return np.random.default_rng(5).standard_normal(shape, np.float32).astype(dtype)


def torch_swin_mixer(config: SwinMixerConfig):
    """The model in PyTorch's modules with the official names; maps go from block to block as (B, H, W, C)."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Branch(nn.Module):
        def __init__(self, channels, hidden):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

        def forward(self, x):
            return self.fc2(nn.functional.gelu(self.fc1(x)))

    class Block(nn.Module):
        def __init__(self, stage, j):
            super().__init__()
            channels, heads, side = config.channels(stage), config.num_heads[stage], min(config.map_sizes()[stage])
            self.m = min(config.window_size[0], side)
            self.shift = self.m // 2 if j % 2 and side > config.window_size[0] else 0
            self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
            self.spatial_mlp = nn.Conv1d(heads * self.m ** 2, heads * self.m ** 2, 1, groups=heads)
            self.mlp = Branch(channels, int(channels * config.mlp_ratio))

        def forward(self, x):
            m, heads = self.m, self.spatial_mlp.groups
            before, after = (m - self.shift, self.shift) if self.shift else (0, 0)
            (b, h, w, c), y = x.shape, self.norm1(x).permute(0, 3, 1, 2)
            y = nn.functional.pad(y, (before, after, before, after))
            tiles = y.unfold(2, m, m).unfold(3, m, m)  # (B, C, H/M, W/M, M, M)
            down, right = tiles.shape[2:4]
            tiles = tiles.permute(0, 2, 3, 1, 4, 5).reshape(-1, heads, c // heads, m * m)
            tiles = self.spatial_mlp(tiles.transpose(2, 3).flatten(1, 2))
            tiles = tiles.unflatten(1, (heads, m * m)).transpose(2, 3).reshape(b, down, right, c, m, m)
            y = tiles.permute(0, 1, 4, 2, 5, 3).reshape(b, down * m, right * m, c)
            x = x + y[:, before:before + h, before:before + w]
            return x + self.mlp(self.norm2(x))

    class Merging(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.norm, self.reduction = nn.LayerNorm(4 * channels), nn.Linear(4 * channels, 2 * channels, bias=False)

        def forward(self, x):
            b, h, w, c = x.shape
            x = x.reshape(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5)
            return self.reduction(self.norm(x.flatten(3)))

    class Layer(nn.Module):
        def __init__(self, stage):
            super().__init__()
            self.blocks = nn.Sequential(*(Block(stage, j) for j in range(config.depths[stage])))
            self.downsample = Merging(config.channels(stage)) if stage < len(config.depths) - 1 else None

        def forward(self, x):
            x = self.blocks(x)
            return x if self.downsample is None else self.downsample(x)

    class Embedding(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj = nn.Conv2d(config.in_chans, config.embed_dim, config.patch_size, config.patch_size)
            self.norm = nn.LayerNorm(config.embed_dim) if config.patch_norm else nn.Identity()

        def forward(self, images):
            return self.norm(self.proj(images).permute(0, 2, 3, 1))

    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            last = config.channels(len(config.depths) - 1)
            if config.ape:
                self.absolute_pos_embed = nn.Parameter(torch.zeros(1, math.prod(config.map_sizes()[0]),
                                                                   config.embed_dim))
            self.patch_embed = Embedding()
            self.layers = nn.Sequential(*map(Layer, range(len(config.depths))))
            self.norm = nn.LayerNorm(last)
            self.head = nn.Linear(last, config.num_classes) if config.num_classes else nn.Identity()

        def forward(self, images):
            x = self.patch_embed(images)
            if config.ape:
                x = x + self.absolute_pos_embed.reshape(x[:1].shape)
            return self.head(self.norm(self.layers(x)).mean((1, 2)))

    return Mixer()


def module_outputs(setting: str) -> tuple[dict, dict]:
    """The output of every module that both sides have, by official name, and the model's own as `output`."""
    config = CONFIGS[setting]
    twin, model, images = torch_swin_mixer(config), redrawn(config), draw_images(config)
    torch, theirs = pytest.importorskip("torch"), {}
    state = {name: torch.from_numpy(value) for name, value in model.state_dict().items()}
    twin.to(state["norm.weight"].dtype).load_state_dict(state, strict=True)
    for name, module in twin.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, name=name: theirs.update({name or "output": output.numpy()}))
    with torch.inference_mode(), trace(model) as ours:
        twin(torch.from_numpy(images))
        model(images)
    theirs["patch_embed.proj"] = np.moveaxis(theirs["patch_embed.proj"], 1, -1)
    return ours, {name: theirs[name] for name in ours}


@configs
def test_every_module_output_equals_torch_in_float64(setting):
    ours, theirs = module_outputs(setting)
    assert sum(name.endswith("spatial_mlp") for name in theirs) == sum(CONFIGS[setting].depths)
    for name in theirs:
        assert_matches(ours[name], theirs[name], MODEL_TOLERANCE)


@configs
def test_models_err_in_float32_as_rounding_does(setting):
    def run(model):
        with trace(model) as activations:
            model(draw_images(model.config, model.dtype))
        return [activations[name] for name in (
            "output", "layers.1", "layers.0.blocks.1.spatial_mlp", "layers.1.blocks.1.spatial_mlp")]

    assert_model_rounds_as_float32(redrawn(CONFIGS[setting]), run)


def mixed_by_definition(x, spatial_mlp, window, shift):
    """Every token of the map (B, H, W, C): the sum over the tokens of its window, padding or none."""
    (m, n), (h, w), tokens = window, x.shape[1:3], window[0] * window[1]
    heads = len(spatial_mlp.weight) // tokens
    weight, bias = spatial_mlp.weight.reshape(heads, tokens, tokens), spatial_mlp.bias.reshape(heads, tokens)
    places = [(divmod(i - shift[0], m), divmod(j - shift[1], n)) for i, j in np.ndindex(h, w)]
    window_of = [(row[0], column[0]) for row, column in places]
    position = [row[1] * n + column[1] for row, column in places]
    x = x.reshape(len(x), h * w, heads, -1)
    result = np.zeros_like(x)
    for i in range(h * w):
        result[:, i] = bias[:, position[i], None]
        for j in range(h * w):
            if window_of[i] == window_of[j]:
                result[:, i] += weight[:, position[i], position[j], None] * x[:, j]
    return result.reshape(len(x), h, w, -1)


@pytest.mark.parametrize(("policy", "map_size", "window", "shift"), [
    (TORCHVISION, (10, 7), (4, 4), (2, 2)),            # no multiple: zeros at the bottom and right
    (TORCHVISION, (3, 9), (4, 4), (0, 2)),             # smaller than the window on one axis: not shifted there
    (TORCHVISION, (6, 10), (3, 5), (1, 2)),
    (MMDETECTION, (3, 6), (4, 4), (2, 2)),
    (TIMM, (9, 10), (4, 5), (0, 0)),
])
def test_a_block_mixes_each_window_of_a_map_of_any_size(policy, map_size, window, shift, rng):
    config = replace(TINY, shape_policy=policy, window_size=window, img_size=tuple(4 * side for side in map_size))
    odd = int(any(shift))                              # the second block is the shifted one
    block = redrawn(config).layers[0].blocks[odd]
    x = rng.standard_normal((2, *map_size, 12))
    assert_matches(block.mix(x), mixed_by_definition(x, block.spatial_mlp, window, shift))


def test_other_image_sizes_need_a_policy_that_takes_them():
    model = redrawn(replace(TINY, shape_policy=TORCHVISION))
    assert model(draw_images(TINY, size=(70, 52))).shape == (2, 20)
    with pytest.raises(ShapeError, match="takes only the configured"):
        redrawn(TINY)(draw_images(TINY, size=(32, 64)))


def test_a_map_that_is_no_multiple_of_the_window_is_refused_as_in_the_official_code():
    config = replace(TINY, img_size=(40, 64))
    with pytest.raises(ShapeError, match="the 10x16 map is no multiple"):
        redrawn(config)(draw_images(config))


def test_the_parameters_have_their_official_names_and_shapes():
    state = SwinMixer.random(SWIN_MIXER_VARIANTS["swin_mixer_t_c24"], None).state_dict()
    assert not [name for name in state if "attn" in name]
    assert state["layers.1.blocks.1.spatial_mlp.weight"].shape == (8 * 64, 64, 1)
    assert state["layers.3.blocks.0.spatial_mlp.bias"].shape == (32 * 64,)


@pytest.mark.parametrize(("variant", "channels"), [("swin_mixer_t_c24", 24), ("swin_mixer_t_c12", 12),
                                                   ("swin_mixer_t_c6", 6), ("swin_mixer_b", 32)])
def test_a_head_has_as_many_channels_as_the_official_configuration_gives_it(variant, channels):
    config = SWIN_MIXER_VARIANTS[variant]
    assert [config.channels(stage) // heads for stage, heads in enumerate(config.num_heads)] == 4 * [channels]


@variants
def test_parameter_counts_are_those_of_torch_and_the_published_ones(variant):
    config = SWIN_MIXER_VARIANTS[variant]
    count = SwinMixer.random(config, None).parameter_count()
    assert round(count / 1e6) == PUBLISHED[variant][0]
    with pytest.importorskip("torch").device("meta"):
        assert count == sum(value.numel() for value in torch_swin_mixer(config).parameters())


@variants
def test_multiply_adds_are_the_published_ones_and_those_of_the_official_formulas(variant):
    config = SWIN_MIXER_VARIANTS[variant]
    (h, w), m, c, last = config.map_sizes()[0], config.window_size[0], config.embed_dim, config.channels(3)
    official = h * w * c * (3 * 16 + 1) + last * h * w // 2 ** 4 + last * 1000
    for stage, depth in enumerate(config.depths):
        tokens, channels = (h >> stage) * (w >> stage), c << stage
        side = h >> stage
        for j in range(depth):
            windows = (side / m + 1) ** 2 if j % 2 and side > m else (side / m) ** 2
            official += 2 * tokens * channels + windows * channels * m ** 4 + 8 * tokens * channels ** 2
        if stage < 3:
            official += tokens * channels + tokens // 4 * 8 * channels ** 2
    counted = total(layer_costs(config)).multiply_adds
    assert round(counted / 1e9, 1) == PUBLISHED[variant][1]
    assert counted == official - last * h * w * (1 / 2 ** 4 - 1 / 2 ** 6)                  # see layer_norm_cost


@variants
def test_the_parameters_of_the_layers_are_those_of_the_model(variant):
    config = SWIN_MIXER_VARIANTS[variant]
    assert total(layer_costs(config)).parameters == SwinMixer.random(config, None).parameter_count()


@pytest.mark.parametrize(("config", "size"), [
    (TINY, (64, 96)), (CONFIGS["window clamped in the last stage"], (64, 64)),
    (replace(TINY, shape_policy=TORCHVISION, window_size=3), (70, 33)),     # ceil(M/2) would make fewer windows of 8
    (replace(TINY, shape_policy=TORCHVISION, window_size=((3, 5), 2)), (70, 33)),          # of each stage
    (replace(TINY, shape_policy=MMDETECTION), (23, 41))])
def test_the_spatial_mlps_cost_what_a_forward_pass_does(config, size):
    model = redrawn(config)
    with trace(model, "*.spatial_mlp") as outputs:
        model(draw_images(config, size=size))
    costs = {cost.name: cost for cost in layer_costs(config, size, np.float64) if cost.kind == "spatial mlp"}
    assert list(costs) == list(outputs)
    for name, output in outputs.items():
        one_image = output[:len(output) // 2]          # of two
        weight = model.state_dict()[f"{name}.weight"]
        assert costs[name].output_shape == one_image.shape
        assert costs[name].activation_bytes == one_image.nbytes
        assert costs[name].multiply_adds == one_image.size * weight.shape[1]
        assert costs[name].parameters == weight.size + len(weight)


def test_all_other_layers_cost_what_they_cost_in_a_swin_transformer():
    swin = SwinConfig((64, 96), embed_dim=12, depths=(2, 2), num_heads=(2, 4), window_size=4, num_classes=20)
    theirs = {cost for cost in swin_layer_costs(swin) if ".attn" not in cost.name}
    assert {cost for cost in layer_costs(TINY) if cost.kind != "spatial mlp"} == theirs


def test_a_shift_makes_one_more_window_on_each_axis():
    regular, shifted = (spatial_mlp_cost("", TINY, 0, (16, 24), shift) for shift in (False, True))
    assert (regular.output_shape[0], shifted.output_shape[0]) == (4 * 6, 5 * 7)


def test_the_counts_of_another_kind_of_model_are_refused():
    with pytest.raises(ConfigurationError, match="got a SwinConfig"):
        layer_costs(SwinConfig())


def test_windows_for_which_the_spatial_mlp_is_not_made_are_refused(rng):
    with pytest.raises(ShapeError, match="4x4 tokens do not fit a spatial MLP for 9"):
        swin_mixer.mix_windows(rng.standard_normal((2, 4, 4, 6)), SpatialMlp.random((3, 3), 2, rng))


@pytest.mark.parametrize(("changes", "message"), [
    ({"qkv_bias": False}, "no queries"), ({"qk_scale": 0.5}, "no queries"), ({"num_heads": (5, 4)}, "heads")])
def test_a_configuration_that_no_model_can_have_is_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        replace(TINY, **changes)


def test_a_state_dict_of_a_swin_transformer_is_refused():
    with pytest.raises(StateDictError, match=r"attn\.qkv\.weight"):
        SwinMixer.random(TINY).load_state_dict({"layers.0.blocks.0.attn.qkv.weight": np.zeros((36, 12))})


def test_a_state_dict_survives_the_way_out_and_in():
    model, twin = redrawn(TINY, np.float32), SwinMixer.random(TINY, None)
    twin.load_state_dict(model.state_dict())
    images = draw_images(TINY, np.float32)
    np.testing.assert_array_equal(twin(images), model(images))


def test_images_of_another_dtype_than_the_model_are_refused():
    with pytest.raises(InputError, match="float64"):
        redrawn(TINY, np.float32)(draw_images(TINY))

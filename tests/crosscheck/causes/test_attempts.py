"""What is tried beyond the catalogue: sums of a block, parameters, values and images, on points of a NumPy model."""

from contextlib import nullcontext

import numpy as np
import pytest

from swin_np import edit, trace
from swin_np.crosscheck.causes.activations import COARSE, USUAL
from swin_np.crosscheck.causes.cause import replaced
from swin_np.functional import erf
from swin_np.layers import LayerNorm
from tests.crosscheck.models import check, every_point, model_and_images, module_outputs


def points_with(change):
    """The outputs of modules of a copy of the model, changed by `change(model)`, which may give a context."""
    model = model_and_images()[0].astype(np.float32)
    with change(model) or nullcontext(), trace(model) as recorded:
        model(model_and_images()[1])
    return module_outputs(dict(recorded))


def set_parameter(name, change):
    """A change of one parameter, by its official name."""
    def apply(model):
        model.state_dict()[name][:] = change(model.state_dict()[name].copy())
    return apply


PARAMETERS = {
    "The bias is left out": ("layers.0.blocks.0.mlp.fc1.bias", np.zeros_like),
    "added twice": ("layers.1.blocks.0.attn.proj.bias", lambda x: 2 * x),
    "subtracted": ("layers.0.blocks.1.mlp.fc2.bias", np.negative),
    "query bias of layers.0.blocks.0.attn.qkv.bias is added twice": (
        "layers.0.blocks.0.attn.qkv.bias", lambda x: np.where(np.arange(36) < 12, 2 * x, x)),
    "1 is added": ("layers.1.blocks.1.norm1.weight", lambda x: 1 + x),
    "The weight of the norm is left out": ("layers.1.blocks.1.norm2.weight", np.ones_like),
    "last channel to the first": ("norm.bias", lambda x: x[::-1]),
    "fc1.weight is transposed and then reshaped": ("layers.0.blocks.0.mlp.fc1.weight",
                                                   lambda x: x.T.reshape(x.shape)),
    "columns of displacements": ("layers.0.blocks.0.attn.relative_position_bias_table",
                                 lambda x: x.reshape(5, 5, -1)[:, ::-1].reshape(x.shape)),
}


@pytest.mark.parametrize("says", PARAMETERS)
def test_a_parameter_that_was_changed_is_named(says):
    name, change = PARAMETERS[says]
    finding, = check(points_with(set_parameter(name, change))).findings
    assert finding.kind == "solved"
    assert says in finding.sentence
    assert name.rpartition(".")[0].startswith(finding.module)


def test_a_norm_with_the_parameters_of_another_is_named():
    def exchange(model):
        norms = model.layers[0].blocks[0].norm1, model.layers[0].blocks[0].norm2
        for field in ("weight", "bias"):
            setattr(norms[0], field, getattr(norms[1], field))
    finding, = check(points_with(exchange)).findings
    assert finding.sentence == "layers.0.blocks.0.norm1 has the parameters of layers.0.blocks.0.norm2."


SUMS = {
    "attention is added twice: output = 1 x + 2 attn + 1 mlp": lambda z, n1, a, n2, m: (z + 2 * a, z + 2 * a + m),
    "branch of the MLP is multiplied by 0.3": lambda z, n1, a, n2, m: (z + a, z + a + 0.3 * m),
    "attention is multiplied by -1": lambda z, n1, a, n2, m: (z - a, z - a + m),
    "result of norm2 is added instead": lambda z, n1, a, n2, m: (z + a, n2 + m),
    "image 0: output = 1 x + 1.25 attn + 1 mlp; image 1: output = 1 x + 0 attn + 1 mlp": lambda z, n1, a, n2, m: (
        z + a * np.array([1.25, 0], z.dtype)[:, None, None, None],
        z + a * np.array([1.25, 0], z.dtype)[:, None, None, None] + m),
}


@pytest.mark.parametrize("blocks_only", [False, True], ids=["all modules", "blocks only"])
@pytest.mark.parametrize("says", SUMS)
def test_another_sum_of_a_block_is_solved_for(says, blocks_only):
    def change(model):
        block = model.layers[0].blocks[1]

        def forward(z):
            n1 = block.norm1(z)
            a = block.attend(n1)
            n2 = block.norm2(SUMS[says](z, n1, a, 0 * z, 0 * z)[0])
            return SUMS[says](z, n1, a, n2, block.mlp(n2))[1]

        return replaced(block, forward=forward)

    points = points_with(change)
    if blocks_only:
        points = {name: value for name, value in points.items() if name.count(".") in (1, 3) or name == "output"}
    finding, = check(points).findings
    assert finding.module == "layers.0.blocks.1"
    assert says in finding.sentence


def test_a_change_of_all_norms_is_one_finding():
    def change(model):
        for name, value in model.state_dict().items():
            if "norm" in name and name.endswith("weight"):
                value += 1
    finding, = check({name: value for name, value in points_with(change).items()
                      if name.count(".") == 3 or name == "output"}).findings
    assert finding.sentence == "1 is added to the weights of all norms: x (1 + w) instead of x w."


def test_a_layer_scale_is_told_from_its_range():
    def change(model):
        gamma = np.linspace(0.1, 0.3, 12).astype(np.float32)
        mlp = model.layers[0].blocks[0].mlp
        model.layers[0].blocks[0].mlp = lambda x: gamma * mlp(x)
    finding, = check({name: value for name, value in points_with(change).items() if ".mlp" not in name}).findings
    assert "channel by channel, by 0.1 to 0.3, as by a layer scale" in finding.sentence


def zero_tile(x):
    x[:, 2:5, 4:9] = 0
    return x


VALUES = {
    "the values are clamped to -1..1": lambda x: x.clip(-1, 1),
    "clamped from above at 0.75": lambda x: np.minimum(x, 0.75),
    "30 of 384 tokens are 0 (rows 2-4, columns 4-8 of the map)": zero_tile,
}


@pytest.mark.parametrize("says", VALUES)
def test_values_that_are_clamped_or_missing_are_told(says):
    model, images = model_and_images()
    with trace(model) as recorded, edit(model, "layers.0.blocks.0", VALUES[says]):
        model(images)
    finding, = check(module_outputs(dict(recorded))).findings
    assert says in finding.sentence
    assert finding.module == "layers.0.blocks.0"


def test_a_mistake_in_one_image_is_told_with_the_image():
    right, wrong = every_point(), every_point("no-mask")
    mixed = {}
    for name, value in module_outputs(right).items():
        half = len(value) // 2
        mixed[name] = np.concatenate([value[:half], wrong[name][half:]])
    finding = check(mixed).findings[0]
    assert finding.sentence.startswith("Only in images 1 of 2")
    assert "There is no mask" in finding.sentence


def test_a_window_that_is_a_copy_of_another_is_told():
    points = every_point()
    windows = points["layers.0.blocks.1.attn.windows"].copy()
    windows[5] = windows[4]
    names = list(points)[:list(points).index("layers.0.blocks.1.attn.windows")]
    finding, = check({name: points[name] for name in names} | {"layers.0.blocks.1.attn.windows": windows}).findings
    assert "1 of the 48 windows are copies of others: number 5 is ours numbered 4" in finding.sentence


@pytest.mark.parametrize("name", [name for name in COARSE if "off by" in name])
def test_approximations_of_erf_are_as_far_off_as_they_say(name, rng):
    x = rng.standard_normal(100_000) * 2
    bound = float(name.split("off by ")[1].rstrip(")"))
    assert 0.5 * bound < np.abs(COARSE[name](x) - erf(x)).max() < 1.1 * bound


def test_the_usual_activations_are_those_of_torch(rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal(1000) * 4
    names = {"SiLU": "silu", "hard swish": "hardswish", "ReLU6": "relu6", "leaky": "leaky_relu", "ELU": "elu",
             "softplus": "softplus", "Mish": "mish", "tanh": "tanh"}
    for start, other in names.items():
        name = next(name for name in USUAL if name.startswith(start))
        theirs = getattr(torch.nn.functional, other)(torch.from_numpy(x)).numpy()
        assert np.abs(USUAL[name](x) - theirs).max() < 1e-6


def test_attributes_are_put_back():
    norm = LayerNorm.identity(3)
    before = dict(vars(norm))
    with replaced(norm, weight=0, forward=abs):
        assert norm.forward is abs
    assert vars(norm) == before

"""What a user's type checker sees: the public functions and classes have the types that they are documented with."""

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is not installed")

ROOT = Path(__file__).parents[2]
PROGRAM = """
from typing import assert_type

import swin_np
from swin_np import attention, block, functional, images, model, patches, ragged, windows
from swin_np.crosscheck.record import Trace
from swin_np.functional import Array

x = images.load("photo.jpg")
assert_type(x, Array)
assert_type(images.preprocess(x, images.PRESETS["microsoft"]), Array)
assert_type(functional.softmax(functional.linear(x, x, None)), Array)
assert_type(patches.patch_merging(patches.patch_partition(x, 4)), Array)
assert_type(windows.window_reverse(windows.window_partition(x, (7, 7)), (56, 56)), Array)
assert_type(windows.attention_mask((8, 8), 4, 2), Array | None)
assert_type(attention.relative_position_index(7), Array)
swin = swin_np.SwinTransformer.random(swin_np.SwinConfig(img_size=(224, 256)))
assert_type(swin, swin_np.SwinTransformer)
assert_type(swin.layers[0].blocks[1], block.SwinTransformerBlock)
assert_type(swin.features(x), Array)
assert_type(swin.feature_maps(x), list[Array])
assert_type(swin.state_dict(), dict[str, Array])
any_system = swin_np.build("swin_t", num_classes=10)      # which class depends on the name
print([feature_map.shape for feature_map in any_system.feature_maps(x)], swin_np.load("swin.pth")(x).shape)
with swin_np.threads(2), swin_np.trace(swin) as activations:
    assert_type(activations, Trace)
"""
WRONG = """
from swin_np.windows import window_partition

window_partition([1, 2, 3], 4)
window_partition(window="seven")
"""


def checked(program: str, tmp_path: Path) -> str:
    """What mypy, strict, says of a program that uses the library."""
    (tmp_path / "program.py").write_text(program)
    said, _, _ = api.run(["--strict", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'users'}",
                          str(tmp_path / "program.py")])
    return "\n".join(line for line in said.splitlines() if "program.py" in line)


@pytest.fixture(autouse=True)
def from_the_repository(monkeypatch):
    monkeypatch.setenv("MYPYPATH", str(ROOT))


def test_the_public_functions_have_the_types_that_they_are_documented_with(tmp_path):
    assert checked(PROGRAM, tmp_path) == ""


def test_a_wrong_argument_is_found_behind_the_door(tmp_path):
    said = checked(WRONG, tmp_path)
    assert 'Argument 1 to "window_partition" has incompatible type "list[int]"' in said
    assert 'Missing positional argument "x" in call to "window_partition"' in said

"""What the notebooks show: pictures and animations with descriptions, the library's source."""

import io

import numpy as np
import pytest
from matplotlib.animation import FuncAnimation
from PIL import Image, ImageSequence

from swin_np.errors import InputError
from swin_np.notebook import Markdown, pixels, show, show_animation, show_source
from swin_np.patches import PatchMerging
from swin_np.plots.style import new_figure
from swin_np.windows import cyclic_shift, shifted_window_mask

LEVELS = 24                                            # of 255: what 128 colours may cost


def striped(number: int = 1):
    figure = new_figure(3, 2)
    figure.subplots().imshow(np.arange(12).reshape(3, 4) * number % 5)
    return figure


def test_a_picture_shows_the_figure_and_carries_its_description():
    data, metadata = show(striped(), "stripes")._repr_mimebundle_()
    assert data["text/plain"] == "<picture: stripes>" and metadata == {"image/png": {"alt": "stripes"}}
    assert data["image/png"].startswith("iVBORw0KGgo")                  # a PNG in base 64


def test_the_palette_is_hardly_seen():
    shown = np.asarray(Image.open(io.BytesIO(show(striped(), "stripes").png)).convert("RGB")).astype(int)
    assert np.abs(shown - np.asarray(pixels(striped()))).max() <= LEVELS
    assert (shown[0, 0] == 255).all()                  # white stays white


def test_a_picture_is_the_same_bytes_every_time():
    assert show(striped(), "stripes").png == show(striped(), "stripes").png


def test_an_animation_has_every_frame_in_its_order_and_plays_for_ever():
    figure = new_figure(2, 2)
    axes = figure.subplots()
    animation = FuncAnimation(figure, lambda number: axes.set_facecolor((number / 4, 0, 0)), [0, 1, 2, 3, 4])
    image = Image.open(io.BytesIO(show_animation(animation, "from black to red", seconds=0.5).png))
    reds = [frame.convert("RGB").getpixel((100, 100))[0] for frame in ImageSequence.Iterator(image)]
    assert image.n_frames == 5 and image.info["loop"] == 0 and image.info["duration"] == 500
    assert reds == pytest.approx([0, 64, 128, 191, 255], abs=2)


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_picture_without_description_is_refused(alt):
    with pytest.raises(InputError, match="say in a sentence"):
        show(striped(), alt)


@pytest.mark.parametrize(("thing", "file", "head", "end"), [
    (cyclic_shift, "swin_np/windows.py", "@moves(x=\"B H W C\")\ndef cyclic_shift(",
     "return np.roll(x, (-down, -right), axis=(1, 2))"),
    (shifted_window_mask, "swin_np/windows.py", "@takes()\n@lru_cache(maxsize=64)\ndef", "return mask"),
    (PatchMerging, "swin_np/patches.py", "@dataclass(eq=False, repr=False)\nclass PatchMerging",
     "return patch_merging(x)"),
])
def test_the_source_is_the_real_one_and_says_where_it_is(thing, file, head, end):
    shown = show_source(thing)
    assert shown._repr_markdown_().startswith(f"`{file}`\n```python\n{head}")
    assert shown._repr_markdown_().endswith(f"{end}\n```")


def test_markdown_is_its_text_elsewhere():
    assert repr(Markdown("a *b*")) == Markdown("a *b*")._repr_markdown_() == "a *b*"

"""What the notebooks show: pictures with alternative text, animations, the library's own source, sliders."""

import base64
import inspect
import io
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.animation import AbstractMovieWriter, Animation
from matplotlib.figure import Figure
from PIL import Image

from swin_np.errors import InputError, SwinError
from swin_np.plots.saving import OPTIONS, palette_of
from swin_np.plots.style import HOUSE_STYLE


@dataclass(frozen=True, repr=False)
class Picture:
    """A PNG, perhaps an animated one, that a notebook displays; whoever cannot see it reads `alt`."""

    png: bytes
    alt: str

    def __repr__(self) -> str:
        return f"<picture: {self.alt}>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        content = base64.b64encode(self.png).decode("ascii")
        return {"image/png": content, "text/plain": repr(self)}, {"image/png": {"alt": self.alt}}


@HOUSE_STYLE
def pixels(figure: Figure) -> Image.Image:
    """The figure as an RGB image, 100 pixels an inch."""
    content = io.BytesIO()
    figure.savefig(content, format="png", **OPTIONS[".png"])
    return Image.open(content).convert("RGB")


def check_alt(alt: str) -> None:
    """Raise InputError for a picture that nobody describes."""
    if not alt.strip():
        raise InputError("the picture has an empty description: say in a sentence what there is to see in it")


def show(figure: Figure, alt: str) -> Picture:
    """The figure as a cell's last value; `alt` says in a sentence what there is to see in it."""
    check_alt(alt)
    content = io.BytesIO()
    palette_of(pixels(figure)).save(content, "png", optimize=True)
    return Picture(content.getvalue(), alt)


class Frames(AbstractMovieWriter):
    """Takes the frames of an animation as images; matplotlib's own writers need a file, and some of them ffmpeg."""

    def __init__(self):
        super().__init__()
        self.images: list[Image.Image] = []

    def setup(self, fig: Figure, outfile: str, dpi: float | None = None) -> None:
        super().setup(fig, outfile, dpi)

    def grab_frame(self, **savefig_options) -> None:
        self.images.append(pixels(self.fig))

    def finish(self) -> None:
        pass


def show_animation(animation: Animation, alt: str, seconds: float = 1.0) -> Picture:
    """The animation as a cell's last value, over and over, each frame for `seconds`; print shows the first.

    An animated PNG: it plays wherever a PNG is shown, also in a page without scripts, and ffmpeg is not needed.
    """
    check_alt(alt)
    frames = Frames()
    animation.save("frames", writer=frames)
    width, height = frames.images[0].size
    film = Image.new("RGB", (width, height * len(frames.images)))
    for number, image in enumerate(frames.images):
        film.paste(image, (0, height * number))
    film = palette_of(film)                            # one palette for all frames
    first, *others = [film.crop((0, top, width, top + height)) for top in range(0, film.height, height)]
    content = io.BytesIO()
    first.save(content, "png", save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)
    return Picture(content.getvalue(), alt)


@dataclass(frozen=True)
class Markdown:
    """Markdown that a notebook displays; elsewhere it is the text."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def show_source(thing: Callable | type) -> Markdown:
    """The real source of a function or class of the library, its docstring included, as a cell's last value."""
    file = inspect.unwrap(thing).__module__.replace(".", "/") + ".py"
    return Markdown(f"`{file}`\n```python\n{inspect.getsource(thing)}```")


def sliders(draw: Callable[..., Figure], **ranges: tuple[int, int, int] | list) -> None:
    """The figure that `draw` makes of numbers that the reader sets, as with `ipywidgets.interact`.

    ranges: (least, most, step) for a slider, or a list of values to choose from. Where the numbers do not fit each
    other, the sentence of the library's error stands in place of the figure. In a notebook:
    `sliders(plots.nine_regions, map_size=(8, 16, 2), window=(2, 8, 1), shift=(0, 7, 1))`.
    """
    from IPython.display import display  # here, since only a notebook has them
    from ipywidgets import interact

    def draw_or_say(**numbers) -> None:
        try:
            display(show(draw(**numbers), f"{draw.__name__} with {numbers}"))
        except SwinError as error:
            print(error)

    interact(draw_or_say, **ranges)

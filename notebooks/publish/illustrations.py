"""What a slide shows beside its text: pictures of the library, and its source, inside of the page."""

import ast
import inspect
import io
import re
from base64 import b64encode
from functools import cache
from html import escape
from pydoc import locate
from textwrap import dedent

from matplotlib.figure import Figure
from PIL import Image

from notebooks.publish.files import NotebookError
from notebooks.publish.rendering import python
from notebooks.talk.figures import FIGURES
from notebooks.translate.labels import translate
from notebooks.translate.languages import ENGLISH, Language
from swin_np.arguments.names import check_name
from swin_np.notebook import palette_of
from swin_np.plots.saving import OPTIONS, number_clips
from swin_np.plots.style import HOUSE_STYLE

SHARP = 180                                            # pixels an inch: two for each of a slide of 1280 pixels
LARGE = 60_000                                         # bytes of an SVG: photographs, and maps of many cells


@HOUSE_STYLE
def as_svg(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="svg", **OPTIONS[".svg"])
    return number_clips(content.getvalue())


@HOUSE_STYLE
def as_png(figure: Figure) -> bytes:
    content, small = io.BytesIO(), io.BytesIO()
    figure.savefig(content, format="png", dpi=SHARP)
    palette_of(Image.open(content).convert("RGB")).save(small, "png", optimize=True)
    return small.getvalue()


@cache
def picture(name: str, language: Language = ENGLISH) -> str:
    """The address of a picture, with its content inside, for pages of a language: SVG, or PNG where that is large."""
    check_name("figure", name, FIGURES)
    figure = translate(FIGURES[name](), language)
    kind, content = "svg+xml", as_svg(figure)
    if len(content) > LARGE:
        kind, content = "png", as_png(figure)
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"


def figure_html(argument: str, language: Language) -> str:
    """A picture with its text for who cannot see it; NotebookError without one."""
    name, _, alt = (part.strip() for part in argument.partition("|"))
    if not alt:
        raise NotebookError(f"the picture {name!r} of the talk has no description: write it behind a '|'")
    return f'<figure><img src="{picture(name, language)}" alt="{escape(alt)}"></figure>'


def short_source(name: str) -> tuple[str, str]:
    """The file of a function or method, and its source without decorators and docstring; NotebookError if unknown."""
    thing = locate(name)
    if not callable(thing):
        raise NotebookError(f"the talk shows the source of {name!r}, expected a function of the library: give its name "
                            "with that of its module")
    thing = inspect.unwrap(thing)
    lines = dedent(inspect.getsource(thing)).splitlines()
    function = ast.parse("\n".join(lines)).body[0]
    if ast.get_docstring(function):
        del lines[function.body[0].lineno - 1:function.body[0].end_lineno]
    code = "\n".join(lines[function.lineno - 1:]).strip()
    return thing.__module__.replace(".", "/") + ".py", re.sub(r" +(#.*)$", r"  \1", code, flags=re.MULTILINE)


def code_html(argument: str) -> str:
    file, code = short_source(argument.strip())
    return f'<div class="code"><p class="file">{file}</p>{python(code)}</div>'

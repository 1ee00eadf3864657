"""An extension of IPython for the kernel of a notebook that is run for its pictures in another language.

The cells and what they print stay as they are: only what swin_np.notebook draws is translated, and every picture says
in its metadata which labels it had.
"""

import os

from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from PIL import Image

from notebooks.translate.labels import labels_of, read_labels, translate
from notebooks.translate.languages import find_language
from swin_np import notebook

VARIABLE = "SWIN_NP_PICTURES"                          # the code of the language


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Let swin_np.notebook draw in the language that SWIN_NP_PICTURES names."""
    language = find_language(os.environ[VARIABLE])
    table, drawn, plain = read_labels(language.folder), {}, notebook.pixels

    def pixels(figure: Figure) -> Image.Image:
        drawn.update((label, table.of(label)) for label in labels_of(figure) if label not in table.made)
        return plain(translate(figure, language))

    class Picture(notebook.Picture):
        """One that knows the labels that were drawn since the one before it."""

        def __init__(self, png: bytes, alt: str):
            super().__init__(png, alt)
            object.__setattr__(self, "labels", {label: text for label, text in drawn.items() if text != label})
            drawn.clear()

        def _repr_mimebundle_(self, include=None, exclude=None):
            data, metadata = super()._repr_mimebundle_(include, exclude)
            metadata["image/png"]["labels"] = self.labels
            return data, metadata

    notebook.pixels, notebook.Picture = pixels, Picture

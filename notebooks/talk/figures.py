"""All pictures of the talks, by the name that the texts call them by."""

from notebooks.talk import res2net, swin

FIGURES = {**swin.PICTURES, **res2net.PICTURES}

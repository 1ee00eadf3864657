"""A small model with large random weights, its reference, and candidates of it."""

from functools import cache

import numpy as np

from swin_np import SwinConfig, SwinTransformer, trace
from swin_np.crosscheck.candidates import candidate_of
from swin_np.crosscheck.clock import UNLIMITED
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Report
from swin_np.functional import Array
from swin_np.layers import redraw
from swin_np.mistakes.catalogue import CATALOGUE, planted
from swin_np.shape_policy import TRANSFORMERS

CONFIG = SwinConfig((24, 32), patch_size=2, num_classes=7, embed_dim=12, depths=(2, 2), num_heads=(2, 3), window_size=3,
                    mlp_ratio=2, shape_policy=TRANSFORMERS)


@cache
def model_and_images(seed: int = 3) -> tuple[SwinTransformer, Array]:
    model = SwinTransformer.random(CONFIG)
    redraw(model, seed)
    return model, np.random.default_rng(0).standard_normal((2, 3, *CONFIG.img_size), np.float32)


@cache
def reference() -> Reference:
    return Reference.of(*model_and_images())


def every_point(*mistakes: str, model: SwinTransformer | None = None) -> dict[str, Array]:
    """The trace in float32, with these mistakes of the catalogue planted."""
    own, images = model_and_images()
    with planted(*(CATALOGUE[name] for name in mistakes)), trace(model or own) as recorded:
        (model or own)(images)
    return dict(recorded)


def module_outputs(points: dict[str, Array]) -> dict[str, Array]:
    """What a port usually has at hand: no steps inside attention."""
    modules = {name or "output" for name, _ in model_and_images()[0].named_modules()}
    return {name: value for name, value in points.items() if name in modules}


def check(points: dict[str, Array], **options) -> Report:
    return crosscheck(reference(), candidate_of(points), **{"clock": UNLIMITED, **options})

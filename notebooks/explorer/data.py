"""What the page has from the library: policies, the probes with their boards, the variants, sources and equations."""

import base64
import inspect
from dataclasses import asdict
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np

from notebooks.explorer.parts import PARTS, Part
from notebooks.publish.files import ROOT
from notebooks.publish.mathematics import mathml
from notebooks.publish.pages import PAGE
from notebooks.publish.rendering import EXPLORER, page_of_module
from notebooks.translate.languages import ENGLISH, Language, languages
from swin_np.functional import Array, pair
from swin_np.plots.style import BLUE, NAVY, ORANGE, PALE, VERMILION
from swin_np.probes import ABLATIONS, TASKS, Task, load_probe, probe_config
from swin_np.probes.tasks import GAIN, MIDDLE, SIDE, TILE, render
from swin_np.shape_policy import SHAPE_POLICIES
from swin_np.variants import VARIANTS, SwinConfig
from swin_np.windows import MASK_VALUE

EXAMPLES = 12                                          # boards of each task
SEED = 20210325                                        # of these boards and of the pixels


def numbers(array: Array) -> dict[str, Any]:
    """An array as the page reads it: its shape, and its values as float32 in base64, little-endian."""
    return {"shape": array.shape, "float32": base64.b64encode(array.astype("<f4").tobytes()).decode()}


def pixels() -> list[dict[str, Any]]:
    """Four images (3, 32, 32) as `render` makes them: a board without marks, and boards full of one colour each.

    A tile is rendered without regard to its neighbours, so that every board can be put together from their tiles.
    """
    rng = np.random.default_rng(SEED)
    return [numbers(render(np.full((1, SIDE, SIDE), mark), rng)[0]) for mark in range(4)]


def probe(task: Task) -> dict[str, Any]:
    """A task with its trained models and some boards (16, 16) of its own."""
    boards = task.draw(EXAMPLES, np.random.default_rng(SEED))
    weights = {ablation: {name: numbers(array) for name, array in load_probe(task.name, ablation).state_dict().items()}
               for ablation in ABLATIONS}
    return {"answers": task.answers, "weights": weights, "examples": boards.marks.reshape(EXAMPLES, -1).tolist()}


def configuration(config: SwinConfig) -> dict[str, Any]:
    """What the page's own counts and its own forward pass need of a configuration."""
    return {"image": pair(config.img_size), "patch": pair(config.patch_size), "channels": config.embed_dim,
            "depths": config.depths, "heads": config.num_heads, "window": config.window(0),
            "ratio": config.mlp_ratio, "classes": config.num_classes, "policy": config.shape_policy.name}


def shown(part: Part, language: Language) -> dict[str, Any]:
    """A part of the model: its equation, the library's lines that compute it, and where to read on."""
    sources = []
    for function in part.sources:
        lines, first = inspect.getsourcelines(function)
        file = Path(inspect.getsourcefile(inspect.unwrap(function)))
        page, anchor = page_of_module(file), function.__qualname__.partition(".")[0]
        sources.append({"file": file.relative_to(ROOT).as_posix(), "line": first, "text": dedent("".join(lines)),
                        "page": f"{language.up}{page}#{anchor}"})
    return {"equation": mathml(part.equation, block=True), "sources": sources,
            "notebook": {"page": f"{language.way_to(part.notebook)}{part.notebook}{PAGE}", "name": part.notebook}}


def everything(language: Language = ENGLISH) -> dict[str, Any]:
    """All data of the page in a language."""
    return {
        "policies": {name: asdict(policy) for name, policy in SHAPE_POLICIES.items()},
        "probes": {name: probe(task) for name, task in TASKS.items()},
        "probe": configuration(probe_config("same")),
        "pixels": pixels(),
        "board": {"side": SIDE, "tile": TILE, "middle": MIDDLE, "gain": GAIN},
        "mask_value": MASK_VALUE,
        "variants": {name: configuration(config) for name, config in VARIANTS.items()},
        "parts": {name: shown(part, language) for name, part in PARTS.items()},
        "languages": [{"name": other.name, "lang": other.lang, "address": f"{language.up}{other.place}{EXPLORER}"}
                      for other in languages().values() if other.has_explorer and other != language],
        "palette": {"pale": PALE, "orange": ORANGE, "blue": BLUE, "navy": NAVY, "vermilion": VERMILION},
    }

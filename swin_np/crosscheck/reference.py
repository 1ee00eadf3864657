"""The reference of a cross-check: a model, its images, the truth at every point, and how far rounding goes there."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import numpy as np

from swin_np.arguments.image_batches import check_images
from swin_np.checkpoints.dialects.swin import recognise
from swin_np.checkpoints.dialects.translation import to_official
from swin_np.checkpoints.files import read
from swin_np.checkpoints.formats import strict_json
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.crosscheck.architectures import checked
from swin_np.crosscheck.arithmetic.emulation import emulated, emulated_points
from swin_np.crosscheck.arithmetic.schemes import FLOAT32, Arithmetic
from swin_np.crosscheck.candidates import STATE_PREFIX, candidate_of
from swin_np.crosscheck.configurations import ARCHITECTURE, configuration, stated
from swin_np.crosscheck.layouts import Axes, axes_of
from swin_np.crosscheck.noise import EPSILON, Rounding, root_mean_square, rounding_of
from swin_np.crosscheck.plain_products import plain_products
from swin_np.crosscheck.record import trace
from swin_np.errors import InputError, SwinError
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.shape_policy import TORCHVISION
from swin_np.systems.registry import Config, architecture_of, image_size


@dataclass(frozen=True)
class Reference:
    """The truth to compare with.

    points: by name, in the order of computation, float64 if they come from a model. rounding: the errors of a float32
        run at each. model: in float64, or None if only a trace was given: then nothing can be diagnosed.
    single: the model in float32, its weights displaced by up to half a unit in the last place, as those of a 16-bit
        port are. images: (B, 3, H, W) float64, or None as the model.
    arithmetic: what `model` and `single` emulate; if it is not float32, exact is the model without it, slack how far
        correct numbers may be from emulated ones, over the noise, and noise how far at each point a whole run in it is
        from the truth; expected: the same as root mean square over the truth's.
    """

    points: dict[str, Array]
    rounding: dict[str, Rounding]
    config: Config | None
    image_size: tuple[int, int]
    model: Module | None = None
    single: Module | None = None
    images: Array | None = None
    arithmetic: Arithmetic = FLOAT32
    exact: Module | None = None
    slack: float = 0.0
    noise: dict[str, Rounding] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Module, images: Array) -> "Reference":
        """Run the model on images (B, 3, H, W), already normalised; errors as the model's.

        Raises InputError for an architecture that is not cross-checked.
        """
        checked(model.config)
        model, single = model.astype(np.float64), displaced(model.astype(np.float32))
        images = np.asarray(images)
        if images.ndim == 3:
            images = images[None]
        if not np.issubdtype(images.dtype, np.floating):
            check_images(images, model.config.in_chans, model.dtype)   # which says what to do
        images = images.astype(np.float64)
        with trace(model) as double_points:
            model(images)
        with plain_products(), trace(single) as single_points:
            single(displace(images.astype(np.float32), np.random.default_rng(0)))
        points = {"input": images, **double_points}
        rounding = {name: rounding_of(single_points[name], value) for name, value in double_points.items()}
        rounding["input"] = rounding_of(images.astype(np.float32), images)
        return cls(points, rounding, model.config, images.shape[2:], model, single, images)

    @classmethod
    def of_points(cls, points: dict[str, Array], config: Config | None) -> "Reference":
        """A trace without its model: rounding is taken to be a few units in the last place, growing with the depth."""
        images = points.get("input")
        size = images.shape[2:] if images is not None else image_size(config) if config is not None else (0, 0)
        points = {name: value.astype(np.float64) for name, value in points.items()}
        growth = np.linspace(1, 10, len(points))
        rounding = {name: rounding_of(value, value).scaled(factor)
                    for (name, value), factor in zip(points.items(), growth, strict=True)}
        return cls(points, rounding, config, tuple(size))

    def computing_in(self, arithmetic: Arithmetic, slack: float) -> "Reference":
        """The same reference with models that emulate an arithmetic."""
        model = emulated(self.model, arithmetic)
        points = emulated_points(model, self.images)
        noise = {name: rounding_of(value, self.points[name]) for name, value in points.items()}
        expected = {name: root_mean_square(value - self.points[name]) / root_mean_square(self.points[name])
                    for name, value in points.items() if np.any(self.points[name])}
        return replace(self, model=model, single=emulated(self.single, arithmetic), exact=self.model,
                       arithmetic=arithmetic, slack=slack, noise=noise, expected=expected)

    @cached_property
    def axes(self) -> dict[str, Axes]:
        """The axes of every point."""
        return {name: axes_of(name, value.shape, self.config, self.image_size) for name, value in self.points.items()}

    @cached_property
    def modules(self) -> set[str]:
        """The names of all modules, and of the two points that are no module's."""
        return {name for name, _ in self.model.named_modules()} | {"input", "output"}

    def module_of(self, point: str) -> str:
        """The module of the model to which a point belongs: without the step inside an attention."""
        while point not in self.modules:
            point = point.rpartition(".")[0]
        return point

    def modules_of(self, points: Iterable[str]) -> tuple[str, ...]:
        """The modules of these points, each once."""
        return tuple(dict.fromkeys(map(self.module_of, points)))

    def save(self, path: str | Path, source: str, pattern: str = "") -> list[str]:
        """Write weights, configuration, images and points to a .npz, in the layout of the golden files.

        pattern: which points, as in a shell; "" for the output of every larger module, which is enough, since the
        others follow from the weights. Gives the names stored; InputError if the file cannot be written.
        """
        patterns = (pattern,) if pattern else checked(self.config).main
        kept = {name: value for name, value in self.points.items() if name != "input"
                and any(fnmatchcase(name, each) for each in patterns)}
        arrays = {STATE_PREFIX + name: value.astype(np.float32) for name, value in self.model.state_dict().items()}
        arrays |= {"input": self.images.astype(np.float32)}
        if "output" in self.points:                    # a pyramid has several
            arrays |= {"logits_float64": self.points["output"]}
        arrays |= {f"float64/{name}": value for name, value in kept.items()}
        write_npz(path, arrays, {"source": source, "config": json.dumps(stated(self.config))})
        return list(kept)


def displace(value: Array, rng: np.random.Generator) -> Array:
    """The value times 1 + u, with u drawn within half a unit in the last place of float32; float32."""
    u = rng.uniform(-0.5, 0.5, value.shape) * EPSILON["float32"]
    return (value * (1 + u)).astype(np.float32)


def displaced(model: Module) -> Module:
    """The model with every parameter displaced; the same every time."""
    rng = np.random.default_rng(1)
    model.place({name: displace(value, rng) for name, value in model.state_dict().items()})
    return model


def read_reference(path: str | Path, progress: Callable[[str], None] = lambda line: None) -> Reference:
    """The reference in a file of `swin-np dump`, a golden file, or (points only) a trace that was saved.

    Raises CheckpointError for a file that cannot be read, InputError for one that is none of these.
    """
    stored = read(path)
    state = {name.removeprefix(STATE_PREFIX): value for name, value in stored.tensors.items()
             if name.startswith(STATE_PREFIX)}
    try:
        settings = strict_json.parse(stored.metadata.get("config", "{}").encode())
        if "image" in stored.metadata:
            settings = {"img_size": strict_json.parse(f'{{"image": {stored.metadata["image"]}}}'.encode())["image"],
                        **settings}
        if not state and any(name.endswith(".weight") for name in stored.tensors):
            raise InputError("it is a checkpoint, which needs an image too: give it with --image")
        if not state:
            config = configuration(settings) if settings else None
            return Reference.of_points(candidate_of(path).points, config)
        if "input" not in stored.tensors:
            raise InputError("it holds weights and no entry 'input' with the images")
        policy = TORCHVISION
        if ARCHITECTURE not in settings:               # a golden file, whose names are a library's
            dialect, tensors, _ = recognise(state)
            state, policy = to_official(tensors, dialect), dialect.shape_policy
        config = configuration(settings, policy)
        model = architecture_of(config).model.random(config, seed=None)
        model.load_state_dict(state)
    except SwinError as error:
        raise InputError(f"{path} is no reference of `swin-np dump`, nor a saved trace: {error}") from None
    progress("running the reference in float64 and float32")
    return Reference.of(model, stored.tensors["input"])

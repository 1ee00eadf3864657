"""Importing this lets torchvision, and timm and transformers which use it, be imported beside any build of PyTorch.

The compiled operators of a torchvision wheel fit one build of PyTorch. Beside another one they do not load, and then
`import torchvision` fails where it registers what they would return; no image model needs them. For the time of that
import, registering an operator that is not there does nothing.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from unittest import mock


class TorchvisionFinder:
    """Finds torchvision as Python would, and lets its import pass over operators that did not load."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == "torchvision" else None
        if spec is not None:
            spec.loader.exec_module = tolerant(spec.loader.exec_module)
        return spec


def tolerant(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    """A loader's `exec_module` with `torch.library.register_fake` replaced while it runs."""
    def exec_module(module: ModuleType) -> None:
        import torch

        register_fake = torch.library.register_fake

        def register_if_loaded(operator: str, *arguments, **options):
            library, _, name = operator.partition("::")
            if library == "torchvision" and not hasattr(torch.ops.torchvision, name):
                return lambda function: function
            return register_fake(operator, *arguments, **options)

        for name in [name for name in sys.modules if name.startswith("torchvision.")]:
            del sys.modules[name]                      # left by an import that failed
        with mock.patch.object(torch.library, "register_fake", register_if_loaded):
            execute(module)
    return exec_module


if not any(finder is TorchvisionFinder for finder in sys.meta_path):
    sys.meta_path.insert(0, TorchvisionFinder)

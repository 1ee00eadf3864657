"""Every example runs and gives what it says: `>>>` lines in docstrings, Python in the README and the other texts."""

import ast
import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import swin_np
from swin_np import SwinConfig, complexity, costs
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.checkpoints.formats.safetensors import write_safetensors
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.dense.pyramid import FPN_VARIANTS
from swin_np.dense.segmentation import UPERNET_VARIANTS
from swin_np.probes import TASKS

ROOT = Path(__file__).parents[2]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts)
                 for path in (ROOT / "swin_np").rglob("*.py") if ">>>" in path.read_text(encoding="utf-8"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")),
         ROOT / "swin_np" / "probes" / "README.md"]
BLOCKS = [(path.relative_to(ROOT).as_posix(), code) for path in PAGES
          for code in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A folder with the file that the examples call the official checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint")
    write_safetensors(folder / "swin_tiny_patch4_window7_224.pth", swin_np.build("swin_t").state_dict(), {})
    return folder


def of_torch_models() -> dict[str, object]:
    """A small model, its reference, and its twin in PyTorch."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from oracle.swin_twin import redrawn_model, torch_twin

    model = redrawn_model(SwinConfig(32, patch_size=2, embed_dim=12, depths=(2, 2), num_heads=(2, 3), window_size=4), 0)
    images = np.random.default_rng(0).standard_normal((1, 3, 32, 32), np.float32)
    return {"Candidate": Candidate, "crosscheck": crosscheck, "reference": Reference.of(model, images),
            "model": torch_twin(model, torch.float32), "images": images}


@pytest.fixture
def names(module):
    """What the examples of a module take for granted."""
    if module == "swin_np.crosscheck.torch_models":
        return of_torch_models()
    return {"np": np, "swin_np": swin_np, "complexity": complexity, "total": costs.total, "TASKS": TASKS,
            "VARIANTS": swin_np.VARIANTS, "FPN_VARIANTS": FPN_VARIANTS, "RESNET_VARIANTS": RESNET_VARIANTS,
            "UPERNET_VARIANTS": UPERNET_VARIANTS, "model": swin_np.build("swin_t"), "rng": np.random.default_rng(0),
            "images": np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)}


@pytest.mark.filterwarnings("ignore::swin_np.SwinWarning")   # of what the checkpoint does not tell
@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_give_what_they_say(module, names, checkpoint, monkeypatch):
    monkeypatch.chdir(checkpoint)
    imported = importlib.import_module(module)
    failed, tried = doctest.testmod(imported, extraglobs=names, optionflags=OPTIONS)
    assert failed == 0 and tried > 0


@pytest.mark.parametrize(("page", "code"), BLOCKS, ids=[page for page, _ in BLOCKS])
def test_the_python_of_a_page_prints_what_its_comments_say(page, code, tmp_path, monkeypatch):
    """What stands in brackets, or as one word, behind a `print` is printed."""
    monkeypatch.chdir(tmp_path)
    expected = re.findall(r"^print\(.*\) +# ([(\[].*|\w+)$", code, re.MULTILINE)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.parse(code), page, "exec"), {"__name__": "example"})
    for text in expected:
        assert text in printed.getvalue()

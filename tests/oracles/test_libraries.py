"""timm, torchvision and transformers import side by side, in any order, and leave PyTorch as it was."""

import subprocess
import sys
from itertools import permutations

import pytest

for library in ("torchvision", "timm", "transformers"):
    pytest.importorskip(library)

USES = {
    "torchvision": "import torchvision; torchvision.models.swin_t",
    "timm": "import timm; timm.create_model",
    "transformers": "import transformers; transformers.SwinForImageClassification",
}
REMEMBER = "import torch; before = torch.library.register_fake"
FAIL = "try:\n    import torchvision\nexcept RuntimeError:\n    pass"
COMPARE = "assert torch.library.register_fake is before"


def run(*statements: str) -> None:
    """Run the statements in a Python of their own."""
    found = subprocess.run([sys.executable, "-c", "\n".join(statements)], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


@pytest.mark.long
def test_they_import_after_an_import_that_failed_and_leave_pytorch_as_it_was():
    run(REMEMBER, FAIL, "import oracle.libraries", *USES.values(), COMPARE)


@pytest.mark.long
@pytest.mark.parametrize("order", list(permutations(USES, 2)), ids="-".join)
def test_they_import_in_any_order_and_leave_pytorch_as_it_was(order):
    run("import oracle.libraries", *(USES[name] for name in order), "import torch",
        "assert torch.library.register_fake.__module__ == 'torch.library'")

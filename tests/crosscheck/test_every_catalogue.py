"""The mistakes of every system, planted in NumPy or in another library's model, are named by the cross-check."""

import numpy as np
import pytest

from oracle.small_systems import config_for, images_of, model_for, size_for
from swin_np import trace
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.clock import UNLIMITED
from swin_np.crosscheck.isolate import units
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array
from swin_np.mistakes.catalogue import planted
from swin_np.mistakes.mistake import Mistake
from tests.lengths import long_but
from tests.mistakes.systems import IN_MODEL, OWN

BELOW_ROUNDING = {("swin_v2", "eps-added-to-the-length"), *((system, name) for system in ("vit", "deit")
                                                            for name in ("eps-1e-12", "norm-eps-outside-the-root"))}
DESCRIBED = {"map-norms-left-out": "norm left out", "only-the-last-map-normalised": "norm left out",
             "patches-counted-down-the-columns": "the windows are in another order"}
WHILE_LOADING = "positions-resized"                    # how the names of mistakes begin that a loaded model cannot show
CASES = [(system, name) for system in IN_MODEL for name in IN_MODEL[system] if not name.startswith(WHILE_LOADING)]


def reference(system: str, mistake: Mistake) -> Reference:
    config = config_for(system, mistake)
    return Reference.of(model_for(config, mistake.needs, None), images_of(size_for(config, mistake)))


def shown(own: Reference, points: dict[str, Array], units_only: bool) -> dict[str, Array]:
    """The results of modules, or of units alone."""
    names = ({name for unit in units(own.model) for name in unit.outputs} if units_only
             else {name or "output" for name, _ in own.model.named_modules()})
    return {name: value for name, value in points.items() if name in names}


def is_told(report, name: str, system: str) -> bool:
    if (system, name) in BELOW_ROUNDING:
        return report.verdict == "agree"
    return any(name in (finding.mistake, *finding.alternatives) or DESCRIBED.get(name, name) in finding.sentence
               or DESCRIBED.get(name) == finding.mistake for finding in report.findings)


@pytest.mark.parametrize("case", long_but(CASES[::21], CASES[::3]), ids="-".join)
def test_a_mistake_in_numpy_is_named(case):
    system, name = case
    units_only = CASES.index(case) % 8 != 0            # less is known from the results of units alone
    mistake = IN_MODEL[system][name]
    own = reference(system, mistake)
    model = own.model.astype(np.float32)
    with planted(mistake), trace(model) as points:
        model(own.images.astype(np.float32))
    report = crosscheck(own, Candidate(shown(own, dict(points), units_only)), clock=UNLIMITED)
    assert is_told(report, name, system), [finding.sentence for finding in report.findings]


IN_TORCH = [(system, name) for system in OWN for name in OWN[system] if not name.startswith(WHILE_LOADING)]


@pytest.mark.parametrize("case", long_but(IN_TORCH[::12], IN_TORCH), ids="-".join)
def test_a_mistake_in_another_librarys_model_is_named(case):
    pytest.importorskip("torch")
    for library in ("timm", "torchvision", "transformers"):
        pytest.importorskip(library)
    from swin_np.crosscheck.torch_models import record
    from tests.mistakes.test_systems_in_torch import PLANTED, TWINS

    system, name = case
    mistake = OWN[system][name]
    own = reference(system, mistake)
    theirs = TWINS[system](own.model.astype(np.float64))
    PLANTED[system][name](theirs)
    report = crosscheck(own, Candidate(record(theirs.float(), own.images.astype(np.float32))), clock=UNLIMITED)
    assert is_told(report, name, system), [finding.sentence for finding in report.findings]

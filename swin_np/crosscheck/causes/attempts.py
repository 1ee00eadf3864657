"""Attempts: every cause that may lie behind a point, run on the candidate's own numbers until one gives them."""

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain

import numpy as np

from swin_np.crosscheck.causes.activations import activations, rectifiers
from swin_np.crosscheck.causes.blocks import blocks
from swin_np.crosscheck.causes.cause import Cause
from swin_np.crosscheck.causes.images import of_some_images
from swin_np.crosscheck.causes.layer_inputs import layer_inputs
from swin_np.crosscheck.causes.norms import all_norms, norms
from swin_np.crosscheck.causes.paddings import paddings
from swin_np.crosscheck.causes.parameters import parameters
from swin_np.crosscheck.causes.residuals import residuals
from swin_np.crosscheck.causes.softmax import attentions
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.crosscheck.causes.tables import tables
from swin_np.crosscheck.causes.windows import shifts
from swin_np.crosscheck.clock import Clock
from swin_np.crosscheck.evidence import Evidence
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Finding
from swin_np.crosscheck.search import Explained, without_unit
from swin_np.crosscheck.trials import Planting, Trials
from swin_np.functional import Array
from swin_np.layers import Module

FAMILIES = (blocks, residuals, all_norms, norms, parameters, tables, paddings, activations, rectifiers, attentions,
            shifts)
LONGEST = 3                                            # units in a stretch; over more a few numbers fit many causes
CLEARLY = 5.0                                          # an explanation leaves so many times less than there was


class Attempts(Trials):
    """Trials of causes in place of mistakes of the catalogue; a planting is the number of one cause, as text."""

    def __init__(self, reference: Reference, evidence: Evidence, clock: Clock):
        super().__init__(reference, evidence, clock)
        self.causes: dict[str, Cause] = {}
        self.found: dict[str, list[Cause]] = {}
        self.in_images: dict[str, Finding | None] = {}
        self.explained: list[Cause] = []

    def changing(self, model: Module, planting: Planting) -> AbstractContextManager[None]:
        return self.causes[planting[0]].put(model) if planting else nullcontext()

    def numbered(self, cause: Cause) -> Planting:
        """The planting of a cause."""
        number = str(len(self.causes))
        self.causes[number] = cause
        return (number,)

    def explains(self, name: str) -> bool:
        """Whether any cause gives the candidate's point."""
        return self.in_some_images(name) is not None or bool(self.explaining_causes(name))

    def in_some_images(self, name: str) -> Finding | None:
        """The finding for a mistake of the catalogue that only some images show."""
        if name not in self.in_images:
            self.in_images[name] = of_some_images(self.reference, self.evidence, name, self.clock)
        return self.in_images[name]

    def explaining_causes(self, name: str) -> list[Cause]:
        """The causes of the first family that has one which gives the candidate's point; the nearest first."""
        if name not in self.found:
            stretch = Stretch(self.reference, self.evidence, name)
            if len(stretch.units) > LONGEST:
                return []
            families: Iterable[Iterator[Cause]] = chain((family(stretch) for family in FAMILIES), [
                layer_inputs(stretch, lambda cause: self.value(name, cause))])
            self.found[name] = next((causes for family in families if (causes := self.nearest(name, family))), [])
        return self.found[name]

    def nearest(self, name: str, causes: Iterator[Cause]) -> list[Cause]:
        """Those that leave next to nothing of the error of a point, or from outside of its unit's result."""
        before, left = self.evidence.alone[name].excess, {}
        for cause in causes:
            if self.clock.over():
                break
            planting = self.numbered(cause)
            excess = self.at(name, planting)
            if excess > 1 and self.outside(name):
                excess = self.from_outside(self.evidence.unit[name], planting)
            if excess <= min(1, before / CLEARLY):
                left[planting] = excess
        best = min(left.values(), default=np.inf)
        return [self.causes[planting[0]] for planting in sorted(left, key=left.get) if left[planting] <= 2 * best]

    def outside(self, name: str) -> bool:
        """Whether the unit's result is known beside the point, and wrong."""
        unit = self.evidence.unit[name]
        result = self.outputs.get(unit)
        return result is not None and result != name and self.from_outside(unit, ()) > CLEARLY

    def value(self, name: str, cause: Cause) -> Array | None:
        """What a point becomes with a cause; None if it cannot be computed."""
        return self.run(self.reference.model, self.evidence.unit[name], self.numbered(cause), False, name).get(name)

    def explain(self, unexplained: dict[str, list[str]], spared: Container[str],
                progress: Callable[[str], None]) -> list[Finding]:
        """Findings for what causes explain; the points leave `unexplained`. spared: kinds of points to leave there."""
        findings: list[Finding] = []
        for kind in [kind for kind in unexplained if kind not in spared]:
            rest = []
            for name in unexplained[kind]:
                if self.evidence.in_float32(name) or any(self.accounts_for(finding, name) for finding in findings):
                    continue
                progress(f"{name}: trying other causes")
                if finding := self.in_some_images(name):
                    findings.append(finding)
                elif causes := self.explaining_causes(name):
                    findings.append(self.finding(causes))
                else:
                    rest.append(name)
            unexplained[kind] = rest
            if not rest:
                del unexplained[kind]
        return findings

    def simpler(self, groups: list[Explained]) -> tuple[list[Explained], list[Finding]]:
        """(the groups that remain, findings in place of others): of blocks that several mistakes of the same function
        explain, which cannot all be there, and one other sum as well.
        """
        findings: list[Finding] = []
        for unit in sorted({self.evidence.unit[name] for group in groups for name in group.points}):
            names = [name for group in groups for name in group.points if self.evidence.unit[name] == unit]
            mistakes = {group.alternatives[0] for group in groups if set(group.points) & set(names)}
            if len(mistakes) > 1 and not self.compatible(tuple(chain.from_iterable(mistakes))):
                last = max(names, key=list(self.evidence.alone).index)
                causes = self.nearest(last, blocks(Stretch(self.reference, self.evidence, last)))
                if causes and all(self.at(name, self.numbered(causes[0])) <= 1 for name in names):
                    findings.append(self.finding(causes))
                    groups = without_unit(self, groups, unit)
        return groups, findings

    def finding(self, causes: list[Cause]) -> Finding:
        """The nearest cause as a finding."""
        first, *others = causes
        self.explained.append(first)
        alternatives = tuple(dict.fromkeys(other.says.rstrip(".") for other in others if other.says != first.says))
        return Finding("solved", first.module, (first.module,), first.kind, first.says, first.fix,
                       alternatives=alternatives[:3])

    def accounts_for(self, finding: Finding, name: str) -> bool:
        """Whether a cause that was found gives this point as well."""
        return any(self.at(name, self.numbered(cause)) <= 1 for cause in self.explained
                   if cause.kind == finding.mistake)

"""What lies between a point and the candidate's points before it: only that can have made it wrong."""

from swin_np.crosscheck.chains import at_hand
from swin_np.crosscheck.evidence import Evidence
from swin_np.crosscheck.isolate import isolated, units
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array
from swin_np.layers import names_of_modules, recording, step_name


class Stretch:
    """The stretch that ends at a point.

    units: numbers of those in it, the point's own the last. input: what the last is given. modules: by official name,
    those up to the point whose results no point of the candidate replaces. blocks: the names of the units that are
    blocks; block: of the last unit if it is one, or "".
    """

    def __init__(self, reference: Reference, evidence: Evidence, name: str):
        self.reference, self.evidence, self.name = reference, evidence, name
        chain, last = units(reference.model), evidence.unit[name]
        self.units = range(evidence.first_unit[last], last + 1)
        self.input = at_hand(evidence.inputs[last])
        units_in_it = [chain[number] for number in self.units]
        parts = [part for unit in units_in_it for part in unit.parts]
        before = list(evidence.unit)[:list(evidence.unit).index(name)]                       # in the order of a run
        known = [point for point in before if evidence.unit[point] in self.units
                 and point not in chain[evidence.unit[point]].outputs]
        self.modules = [module for module, _ in reference.model.named_modules()
                        if any(inside(module, part) for part in parts)]
        order = {point: number for number, point in enumerate(reference.points)}
        self.modules = [module for module in self.modules if not any(inside(module, point) for point in known)
                        and (order.get(module, 0) <= order[name] or inside(name, module))]
        self.blocks = [unit.name for unit in units_in_it if unit.is_block]
        self.block = units_in_it[-1].name if units_in_it[-1].is_block else ""

    def steps(self) -> dict[str, Array]:
        """What the reference goes on with at each step of the last unit, the candidate's numbers if given."""
        found: dict[str, Array] = {}
        model, last = self.reference.model, self.units[-1]
        names = names_of_modules(model)

        def keep(module: object, step: str, value: Array) -> None:
            if id(module) in names:
                found[step_name(names[id(module)], step)] = value.copy()

        with recording(keep):
            isolated(model, self.evidence.inputs[last], self.evidence.given, last, last)
        return found


def inside(module: str, outer: str) -> bool:
    """Whether a module, or step, is the other or belongs to it."""
    return module == outer or module.startswith(f"{outer}.")

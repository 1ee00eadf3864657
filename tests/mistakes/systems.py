"""What the small models of every system give with a mistake planted."""

from contextlib import nullcontext
from functools import cache

from oracle.small_models import module_outputs
from oracle.small_systems import SYSTEMS, config_for, images_of, model_for, size_for, small_model
from swin_np import trace
from swin_np.functional import Array
from swin_np.mistakes import res2net, resnet, swin_v2, upernet, vision_transformer
from swin_np.mistakes.catalogue import catalogue_for, planted
from swin_np.mistakes.mistake import Mistake
from swin_np.mistakes.systems import entries

CATALOGUES = {system: catalogue_for(small_model(config)) for system, config in SYSTEMS.items()}
IN_MODEL = {system: {name: mistake for name, mistake in catalogue.items() if mistake.modules != "input"}
            for system, catalogue in CATALOGUES.items()}
"""The mistakes of each system that concern the model."""

OWN = {system: {mistake.name: mistake for mistake in entries(section)} for system, section in (
    ("swin_v2", swin_v2), ("vit", vision_transformer), ("resnet", resnet), ("res2net", res2net), ("upernet", upernet))}
"""Those of them that are no other system's."""


def system_outputs(system: str, mistake: Mistake, wrong: bool) -> dict[str, Array]:
    """Every module's output, in the order of computation, of the model that shows a mistake: with it or without."""
    config, made = config_for(system, mistake), mistake if wrong else None
    model = model_for(config, mistake.needs, made)
    with planted(mistake) if wrong else nullcontext(), trace(model) as activations:
        model(images_of(size_for(config, mistake)))
    return module_outputs(model, activations)


@cache
def system_logits(system: str, mistake: Mistake) -> Array:
    """What the model with the mistake gives in the end, which is all that is kept for other tests."""
    return system_outputs(system, mistake, True)["output"]

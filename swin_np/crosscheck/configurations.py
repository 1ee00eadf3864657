"""A configuration in a reference file: its fields, and which architecture it is of; of a dense model its backbone's."""

from dataclasses import asdict, fields, replace

import numpy as np

from swin_np.crosscheck.architectures import CHECKED
from swin_np.errors import ConfigurationError, InputError
from swin_np.shape_policy import SHAPE_POLICIES, TORCHVISION, ShapePolicy
from swin_np.systems.registry import SWIN, Config, architecture_of

ARCHITECTURE = "architecture"
ARCHITECTURES = {entry.architecture.name: entry.architecture for entry in CHECKED.values()}
COMPARED = ("embed_dim", "depths", "num_heads", "window_size", "patch_size", "mlp_ratio", "depth", "block", "layers",
            "cardinality", "base_width", "inplanes", "scale")
"""What a candidate's configuration must agree on, where both have it."""


def stated(config: Config) -> dict[str, object]:
    """The fields of a configuration as JSON has them, with the name of its architecture."""
    settings = asdict(config) | {ARCHITECTURE: architecture_of(config).name}
    return settings | ({"backbone": stated(config.backbone)} if "backbone" in settings else {})


def configuration(settings: dict[str, object], policy: ShapePolicy = TORCHVISION) -> Config:
    """The configuration that a file states, of a Swin Transformer where it names no architecture.

    policy: where it names none. Raises InputError for an architecture or fields that are not known, ConfigurationError
    for values that no model can have.
    """
    settings = dict(settings)
    name = settings.pop(ARCHITECTURE, SWIN.name)
    if name not in ARCHITECTURES:
        raise InputError(f"its configuration is of the architecture {name}, expected one of "
                         f"{', '.join(ARCHITECTURES)}: write it with swin-np dump")
    kind = ARCHITECTURES[name].config
    known = {field.name for field in fields(kind)}
    if unknown := sorted(settings.keys() - known):
        raise InputError(f"its configuration has the fields {', '.join(unknown)}, which no {kind.__name__} has: "
                         "write it with swin-np dump")
    if isinstance(settings.get("backbone"), dict):
        settings["backbone"] = configuration(settings["backbone"], policy)
    if "shape_policy" in known:
        settings["shape_policy"] = policy_of(settings.pop("shape_policy", None), policy)
    try:
        return kind(**settings)
    except TypeError:                                  # a field without a default is missing
        raise ConfigurationError(f"the configuration of a {name} states {', '.join(settings)} only: write it with "
                                 "swin-np dump") from None


def policy_of(settings: object, policy: ShapePolicy) -> ShapePolicy:
    """The shape policy of these fields; where only its name is known that of the name; else `policy`."""
    if not isinstance(settings, dict):
        return policy
    if settings.keys() == {field.name for field in fields(ShapePolicy)}:
        return ShapePolicy(**settings)
    return SHAPE_POLICIES.get(settings.get("name"), policy)


def check_configuration(ours: Config | None, theirs: dict[str, object]) -> None:
    """Raise InputError for a candidate that states another configuration than the reference's, as far as it does."""
    if ours is None:
        return
    own = architecture_of(ours).name
    if theirs.get(ARCHITECTURE, own) != own:
        raise InputError(f"the candidate is a {theirs[ARCHITECTURE]}, and the reference a {own}: compare it with a "
                         "reference of its own")
    differing = [f"{name} {theirs[name]} (the reference has {getattr(ours, name)})" for name in COMPARED
                 if name in theirs and hasattr(ours, name) and not same_setting(ours, name, theirs[name])]
    if differing:
        raise InputError(f"the candidate has another configuration: {', '.join(differing)}: "
                         "compare it with a reference of its own")


def same_setting(config: Config, name: str, theirs: object) -> bool:
    """Whether a setting is that of the reference, one number standing for a pair of it."""
    if name == "window_size":                          # or one for each stage
        try:
            return replace(config, window_size=theirs) == config
        except ConfigurationError:
            return False
    theirs, ours = np.ravel(theirs), np.ravel(getattr(config, name))
    return bool(np.array_equal(np.broadcast_to(theirs, ours.shape), ours)) if len(theirs) in (1, len(ours)) else False

"""The catalogues of the systems beside Swin: each mistake shows where it says, and can be told from the others."""

import re
from itertools import combinations

import numpy as np
import pytest

from oracle.small_systems import SYSTEMS, config_for, images_of, model_for, size_for
from swin_np.mistakes.catalogue import CATALOGUE, IN_EXERCISES, catalogue_for, planted
from swin_np.systems.registry import build
from tests.lengths import long_but
from tests.mistakes.models import first_difference, relative_difference
from tests.mistakes.systems import CATALOGUES, IN_MODEL, OWN, system_logits, system_outputs

ROUNDING, CLEARLY = 1e-12, 1e-7                        # of the largest value; a norm's eps moves it by more
LEAST = 10                                             # own mistakes of each system
CASES = [(system, name) for system, mistakes in IN_MODEL.items() for name in mistakes]

each = pytest.mark.parametrize("case", long_but(CASES[::6], CASES), ids="-".join)
each_system = pytest.mark.parametrize("system", SYSTEMS)


def test_the_catalogue_of_a_swin_transformer_is_the_catalogue():
    assert catalogue_for(build("swin_t", seed=None)) is CATALOGUE


@pytest.mark.parametrize("system", OWN)
def test_a_system_has_mistakes_of_its_own_and_all_of_them_are_in_its_catalogue(system):
    assert len(OWN[system]) >= LEAST
    assert OWN[system].items() <= CATALOGUES[system].items()


@pytest.mark.parametrize("name", [*SYSTEMS, "swin_mixer_t_c24", "fpn_swin_t", "vit_b_16"])
def test_mistakes_with_images_are_in_every_catalogue(name):
    catalogue = CATALOGUES[name] if name in CATALOGUES else catalogue_for(build(name, seed=None))
    inputs = {key: mistake.wrong for key, mistake in CATALOGUE.items() if mistake.modules == "input"}
    assert inputs == {key: mistake.wrong for key, mistake in catalogue.items() if mistake.modules == "input"}


def test_a_dense_model_has_the_mistakes_of_its_backbone_under_the_backbones_name():
    catalogue = catalogue_for(build("fpn_resnet_50", seed=None))
    assert re.fullmatch(catalogue["relu-before-the-addition"].modules, "backbone.layer2.1")
    assert "mean-over-7x7" not in catalogue                # its backbone ends with the last map


@pytest.mark.parametrize("system", OWN)
def test_the_place_of_a_mistake_names_the_paper(system):
    for mistake in OWN[system].values():
        assert re.match(r"section .* of the [\w ]+ paper", mistake.place), mistake.name


def test_the_name_of_a_mistake_means_one_function_in_all_catalogues():
    wrong = {}
    for catalogue in (CATALOGUE, IN_EXERCISES, *OWN.values()):
        for name, mistake in catalogue.items():
            assert wrong.setdefault(name, mistake.wrong) is mistake.wrong, name


@each_system
@pytest.mark.parametrize("field", ["says", "wrong"])
def test_no_two_mistakes_of_a_system_share(system, field):
    values = [getattr(mistake, field) for mistake in CATALOGUES[system].values()]
    assert len(set(values)) == len(values)


@each
def test_a_mistake_shows_first_where_it_says_and_moves_the_logits(case):
    system, name = case
    mistake = IN_MODEL[system][name]
    wrong, right = (system_outputs(system, mistake, made) for made in (True, False))
    assert wrong.keys() == right.keys() and wrong["output"].shape == right["output"].shape
    assert re.fullmatch(mistake.modules, first_difference(wrong, right, ROUNDING))
    assert relative_difference(wrong["output"], right["output"]) > CLEARLY


@each
def test_a_mistake_keeps_float32(case):
    system, name = case
    mistake = IN_MODEL[system][name]
    config = config_for(system, mistake)
    model = model_for(config, mistake.needs, mistake).astype(np.float32)
    with planted(mistake):
        assert model(images_of(size_for(config, mistake)).astype(np.float32)).dtype == np.float32


@pytest.mark.long
@each_system
def test_no_two_mistakes_of_a_system_give_the_same_logits(system):
    shown = [(name, config_for(system, mistake), size_for(config_for(system, mistake), mistake),
              system_logits(system, mistake)) for name, mistake in IN_MODEL[system].items()]
    for one, other in combinations(shown, 2):
        if one[1:3] == other[1:3]:
            assert relative_difference(one[3], other[3]) > CLEARLY, (one[0], other[0])

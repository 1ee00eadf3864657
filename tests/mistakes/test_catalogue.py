"""The catalogue: each mistake changes one function, keeps every shape, shows where it says, and can be told apart."""

import inspect
import re
import sys
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from oracle.small_models import EVEN, config_for, model_and_images
from swin_np import images
from swin_np.errors import ConfigurationError
from swin_np.mistakes.catalogue import CATALOGUE, IN_EXERCISES, find, planted
from swin_np.mistakes.mistake import Mistake
from tests.mistakes.models import first_difference, outputs, relative_difference
from tests.mistakes.systems import OWN

ALL = {**CATALOGUE, **IN_EXERCISES, **{name: mistake for own in OWN.values() for name, mistake in own.items()}}
ROUNDING = {np.float32: 1e-6, np.float64: 1e-12}       # of the largest value; what an equal computation stays below
MODELS = {name: mistake for name, mistake in CATALOGUE.items() if mistake.modules != "input"}
INPUTS = {name: mistake for name, mistake in CATALOGUE.items() if mistake.modules == "input"}
TOLD_APART_IN_THE_NEXT_BLOCK = {"shift-in-every-block", "shift-in-the-other-blocks"}
PHOTOGRAPH = images.load(images.sample_photograph())[:300, :400]


def each(mistakes: dict[str, Mistake]):
    return pytest.mark.parametrize("mistake", mistakes.values(), ids=mistakes)


def functions_of_the_package() -> dict[tuple, object]:
    """What every name of the package's modules and classes is bound to."""
    bound = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.split(".")[0] == "swin_np":
            for name, value in vars(module).items():
                bound[module_name, name] = value
                if inspect.isclass(value) and value.__module__.startswith("swin_np"):
                    bound.update({(value, method): function for method, function in vars(value).items()})
    return bound


@cache
def prepared(mistake: Mistake | None = None) -> np.ndarray:
    """The photograph as the network's input, with the mistake planted or none."""
    with planted(*([mistake] if mistake else [])):
        return images.preprocess(PHOTOGRAPH, images.PRESETS["microsoft"])


@each(ALL)
def test_a_mistake_is_well_described(mistake):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", mistake.name)
    for sentence in (mistake.says, mistake.fix):
        assert re.fullmatch(r"[A-Z(0-9ea-z][^\n]*[^.]\.", sentence) and ". " not in sentence, sentence
    assert mistake.place.startswith("section ")
    assert not mistake.thread or re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", mistake.thread)
    assert re.compile(mistake.modules)


@pytest.mark.parametrize("field", ["says", "wrong", "name"])
def test_no_two_mistakes_share(field):
    values = [getattr(mistake, field) for mistake in (*CATALOGUE.values(), *IN_EXERCISES.values())]
    assert len(set(values)) == len(values)


@each(ALL)
def test_the_wrong_function_has_the_right_one_s_signature(mistake):
    owner, name = find(mistake.replaces)
    right = inspect.signature(getattr(owner, name))
    assert list(inspect.signature(mistake.wrong).parameters) == list(right.parameters)


@each(ALL)
def test_a_mistake_changes_exactly_one_function_and_is_restored(mistake):
    owner, name = find(mistake.replaces)
    before = functions_of_the_package()
    right = vars(owner)[name]
    with planted(mistake):
        inside = functions_of_the_package()
    changed = {key for key, value in before.items() if inside[key] is not value}
    assert changed
    assert all(before[key] is right and inside[key] is mistake.wrong for key in changed)
    after = functions_of_the_package()
    assert all(after[key] is value for key, value in before.items())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each(MODELS)
def test_a_mistake_keeps_shapes_and_dtype_and_shows_first_where_it_says(mistake, dtype):
    config = config_for(mistake)
    wrong, right = outputs(config, mistake, dtype), outputs(config, None, dtype)
    assert wrong.keys() == right.keys()
    assert {value.dtype for value in wrong.values()} == {np.dtype(dtype)}
    assert all(wrong[name].shape == right[name].shape or re.fullmatch(mistake.modules, name) for name in right)
    assert wrong["output"].shape == right["output"].shape
    assert re.fullmatch(mistake.modules, first_difference(wrong, right, ROUNDING[dtype]))


@each(MODELS)
def test_the_logits_of_a_mistaken_model_differ_beyond_rounding(mistake):
    config = config_for(mistake)
    assert relative_difference(outputs(config, mistake)["output"], outputs(config)["output"]) > 1e-7


@pytest.mark.parametrize("name", ["mask-for-the-other-roll", "windows-strided", "index-transposed", "post-norm"])
def test_a_mistake_holds_at_once_and_only_inside_its_block(name):
    model, batch = model_and_images(config_for(CATALOGUE[name]), dtype=np.float64)
    before = model(batch)                              # by now masks and indices are cached
    with planted(CATALOGUE[name]):
        assert relative_difference(model(batch), before) > 1e-3
    assert np.array_equal(model(batch), before)


def test_no_two_mistakes_give_the_same_numbers_where_they_first_show():
    shown = []
    for mistake in MODELS.values():
        config = config_for(mistake)
        right, wrong = outputs(config), outputs(config, mistake)
        name = first_difference(wrong, right, ROUNDING[np.float64])
        shown.append((mistake.name, config, name, wrong[name]))
    for one, other in combinations(shown, 2):
        if one[1:3] == other[1:3]:
            known_later = {one[0], other[0]} == TOLD_APART_IN_THE_NEXT_BLOCK
            assert (relative_difference(one[3], other[3]) > 1e-6) != known_later, (one[0], other[0])


def test_the_two_that_start_a_stage_alike_differ_in_its_second_block():
    one, other = (outputs(EVEN, CATALOGUE[name]) for name in TOLD_APART_IN_THE_NEXT_BLOCK)
    assert first_difference(one, other, ROUNDING[np.float64]) == "layers.0.blocks.1.attn.qkv"


@each(INPUTS)
def test_a_mistake_with_images_keeps_shape_and_dtype_and_shows_at_the_input(mistake):
    right, wrong = prepared(), prepared(mistake)
    assert (wrong.shape, wrong.dtype) == (right.shape, right.dtype)
    assert np.abs(wrong - right).max() > 0.01


def test_no_two_mistakes_with_images_give_the_same_pixels():
    for one, other in combinations(INPUTS.values(), 2):
        assert np.abs(prepared(one) - prepared(other)).max() > 0.01, (one.name, other.name)


def test_two_mistakes_are_planted_at_once_and_in_nested_blocks():
    model, batch = model_and_images(config_for(CATALOGUE["no-mask"]), dtype=np.float64)
    with planted(CATALOGUE["no-mask"], CATALOGUE["merge-unfold"]):
        both = model(batch)
    with planted(CATALOGUE["no-mask"]):
        one = model(batch)
        with planted(CATALOGUE["merge-unfold"]):
            assert np.array_equal(model(batch), both)
        assert np.array_equal(model(batch), one)
    assert relative_difference(both, one) > 1e-3


@pytest.mark.parametrize("nested", [False, True])
def test_two_mistakes_in_one_function_are_refused_and_nothing_stays_planted(nested):
    before = functions_of_the_package()
    first, second = CATALOGUE["merge-unfold"], CATALOGUE["merge-quadrants"]
    message = "'merge-unfold' and 'merge-quadrants' both change swin_np.patches.patch_merging"
    with pytest.raises(ConfigurationError, match=message):
        if nested:
            with planted(first), planted(second):
                pass
        else:
            with planted(first, second):
                pass
    assert functions_of_the_package() == before


def test_a_mistake_is_pulled_out_after_an_error():
    before = functions_of_the_package()
    with pytest.raises(ZeroDivisionError), planted(CATALOGUE["no-mask"]):
        raise ZeroDivisionError
    assert functions_of_the_package() == before


def test_a_place_that_does_not_exist_is_an_error():
    with pytest.raises(AttributeError), planted(replace(CATALOGUE["no-mask"], replaces="swin_np.windows.no_such")):
        pass

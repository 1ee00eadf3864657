"""The foreign port is right as it stands, and every cause and scheme changes it where it says."""

from functools import cache

import numpy as np
import pytest

from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference

pytest.importorskip("torch")

from oracle.foreign_cause import ODD_SIZE, SIZE
from oracle.foreign_causes import CAUSES
from oracle.foreign_port import PATTERNS, Port, tiny_model
from oracle.reduced_precision import SCHEMES

ROUNDING = 3e-6                                        # of the largest value of a point, in float32


@cache
def right(image_size):
    model, images = tiny_model(11, image_size)
    return Port(model).dump(images)


def dump(plant, image_size):
    model, images = tiny_model(11, image_size)
    port = Port(model)
    plant(port)
    return port.dump(images)


def differs(x, y):
    return x.shape != y.shape or not np.abs(x - y).max() <= ROUNDING * np.abs(y).max()


@pytest.mark.parametrize("size", [SIZE, ODD_SIZE], ids=str)
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_the_port_without_a_mistake_agrees(size, pattern):
    model, images = tiny_model(11, size)
    report = crosscheck(Reference.of(model, images), Candidate(Port(model).dump(images, pattern)))
    assert report.verdict == "agree"


def test_there_are_fifty_causes():
    assert len(CAUSES) == 50


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_shows_first_at_its_module(name):
    cause = CAUSES[name]
    points = right(cause.image_size)
    wrong = dump(cause.plant, cause.image_size)
    first = next(point for point, value in points.items() if point in wrong and differs(wrong[point], value))
    assert first == cause.module or first.startswith(f"{cause.module}.")


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_changes_the_logits_by_no_more_than_its_arithmetic_does(name):
    logits, truth = dump(SCHEMES[name], SIZE)["output"], right(SIZE)["output"]
    relative = np.linalg.norm(logits - truth) / np.linalg.norm(truth)
    assert 1e-8 < relative < (1e-6 if "sums" in name else 0.5)

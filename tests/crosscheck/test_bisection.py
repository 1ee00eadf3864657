"""Few points: an answer within the time that is given, and which points to dump next."""

import math
from time import monotonic

import numpy as np
import pytest

from swin_np.commands import terminal
from swin_np.crosscheck.clock import UNLIMITED, Clock
from swin_np.crosscheck.isolate import units
from tests.crosscheck.models import check, every_point, reference


def unknown(name: str) -> dict[str, np.ndarray]:
    """A trace with one point displaced as no mistake of the catalogue does, and what follows from it as it was."""
    points = every_point()
    pattern = np.sin(np.arange(points[name].size, dtype=np.float32) ** 1.5).reshape(points[name].shape)
    return points | {name: points[name] * (1 + 0.2 * pattern)}


def only(points: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {name: points[name] for name in names}


def test_logits_alone_that_nothing_explains_name_three_results_in_between():
    report = check(only(unknown("output"), "output"))
    assert report.findings[0].kind == "unexplained"
    results = [name for unit in units(reference().model) for name in unit.outputs]
    assert len(report.next) == 3
    assert [name for name in results if name in report.next] == list(report.next)
    assert f"Next: dump {', '.join(report.next)} too" in report.lines()[-1]
    assert report.to_json()["next"] == list(report.next)


def test_the_points_divide_what_lies_between_the_last_right_and_the_first_wrong_one():
    points = unknown("layers.1.blocks.1")
    report = check(only(points, "layers.0.blocks.1", "layers.1.blocks.1"))
    order = list(reference().points)
    assert report.next
    assert all(order.index("layers.0.blocks.1") < order.index(name) < order.index("layers.1.blocks.1")
               for name in report.next)
    inside = check(only(points, "layers.1.blocks.0", "layers.1.blocks.1"))
    assert inside.next and all(name.startswith("layers.1.blocks.1.") for name in inside.next)


def test_nothing_is_asked_for_where_the_cause_is_known_or_nothing_differs():
    assert check(every_point()).next == ()
    assert check(every_point("no-mask")).next == ()


def test_a_search_ends_with_its_time_and_says_so():
    start = monotonic()
    report = check(only(unknown("output"), "output"), clock=Clock(1e-9))
    assert monotonic() - start < 5                     # of some seconds without the limit; no search is begun
    assert report.verdict == "differ" and report.next
    assert any("ended after 1e-09 seconds: --seconds gives it more" in note for note in report.notes)


def test_a_clock_runs_out_but_not_while_it_is_paused():
    seen = []
    clock = Clock(0, seen.append)
    with clock.paused():
        assert not clock.over() and not clock.ran_out
    assert clock.over() and clock.ran_out
    assert not UNLIMITED.over() and math.isinf(UNLIMITED.seconds)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_bar_is_for_terminals_and_a_line_takes_its_place(is_terminal, monkeypatch, capsys):
    monkeypatch.setattr(terminal.sys.stderr, "isatty", lambda: is_terminal, raising=False)
    terminal.time_bar(30, 60)
    terminal.erase_bar()
    terminal.progress("a line")
    shown = capsys.readouterr().err
    assert ("30 of 60 seconds" in shown) == is_terminal
    assert shown.endswith("a line\n") and (not is_terminal or "###" in shown)

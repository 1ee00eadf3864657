"""The grades of a class: merging, deadlines, results that are kept, and everybody's line."""

import json
import os
from datetime import datetime

import pytest

from swin_np.classroom import judges
from swin_np.classroom.class_grades import LATEST, Rules, grade
from swin_np.classroom.grading import FileGrade
from swin_np.classroom.roster import read_roster
from swin_np.classroom.sandbox import Limits
from swin_np.classroom.store import Store
from swin_np.errors import InputError, SwinWarning
from tests.classroom.hand_ins import GELU, OVERFLOWS, RIGHT, STUB, notebook, put, zipped

LIMITS = Limits(60, 2048)


def graded(folder, **options):
    grades, _ = grade(folder, LIMITS, processes=1, **options)
    return {one.student: one for one in grades}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return put(tmp_path_factory.mktemp("submitted"), {
        "ann.ipynb": notebook(RIGHT, GELU), "ben/x.ipynb": notebook("1 / 0", OVERFLOWS), "cid.zip": zipped({
            "x.ipynb": notebook(RIGHT)}), "dan.py": RIGHT.encode(), "eve/report.pdf": b"", "fay.ipynb": b"no notebook",
        "王伟/01_attention.ipynb": notebook(RIGHT), "gus.zip": b"no zip", "hal.ipynb": notebook("x = 1"),
        "ivy.ipynb": notebook("import os\nos._exit(3)", RIGHT)})


@pytest.fixture(scope="module")
def grades(folder):
    return graded(folder)


def test_no_student_is_without_a_line(grades):
    assert sorted(grades) == ["ann", "ben", "cid", "dan", "eve", "fay", "gus", "hal", "ivy", "王伟"]


@pytest.mark.parametrize(("student", "points", "sentence"), [
    ("ann", 3, None), ("ben", 0, "x.ipynb, code cell 1: it raised ZeroDivisionError"), ("cid", 2, None),
    ("dan", 2, None),
    ("eve", 0, "handed in report.pdf, but no .ipynb, .py or .zip with one"), ("王伟", 2, None),
    ("fay", 0, "fay.ipynb cannot be read as a notebook"), ("gus", 0, "gus.zip cannot be opened"),
    ("hal", 0, "none of the files defines an exercise"), ("ivy", 2, "ivy.ipynb, code cell 1 ended its process")])
def test_what_each_has_is_graded_and_told(grades, student, points, sentence):
    assert grades[student].points == points
    assert grades[student].problems == () if sentence is None else sentence in grades[student].problems[0]


def at(path, text):
    seconds = datetime.fromisoformat(text).timestamp()
    os.utime(path, (seconds, seconds))


@pytest.fixture
def two_attempts(tmp_path):
    """A right one, then a wrong one that is a day and an hour late."""
    put(tmp_path, {"ann/first/x.ipynb": notebook(RIGHT), "ann/second/x.ipynb": notebook(OVERFLOWS, GELU)})
    at(tmp_path / "ann/first/x.ipynb", "2026-05-31 12:00")
    at(tmp_path / "ann/second/x.ipynb", "2026-06-01 13:00")
    return tmp_path


@pytest.mark.parametrize(("rules", "points", "late"), [
    (Rules(), 3, 0), (Rules(attempts=LATEST), 1, 0), (Rules(deadline=datetime(2026, 5, 31, 12)), 3, 2),
    (Rules(deadline=datetime(2026, 5, 31, 12), late_days=2), 3, 2),
    (Rules(deadline=datetime(2026, 5, 31, 12), late_days=1), 2, 0),
    (Rules(deadline=datetime(2026, 5, 31, 12), late_days=1, attempts=LATEST), 2, 0),
    (Rules(deadline=datetime(2026, 5, 1), late_days=0), 0, 0), (Rules(deadline=datetime(2026, 7, 1)), 3, 0)])
def test_which_attempt_counts(two_attempts, rules, points, late):
    one = graded(two_attempts, rules=rules)["ann"]
    assert (one.points, one.days_late) == (points, late)
    if rules.late_days in (0, 1):
        assert any("days late and" in problem or "day late and" in problem for problem in one.problems)


def test_the_same_content_under_two_names_is_told_of_each_by_its_own(tmp_path):
    own = graded(put(tmp_path, {"ann/x.ipynb": b"", "ben/y.ipynb": b"", "cid/01_attention.py": RIGHT.encode(),
                                "dan/mine.py": RIGHT.encode()}))
    assert own["ann"].problems[0].startswith("x.ipynb cannot") and own["ben"].problems[0].startswith("y.ipynb cannot")
    assert len(own["cid"].results) == 5 and list(own["dan"].results) == ["softmax"]


def test_the_roster_gives_everybody_a_line(tmp_path, folder):
    (tmp_path / "roster.csv").write_text("name\nzoe\n王伟\n", encoding="utf-8")
    grades, _ = grade(folder, LIMITS, processes=1, roster=read_roster(tmp_path / "roster.csv"))
    assert [one.student for one in grades][:2] == ["zoe", "王伟"] and len(grades) == 11
    assert grades[0].problems == ("has handed in nothing",) and grades[1].points == 2
    assert "is not in the roster" in grades[2].problems


def test_what_was_graded_before_an_interruption_is_not_graded_again(tmp_path):
    put(tmp_path, {f"s{number}.ipynb": notebook(RIGHT, f"x = {number}") for number in range(4)})

    def interrupted(work):
        yield work[0]
        yield work[1]
        raise KeyboardInterrupt

    store = Store(tmp_path / ".kept.jsonl")
    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, LIMITS, interrupted, store=store, processes=1)
    store.close()
    again = Store(tmp_path / ".kept.jsonl")
    assert len(again.known) == 2
    done = []
    grades, _ = grade(tmp_path, LIMITS, lambda work: done.extend(work) or iter(work), store=again, processes=1)
    assert len(done) == 2 and [one.points for one in grades] == [2] * 4
    done.clear()
    grade(tmp_path, LIMITS, lambda work: done.extend(work) or iter(work), store=again, processes=1)
    assert done == []


def test_only_what_is_new_is_graded(tmp_path):
    put(tmp_path, {"ann.ipynb": notebook(RIGHT)})
    store, done = Store(None), []

    def watched(work):
        done.append(len(work))
        return iter(work)

    grade(tmp_path, LIMITS, watched, store=store, processes=1)
    put(tmp_path, {"ben.ipynb": notebook(GELU), "cid/ann.ipynb": notebook(RIGHT)})
    grade(tmp_path, LIMITS, watched, store=store, processes=1)
    put(tmp_path, {"ann.ipynb": notebook(OVERFLOWS)})
    grades, _ = grade(tmp_path, LIMITS, watched, store=store, processes=1)
    assert done == [1, 1, 1] and [one.points for one in grades] == [0, 1, 2]


def test_a_line_that_was_cut_off_costs_that_line(tmp_path):
    path = tmp_path / "kept.jsonl"
    store = Store(path)
    store.keep("a", FileGrade({}, ("x",)))
    store.keep("b", FileGrade({}, ("y",)))
    store.close()
    path.write_bytes(path.read_bytes()[:-10])
    again = Store(path)
    assert list(again.known) == ["a"]
    again.keep("c", FileGrade({}))
    again.close()
    assert list(Store(path).known) == ["a", "c"]


def test_results_of_another_version_are_not_used_and_not_lost(tmp_path):
    path = tmp_path / "kept.jsonl"
    path.write_text('{"of": "a", "results": [{"exercise": "softmax", "grade": "A"}]}\n')
    store = Store(path)
    assert store.known == {}
    store.keep("b", FileGrade({}))
    store.close()
    assert path.read_text().count("\n") == 2 and list(Store(path).known) == ["b"]


def test_a_file_of_other_things_is_not_added_to(tmp_path):
    for text in ("my notes\n", "my notes", "[1]"):
        (tmp_path / "notes.jsonl").write_text(text)
        with pytest.raises(InputError, match="holds no results"):
            Store(tmp_path / "notes.jsonl")
        assert (tmp_path / "notes.jsonl").read_text() == text


def test_a_store_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        Store(tmp_path / "none" / "kept.jsonl")


def test_points_in_a_stored_result_never_exceed_the_possible(tmp_path):
    put(tmp_path, {"ann.ipynb": notebook(RIGHT)})
    store = Store(tmp_path / ".kept.jsonl")
    grade(tmp_path, LIMITS, store=store, processes=1)
    store.close()
    entry = json.loads((tmp_path / ".kept.jsonl").read_text())
    entry["results"][0]["points"] = 4995
    (tmp_path / ".kept.jsonl").write_text(json.dumps(entry) + "\n")
    with pytest.raises(InputError, match="4995 of 2 points for softmax"):
        grade(tmp_path, LIMITS, store=Store(tmp_path / ".kept.jsonl"), processes=1)


def test_the_end_of_a_grader_s_process_costs_one_file(tmp_path, monkeypatch):
    if judges.METHOD != "fork":
        pytest.skip("what is patched here is not in processes that are started anew")
    usual = judges.Grader.grade

    def dying(self, name, data, files=None):
        return os._exit(9) if name == "ann.ipynb" else usual(self, name, data, files)

    monkeypatch.setattr(judges.Grader, "grade", dying)
    put(tmp_path, {"ann.ipynb": notebook(RIGHT), "ben.ipynb": notebook(GELU), "cid.ipynb": notebook(OVERFLOWS)})
    grades = graded(tmp_path, store=Store(tmp_path / ".kept.jsonl"))
    assert "grader's process ended" in grades["ann"].problems[0] and grades["ben"].points == 1 and len(grades) == 3
    assert len(Store(tmp_path / ".kept.jsonl").known) == 2       # that one is graded again


def test_a_failure_of_the_grader_itself_costs_one_file_and_is_told(tmp_path, monkeypatch):
    if judges.METHOD != "fork":
        pytest.skip("what is patched here is not in processes that are started anew")
    usual = judges.Grader.grade

    def failing(self, name, data, files=None):
        return 1 / 0 if name == "ann.ipynb" else usual(self, name, data, files)

    monkeypatch.setattr(judges.Grader, "grade", failing)
    put(tmp_path, {"ann.ipynb": notebook(RIGHT), "ben.ipynb": notebook(GELU)})
    grades = graded(tmp_path)
    assert grades["ann"].problems == ("ann.ipynb, the grader itself failed (ZeroDivisionError: division by zero)",)
    assert grades["ben"].points == 1


def test_several_processes_give_what_one_gives(folder, grades):
    several, _ = grade(folder, LIMITS, processes=3)
    assert several == list(grades.values())


@pytest.mark.long
def test_processes_that_are_started_anew_grade_too(tmp_path, monkeypatch):
    monkeypatch.setattr(judges, "METHOD", "spawn")
    put(tmp_path, {"ann.ipynb": notebook(RIGHT)})
    assert graded(tmp_path)["ann"].points == 2


def test_what_the_system_does_not_keep_from_submissions_is_said_once(tmp_path):
    put(tmp_path, {"ann.ipynb": notebook(RIGHT)})
    store = Store(None)
    grade(tmp_path, LIMITS, store=store, processes=1)
    store.known = {mark: FileGrade(one.results, not_isolated=("memory", "the network", "the view of the disk"))
                   for mark, one in store.known.items()}
    with pytest.warns(SwinWarning) as told:
        grade(tmp_path, LIMITS, store=store, processes=1)
    assert [str(one.message) for one in told] == [
        "this system does not limit memory: a submission can use more",
        "this system does not cut off the network and the view of the disk: Python alone refuses them, which code in C "
        "can avoid"]


def test_stubs_count_nothing_beside_an_answer_in_another_file(tmp_path):
    put(tmp_path, {"ann/a/x.ipynb": notebook(RIGHT), "ann/b/x.ipynb": notebook(STUB)})
    assert graded(tmp_path)["ann"].points == 2

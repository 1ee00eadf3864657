"""`swin-np grade`, called as a teacher would."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from swin_np.commands.cli import main
from tests.classroom.hand_ins import GELU, OVERFLOWS, RIGHT, notebook, put, zipped

pytest.importorskip("nbformat")


@pytest.fixture
def folder(tmp_path):
    return put(tmp_path / "in", {"ben.ipynb": notebook(OVERFLOWS), "王伟_01_attention.ipynb": notebook(RIGHT, GELU),
                                 "cid/report.pdf": b""})


def run(*arguments, **environment):
    return subprocess.run([sys.executable, "-m", "swin_np", "grade", *map(str, arguments)], capture_output=True,
                          env={**os.environ, **environment}, check=False)


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_everything_that_is_asked_for_is_written(folder, tmp_path, capsys):
    out = {name: tmp_path / name for name in ("g.csv", "m.csv", "c.csv", "g.svg", "pages")}
    assert main(["grade", str(folder), "--csv", str(out["g.csv"]), "--moodle", str(out["m.csv"]), "--canvas",
                 str(out["c.csv"]), "--plot", str(out["g.svg"]), "--feedback", str(out["pages"])]) == 0
    told = capsys.readouterr()
    assert "softmax (softmax-overflows)" in told.out and "3 pages are in" in told.err
    assert [row["student"] for row in table(out["g.csv"])] == ["ben", "cid", "王伟"]
    assert all(out[name].read_bytes().startswith(b"\xef\xbb\xbf") for name in ("g.csv", "m.csv", "c.csv"))
    assert out["g.svg"].read_text().startswith("<?xml")
    assert sorted(path.name for path in out["pages"].iterdir()) == ["ben.html", "cid.html", "王伟.html"]


def test_json_is_one_object(folder, capsys):
    assert main(["grade", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["grades"][0]["results"]["softmax"]["mistake"] == "softmax-overflows"
    assert answer["most_frequent"] == [["softmax", "softmax-overflows", 1]]
    assert {"notes", "to_look_at"} <= set(answer)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
@pytest.mark.parametrize("json_too", [False, True])
def test_chinese_names_are_printed_on_every_console(folder, encoding, json_too):
    done = run(folder, *["--json"] * json_too, PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and b"Error" not in done.stderr
    assert b"\\u738b\\u4f1f" in done.stdout if encoding in ("ascii", "cp1252") or json_too else (
        "王伟".encode(encoding) in done.stdout)


def test_the_second_call_grades_what_is_new_alone(folder, capsys, monkeypatch):
    assert main(["grade", str(folder)]) == 0
    before = capsys.readouterr().out
    monkeypatch.setattr("swin_np.classroom.grading.Grader.grade", None)
    assert main(["grade", str(folder)]) == 0
    assert capsys.readouterr().out == before
    assert (folder / ".swin_np_grades.jsonl").exists()


def test_fresh_grades_again(folder, monkeypatch):
    assert main(["grade", str(folder)]) == 0
    size = (folder / ".swin_np_grades.jsonl").stat().st_size
    assert main(["grade", str(folder), "--fresh"]) == 0
    assert (folder / ".swin_np_grades.jsonl").stat().st_size == 2 * size


def test_results_are_kept_where_it_is_asked_for(folder, tmp_path):
    assert main(["grade", str(folder), "--results", str(tmp_path / "kept.jsonl")]) == 0
    assert (tmp_path / "kept.jsonl").read_text().count("\n") == 2
    assert not (folder / ".swin_np_grades.jsonl").exists()


def test_another_seed_is_another_grading_and_is_told_to_nobody(folder, tmp_path, capsys):
    assert main(["grade", str(folder)]) == 0
    assert main(["grade", str(folder), "--seed", "987654321", "--feedback", str(tmp_path / "pages"), "--json"]) == 0
    text = capsys.readouterr().out + "".join(path.read_text() for path in (tmp_path / "pages").iterdir())
    assert "987654321" not in text
    assert (folder / ".swin_np_grades.jsonl").read_text().count("\n") == 4
    assert "987654321" not in (folder / ".swin_np_grades.jsonl").read_text()


def test_roster_deadline_and_attempts(folder, tmp_path, capsys):
    (tmp_path / "roster.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Section\nzoe,1,,,\n王伟,2,,,\n", "utf-8")
    late = time.mktime((2026, 6, 2, 12, 0, 0, 0, 0, -1))
    os.utime(folder / "ben.ipynb", (late, late))
    os.utime(folder / "王伟_01_attention.ipynb", (1, 1))
    assert main(["grade", str(folder), "--roster", str(tmp_path / "roster.csv"), "--deadline", "2026-05-31",
                 "--late-days", "1", "--attempts", "latest", "--csv", str(tmp_path / "g.csv"), "--canvas",
                 str(tmp_path / "c.csv"), "--assignment", "Exercises"]) == 0
    rows = table(tmp_path / "g.csv")
    assert [row["student"] for row in rows] == ["zoe", "王伟", "ben", "cid"]
    assert "has handed in nothing" in rows[0]["problems"] and "2 days late and 1 are allowed" in rows[2]["problems"]
    assert table(tmp_path / "c.csv")[2]["Exercises"] == rows[1]["points"] == "3"


@pytest.mark.parametrize(("arguments", "words"), [
    (["--seconds", "-1"], "more than nothing"), (["--memory", "0"], "more than nothing"),
    (["--processes", "0"], "1 or more"), (["--late-days", "1"], "--deadline beside it"),
    (["--late-days", "-1", "--deadline", "2026-05-31"], "expected 0 or more"),
    (["--deadline", "soon"], "is no time"), (["--seed", "-1"], "seed -1"), (["--roster", "none.csv"], "none.csv"),
    (["--csv", "same.csv", "--moodle", "same.csv"], "the same file"), (["--compare", "nowhere"], "nowhere"),
    (["--results", "grades.txt"], "ends in '.txt'"), (["--feedback", "FOLDER/pages"], "inside the folder"),
    (["--csv", "none/g.csv"], "cannot be written"), (["--results", "none/r.jsonl"], "cannot be written")])
def test_what_cannot_be_is_refused_in_a_sentence_before_the_work(folder, arguments, words, capsys, monkeypatch):
    monkeypatch.setattr("swin_np.classroom.judges.Judges.__enter__", None)
    monkeypatch.chdir(folder.parent)
    given = [argument.replace("FOLDER", str(folder)) for argument in arguments]
    assert main(["grade", str(folder), *given]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and words in told.err
    assert sorted(path.name for path in folder.iterdir()) in (
        ["ben.ipynb", "cid", "王伟_01_attention.ipynb"],
        [".swin_np_grades.jsonl", "ben.ipynb", "cid", "王伟_01_attention.ipynb"])


def test_the_help_has_an_example_and_every_option():
    text = run("--help").stdout.decode()
    assert "example: swin-np grade submitted" in text
    for option in ("roster", "attempts", "deadline", "late-days", "seed", "processes", "results", "fresh", "compare",
                   "csv", "moodle", "canvas", "assignment", "feedback", "plot", "json", "seconds", "memory"):
        assert f"--{option}" in text


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_control_c_keeps_what_was_graded_and_leaves_nobody_behind(tmp_path):
    put(tmp_path, {**{f"a{number}.ipynb": notebook(RIGHT, f"x = {number}") for number in range(3)},
                   **{f"z{number}.ipynb": notebook("while True: pass", f"x = {number}", RIGHT) for number in range(3)}})
    process = subprocess.Popen([sys.executable, "-m", "swin_np", "grade", tmp_path, "--processes", "2"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    kept, end = tmp_path / ".swin_np_grades.jsonl", time.monotonic() + 60
    while time.monotonic() < end and (not kept.exists() or kept.read_text().count("\n") < 3):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)              # as a terminal does, to all of them
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in error
    assert "the same command goes on" in error and "interrupted" in error
    assert kept.read_text().count("\n") == 3
    end = time.monotonic() + 30
    with pytest.raises(ProcessLookupError):            # in the end nobody of the group is left
        while time.monotonic() < end:
            os.killpg(process.pid, 0)
            time.sleep(0.1)


def test_a_folder_that_cannot_be_written_is_graded_all_the_same(folder, monkeypatch):
    monkeypatch.setattr("swin_np.commands.grade.os.access", lambda path, mode: path != folder)
    assert main(["grade", str(folder)]) == 0
    assert not (folder / ".swin_np_grades.jsonl").exists()


def test_a_zip_of_the_class_is_graded(tmp_path, capsys):
    (tmp_path / "class.zip").write_bytes(zipped({"Ann_7_assignsubmission_file_/x.ipynb": notebook(RIGHT)}))
    assert main(["grade", str(tmp_path / "class.zip")]) == 0
    assert "Ann" in capsys.readouterr().out

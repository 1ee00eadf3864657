"""Who handed in what: folders, zips and the names that nbgrader, Moodle and Canvas give."""

import os
import subprocess
import sys
import time
import unicodedata
import zipfile
from datetime import datetime, timezone
from zoneinfo import available_timezones

import pytest

from swin_np.classroom.hand_ins import HandIn, days_late, moment, name_in_zip, stamped, students_of
from swin_np.errors import InputError
from tests.classroom.hand_ins import RIGHT, notebook, put, zipped

FILE = notebook(RIGHT)


def found(folder):
    return {name: sorted(one.name for one in student.hand_ins) for name, student in students_of(folder).items()}


NAMES = {
    "ann.ipynb": "ann", "ann/01_attention.ipynb": "ann", "ann/01_attention/01_attention.ipynb": "ann",
    "ann/a/b/c/x.ipynb": "ann", "王伟.ipynb": "王伟", "王伟/作业 一.ipynb": "王伟", "王伟_01_attention.ipynb": "王伟",
    "Ann Smith - 01_attention.ipynb": "Ann Smith", "ann_01_attention (2).ipynb": "ann", "ann (1).ipynb": "ann",
    "01_attention/ann.ipynb": "ann", "ann.py": "ann", "O'Brien, Ann.ipynb": "O'Brien, Ann", "J. R..ipynb": "J. R.",
    "Ann Smith_1234567_assignsubmission_file_/x.ipynb": "Ann Smith",
    "Ann Smith_1234567_assignsubmission_file_x.ipynb": "Ann Smith",
    "Ann Smith_1234567_assignsubmission_file/x.ipynb": "Ann Smith",
    "王 伟_77_assignsubmission_file_/x.ipynb": "王 伟", "annsmith_12345_67890_01_attention.ipynb": "annsmith",
    "annsmith_LATE_12345_67890_01_attention-1.ipynb": "annsmith", "王伟_12345_67890_x.ipynb": "王伟",
    "submissions/annsmith_12345_67890_x.ipynb": "annsmith", "CS1-9/Ann_7_assignsubmission_file_/x.ipynb": "Ann",
    "ann..ipynb": "ann.", "-.ipynb": "-", "ann\nsmith.ipynb": "ann\nsmith", "<b>ann.ipynb": "<b>ann",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_the_student_of_a_file_is_found(name, packed, tmp_path):
    if packed:
        place = tmp_path / "class.zip"
        place.write_bytes(zipped({name: FILE}))
    else:
        place = put(tmp_path / "class", {name: FILE})
    student, = students_of(place).values()
    assert student.name == NAMES[name] and len(student.hand_ins) == 1
    assert student.hand_ins[0].read() == FILE


@pytest.mark.parametrize("name", ["ann.zip", "ann/hand in.zip", "Ann_7_assignsubmission_file_/a.zip",
                                  "ann_12345_67890_a.zip"])
def test_zips_are_opened_also_in_each_other(name, tmp_path):
    put(tmp_path, {name: zipped({"a/x.ipynb": FILE, "b.zip": zipped({"y.py": b"x = 1"})})})
    (student, names), = found(tmp_path).items()
    assert student.lower() == "ann" and names == ["x.ipynb", "y.py"]


def test_the_zip_of_a_whole_class_in_the_folder_is_opened(tmp_path):
    put(tmp_path, {"download.zip": zipped({"Ann_7_assignsubmission_file_/x.ipynb": FILE,
                                           "Ben_8_assignsubmission_file_/x.ipynb": FILE})})
    assert found(tmp_path) == {"Ann": ["x.ipynb"], "Ben": ["x.ipynb"]}


def test_a_folder_for_each_notebook_keeps_the_files_of_a_student_apart(tmp_path):
    put(tmp_path, {"01_attention/ann.ipynb": FILE, "02_patches/ann.ipynb": FILE, "02_patches/ben/x.ipynb": FILE,
                   "02_patches/ben/m.py": b"", "03_windows/ben/x.ipynb": FILE})
    students = students_of(tmp_path)
    assert [one.place for one in students["ann"].hand_ins] == ["01_attention/ann.ipynb", "02_patches/ann.ipynb"]
    assert [len(one.beside) for one in students["ben"].hand_ins if one.name == "x.ipynb"] == [1, 0]


def test_two_students_of_one_name_stay_two(tmp_path):
    put(tmp_path, {"Wei Li_7_assignsubmission_file_/x.ipynb": FILE, "Wei Li_8_assignsubmission_file_/x.ipynb": FILE})
    assert found(tmp_path) == {"Wei Li": ["x.ipynb"], "Wei Li (8)": ["x.ipynb"]}


def test_several_hand_ins_of_one_student_are_one_student_s(tmp_path):
    put(tmp_path, {"ann_1_2_a.ipynb": FILE, "ann_1_3_a-1.ipynb": FILE, "ben.ipynb": FILE, "ben (1).ipynb": FILE})
    assert found(tmp_path) == {"ann": ["ann_1_2_a.ipynb", "ann_1_3_a-1.ipynb"],
                               "ben": ["ben (1).ipynb", "ben.ipynb"]}


def test_a_name_is_one_however_a_system_composes_its_letters(tmp_path):
    names = {form: unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD")}
    put(tmp_path, {f"{names['NFC']}/x.ipynb": FILE, f"{names['NFD']}/y.ipynb": FILE})
    assert found(tmp_path) == {names["NFC"]: ["x.ipynb", "y.ipynb"]}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_zip_of_chinese_windows_has_its_names(encoding):
    member = zipfile.ZipInfo("x")
    member.filename = "王伟/作业.ipynb".encode(encoding).decode("cp437")
    assert name_in_zip(member) == "王伟/作业.ipynb"
    member.filename, member.flag_bits = "王伟.ipynb", 0x800
    assert name_in_zip(member) == "王伟.ipynb"


def test_a_folder_of_a_student_with_a_file_named_as_by_canvas_stays_theirs(tmp_path):
    put(tmp_path, {"ann/homework_1_2_final.ipynb": FILE})
    assert found(tmp_path) == {"ann": ["homework_1_2_final.ipynb"]}


def test_what_is_nobody_s_is_left_aside(tmp_path):
    put(tmp_path, {"ann/x.ipynb": FILE, **dict.fromkeys([
        "ann/.ipynb_checkpoints/x.ipynb", ".swin_np_grades.jsonl", "grades.csv", "ann/__pycache__/x.py",
        "__MACOSX/ann/._x.ipynb", "ann/.DS_Store", "Thumbs.db", "ann/exercise_progress.json", "statement.pdf"], b"")})
    student, = students_of(tmp_path).values()
    assert student.name == "ann" and len(student.hand_ins) == 1 and student.others == []


def test_an_empty_folder_and_other_files_are_students_too(tmp_path):
    put(tmp_path, {"ann/report.pdf": b"", "cid/x.ipynb": FILE, "dan.zip": zipped({}),
                   "Eve_9_assignsubmission_file_report.docx": b""})
    (tmp_path / "ben").mkdir()
    assert found(tmp_path) == {"Eve": [], "ann": [], "ben": [], "cid": ["x.ipynb"], "dan": []}
    assert students_of(tmp_path)["ann"].others == ["report.pdf"]


def test_a_link_to_nothing_is_told(tmp_path):
    put(tmp_path, {"ben.ipynb": FILE})
    (tmp_path / "ann.ipynb").symlink_to(tmp_path / "gone")
    assert students_of(tmp_path)["ann"].problems == ["ann.ipynb is a link to a file that is not there"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    put(tmp_path, {"ann/x.ipynb": FILE})
    monkeypatch.setattr("swin_np.classroom.hand_ins.os.access", lambda path, mode: False)
    assert students_of(tmp_path)["ann"].problems == ["the folder ann cannot be read: change its permissions"]


@pytest.mark.parametrize(("files", "count"), [
    ({"ann.zip": zipped({"x.ipynb": FILE}), "ben.zip": zipped({"x.ipynb": FILE})}, 2),
    ({"ann.py": b"", "ben/x.py": b""}, 2), ({"ann.IPYNB": FILE, "ben.ZIP": zipped({"X.PY": b""})}, 2)])
def test_a_class_may_hand_in_zips_alone_or_python_alone(files, count, tmp_path):
    assert len([one for student in students_of(put(tmp_path, files)).values() for one in student.hand_ins]) == count


BAD_ZIPS = {"noise": b"no zip", "cut off": zipped({"x.ipynb": FILE})[:60], "nothing": b""}


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_a_zip_that_cannot_be_opened_is_told(name, tmp_path):
    put(tmp_path, {"ann.zip": BAD_ZIPS[name], "ben.ipynb": FILE})
    students = students_of(tmp_path)
    assert "ann.zip cannot be opened" in students["ann"].problems[0] and students["ben"].hand_ins


def test_a_locked_zip_is_told(tmp_path):
    data = bytearray(zipped({"x.ipynb": FILE}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    put(tmp_path, {"ann.zip": bytes(data)})
    assert "locked with a password" in students_of(tmp_path)["ann"].problems[0]


def test_a_zip_cannot_reach_outside_or_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("swin_np.classroom.hand_ins.MOST_UNZIPPED", 10 ** 6)
    put(tmp_path, {"ann.zip": zipped({"../../ben/x.ipynb": FILE}), "cid.zip": zipped({"x.ipynb": b"0" * 10 ** 7})})
    students = students_of(tmp_path)
    assert [one.name for one in students["ann"].hand_ins] == ["x.ipynb"] and "ben" not in students
    assert "more than 0 MiB" in students["cid"].problems[0]


def test_modules_beside_a_notebook_go_with_it(tmp_path):
    put(tmp_path, {"ann/x.ipynb": FILE, "ann/formulas.py": b"x = 1", "ben.ipynb": FILE, "cid.py": b""})
    students = students_of(tmp_path)
    by_name = {one.name: one for one in students["ann"].hand_ins}
    assert [one.name for one in by_name["x.ipynb"].beside] == ["formulas.py"]
    assert students["ben"].hand_ins[0].beside == ()


def test_what_canvas_calls_late_is_told(tmp_path):
    put(tmp_path, {"ann_LATE_1_2_x.ipynb": FILE, "ben_3_4_x.ipynb": FILE})
    students = students_of(tmp_path)
    assert students["ann"].problems == ["ann_LATE_1_2_x.ipynb is marked as late by Canvas"]
    assert students["ben"].problems == []


@pytest.fixture(params=["Asia/Shanghai", "UTC", "America/New_York"])
def zone(request, monkeypatch):
    """A computer's own zone."""
    if not hasattr(time, "tzset") or request.param not in available_timezones():
        pytest.skip("this system has one zone, or no names of zones")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("text", ["15:58:23.948203 UTC", "15:58:23.948203", "15:58:23 +0000", "23:58:23.1 +08:00\n",
                                  "23:58:23 +08", "23:58:23.948203 Asia/Shanghai\n"])
def test_what_nbgrader_wrote_is_a_time_of_its_zone_and_utc_where_it_names_none(zone, text):
    expected = {"Asia/Shanghai": datetime(2026, 5, 31, 23, 58, 23), "UTC": datetime(2026, 5, 31, 15, 58, 23),
                "America/New_York": datetime(2026, 5, 31, 11, 58, 23)}
    assert stamped(f"2026-05-31 {text}") == expected[zone]
    assert stamped(f"2026-05-31 11:58:23 {time.tzname[time.daylight]}") == datetime(2026, 5, 31, 11, 58, 23)


def test_the_time_is_nbgrader_s_or_the_file_s(tmp_path):
    put(tmp_path, {"ann/01/x.ipynb": FILE, "ann/01/timestamp.txt": b"2026-05-31 15:58:23.948203 UTC",
                   "dan/x.ipynb": FILE, "dan/timestamp.txt": b"2026-05-31 15:58:23 Mars/Olympus",
                   "ben.ipynb": FILE, "cid/x.ipynb": FILE, "cid/timestamp.txt": b"yesterday"})
    os.utime(tmp_path / "ben.ipynb", (10 ** 9, 10 ** 9))
    times = {name: student.hand_ins[0].time for name, student in students_of(tmp_path).items()}
    assert times["ann"] == datetime(2026, 5, 31, 15, 58, 23, tzinfo=timezone.utc).astimezone().replace(tzinfo=None)
    assert times["ben"] == datetime.fromtimestamp(10 ** 9)
    assert times["cid"] == datetime.fromtimestamp((tmp_path / "cid/x.ipynb").stat().st_mtime)
    assert times["dan"] == datetime.fromtimestamp((tmp_path / "dan/x.ipynb").stat().st_mtime)


@pytest.mark.parametrize("make", [lambda path: path / "nowhere", lambda path: path, lambda path: put(
    path, {"grades.csv": b"", "read me.txt": b""}), lambda path: put(path, {"a.txt": b""}) / "a.txt"])
def test_a_place_without_submissions_is_refused(make, tmp_path):
    with pytest.raises(InputError, match=r"STUDENT\.ipynb"):
        students_of(make(tmp_path))


@pytest.mark.parametrize(("text", "time"), [
    ("2026-05-31", datetime(2026, 5, 31, 23, 59, 59)), ("2026-05-31 18:00", datetime(2026, 5, 31, 18)),
    ("2026-05-31T18:00:30", datetime(2026, 5, 31, 18, 0, 30))])
def test_a_deadline_is_read(text, time):
    assert moment(text) == time


def test_a_deadline_of_another_zone_is_this_computer_s_time():
    assert moment("2026-05-31T18:00+00:00") == moment("2026-05-31T20:00+02:00") == moment("2026-05-31T18:00Z")


@pytest.mark.parametrize("text", ["", "tomorrow", "31.5.2026", "2026-13-01", "2026-02-30"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError, match="is no time: write it as"):
        moment(text)


@pytest.mark.parametrize(("time", "days"), [
    (datetime(2026, 5, 31, 18), 0), (datetime(2026, 5, 31, 18, 0, 1), 1), (datetime(2026, 6, 1, 18), 1),
    (datetime(2026, 6, 1, 18, 0, 1), 2), (None, 0)])
def test_days_late_that_have_begun_count(time, days):
    assert days_late(time, datetime(2026, 5, 31, 18)) == days
    assert days_late(time, None) == 0


def test_a_file_that_is_gone_is_read_when_it_is_needed(tmp_path):
    put(tmp_path, {"ann.ipynb": FILE})
    hand_in, = students_of(tmp_path)["ann"].hand_ins
    assert isinstance(hand_in, HandIn)
    (tmp_path / "ann.ipynb").unlink()
    with pytest.raises(OSError, match="ann"):
        hand_in.read()


def test_chinese_names_are_read_where_the_console_knows_ascii_alone(tmp_path):
    (tmp_path / "in" / "李明").mkdir(parents=True)
    (tmp_path / "in" / "李明" / "01_attention.ipynb").write_bytes(notebook(RIGHT))
    (tmp_path / "in" / "王芳.zip").write_bytes(zipped({"作业.ipynb": notebook(RIGHT)}))
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-m", "swin_np", "grade", tmp_path / "in", "--csv", tmp_path / "class.csv",
                           "--feedback", tmp_path / "pages"], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(page.name for page in (tmp_path / "pages").iterdir()) == ["李明.html", "王芳.html"]
    assert all(name in (tmp_path / "class.csv").read_text(encoding="utf-8") for name in ("李明", "王芳"))

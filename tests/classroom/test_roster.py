"""The roster: read as Moodle, Canvas and spreadsheets write it, and matched with who has handed in."""

import pytest

from swin_np.classroom.hand_ins import Student
from swin_np.classroom.roster import enrolled, read_roster, spellings
from swin_np.errors import InputError

MOODLE = ("Identifier,Full name,Email address,Status,Grade,Maximum Grade\n"
          "Participant 101,Ann Smith,ann@x.edu,Submitted,,100\nParticipant 102,王伟,wang.wei@x.edu,,,100\n")
CANVAS = ('Student,ID,SIS User ID,SIS Login ID,Section,Exercises (55)\n    Points Possible,,,,,12\n'
          '"Smith, Ann",12345,s1,asmith,A,\n"Student, Test",99,,,A,\n')


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return read_roster(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_worksheet_of_moodle_is_read(tmp_path, encoding):
    rows = read(tmp_path, MOODLE, encoding)
    assert [row.name for row in rows] == ["Ann Smith", "王伟"]
    assert rows[0].cells["Identifier"] == "Participant 101"


def test_a_gradebook_of_canvas_is_read_without_its_other_lines(tmp_path):
    assert [row.name for row in read(tmp_path, CANVAS)] == ["Smith, Ann"]


@pytest.mark.parametrize(("text", "names"), [
    ("ann\nben\n", ["ann", "ben"]), ("name\nann\n", ["ann"]), ("Name;Group\nann;1\n", ["ann"]),
    ("First name\tSurname\nAnn\tSmith\n", ["Ann Smith"]), ("姓名,学号\n王伟,7\n", ["王伟"]),
    ("Email address\nann@x.edu\n", ["ann@x.edu"]), ("name\n\nann\n\n", ["ann"]), ("name,x\nann\n", ["ann"]),
    ("Name\r\n\"Smith, \"\"A\"\"\"\r\n", ['Smith, "A"'])])
def test_tables_of_other_makes_are_read(tmp_path, text, names):
    assert [row.name for row in read(tmp_path, text)] == names


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n", "name\n", b"\x00\x01\x02\x81"])
def test_what_names_no_students_is_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"roster\.csv"):
        read(tmp_path, text)


def test_a_roster_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")


@pytest.mark.parametrize(("one", "other"), [
    ("Smith, Ann", "Ann Smith"), ("Smith, Ann", "smithann"), ("Ann Smith", "smithann"), ("ANN_SMITH", "ann smith"),
    ("ann@x.edu", "ann"), ("Participant 101", "101"), (" Ann  Smith ", "ann smith"), ("\uff21\uff4e\uff4e", "ann")])
def test_spellings_of_one_student_meet(one, other):
    assert spellings(one) & spellings(other)


@pytest.mark.parametrize(("one", "other"), [("Ann Smith", "Ann Smyth"), ("", ""), ("ann", "anna"), ("王伟", "王玮")])
def test_spellings_of_two_students_do_not_meet(one, other):
    assert not spellings(one) & spellings(other)


def people(*students):
    return {student.name: student for student in students}


def test_everybody_of_the_roster_has_a_line_in_its_order_and_strangers_follow(tmp_path):
    rows = read(tmp_path, MOODLE)
    listed = enrolled(rows, people(Student("zoe"), Student("王伟", {"moodle": "102"})))
    assert [student.name for _, student in listed] == ["Ann Smith", "王伟", "zoe"]
    assert listed[2][1].problems == ["is not in the roster"] and listed[2][0] is None


def test_a_number_of_the_system_goes_before_a_name(tmp_path):
    rows = read(tmp_path, "Identifier,Full name\nParticipant 7,Wei Li\nParticipant 8,Wei Li\n")
    listed = enrolled(rows, people(Student("Wei Li", {"moodle": "8"}), Student("Wei Li (7)", {"moodle": "7"})))
    assert [student.ids["moodle"] for _, student in listed] == ["7", "8"]


def test_two_lines_of_one_name_are_not_guessed_between(tmp_path):
    listed = enrolled(read(tmp_path, "name\nWei Li\nWei Li\n"), people(Student("Wei Li")))
    assert len(listed) == 3 and listed[2][1].problems == ["fits 2 lines of the roster: Wei Li"]


def test_hand_ins_under_two_names_of_one_student_are_put_together(tmp_path):
    rows = read(tmp_path, CANVAS)
    students = people(Student("smithann", {"canvas": "12345"}, others=["a"]), Student("Ann Smith", others=["b"]))
    one, = enrolled(rows, students)
    assert one[1].name == "Smith, Ann" and one[1].others == ["a", "b"]

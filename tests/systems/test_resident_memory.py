"""The account of memory is used only where it exists and may be reset; elsewhere measuring goes on without."""

import pytest

from swin_np.commands import systems as systems_command
from swin_np.systems import resident_memory
from swin_np.systems.measurement import Measurement, measure_here

STATUS = "Name:\tpython\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"


@pytest.fixture
def account(tmp_path, monkeypatch):
    """Files in place of the kernel's."""
    for name, text in (("STATUS", STATUS), ("RESET", "")):
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setattr(resident_memory, name, path)
    return tmp_path


def test_an_account_that_can_be_read_and_reset_is_used(account):
    assert resident_memory.measurable()
    assert (account / "RESET").read_text() == "5"
    assert (resident_memory.mebibytes("VmRSS"), resident_memory.mebibytes("VmHWM")) == (10, 20)


@pytest.mark.long
@pytest.mark.parametrize(("name", "text"), [
    ("STATUS", None), ("RESET", None), ("STATUS", "Name:\tpython\nVmRSS:\t10240 kB\n"), ("STATUS", ""),
    ("STATUS", STATUS.replace("20480 kB", "")), ("STATUS", STATUS.replace("20480", "many")),
    ("STATUS", STATUS.replace("20480", "0")),
])
def test_without_a_file_or_an_entry_nothing_is_measured(account, name, text):
    if text is None:
        (account / name).unlink()
        (account / name).mkdir()                       # neither read nor written
    else:
        (account / name).write_text(text)
    assert not resident_memory.measurable()
    measured = measure_here("deit_ti", (32, 32), 1)
    assert (measured.loaded, measured.peak) == (None, None)
    assert measured.seconds > 0


def test_the_table_of_systems_says_once_that_memory_is_not_measured(monkeypatch, capsys):
    monkeypatch.setattr(systems_command, "measure", lambda *_: Measurement(0.1, 3, None, None))
    rows = [systems_command.counted("deit_ti", (32, 32))] * 2
    assert len(list(systems_command.with_measurements(rows, 1))) == 2
    assert capsys.readouterr().err.count("the peak memory is not measured") == 1

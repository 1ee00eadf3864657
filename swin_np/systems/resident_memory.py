"""The resident memory of this process, from the kernel's account of it; only Linux keeps one, not in every container.

getrusage's ru_maxrss would not do: a new process begins with that of the process that started it.
"""

from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measurable() -> bool:
    """Whether this system keeps such an account, and lets this process read and reset it: both are tried."""
    try:
        reset_peak()
        return mebibytes("VmRSS") > 0 and mebibytes("VmHWM") > 0
    except (OSError, LookupError, ValueError):         # no such file, not allowed, or another kernel's account
        return False


def mebibytes(name: str) -> float:
    """One entry of the account, in MiB: VmRSS is now, VmHWM the peak since the last reset."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[name].split()[0]) / 1024          # "123456 kB"


def reset_peak() -> None:
    """Let the peak be what is resident now."""
    RESET.write_text("5")                              # "5" sets VmHWM to VmRSS

"""What a process costs, read from /proc."""

import contextlib
import os
from pathlib import Path

CLOCK_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
NICENESS = -10


def cpu_s(*pids: int) -> float:
    """User and system time that processes and their threads have spent (proc(5), fields 14 and 15)."""
    return sum((int(_status(pid)[11]) + int(_status(pid)[12])) * CLOCK_TICK_S for pid in pids)


def threads_cpu_s(pid: int) -> list[float]:
    """The same of each of a process's threads, the first one first."""
    folder = Path(f"/proc/{pid}/task")
    found = []
    for thread in sorted(folder.iterdir(), key=lambda each: int(each.name)):
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        found.append((int(fields[11]) + int(fields[12])) * CLOCK_TICK_S)
    return found


def resident_kb(pid: int, *, with_files: bool = True) -> float:
    """Resident memory with what is shared.  with_files: and with the pages of programs and libraries, which come in as
    they are first used, however many calls there are."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kept = ("RssAnon", "RssShmem", "RssFile") if with_files else ("RssAnon", "RssShmem")
    return float(sum(int(status[each].split()[0]) for each in kept))


def prefer(pid: int) -> None:
    """Let a process's session go before what else a busy machine does, where that is permitted (sched(7), autogroup).

    For the generator, for ours and for the peer alike: as on a machine that has nothing else to do.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))


def parent_of(pid: int) -> int:
    return int(_status(pid)[1])


def descendants(pid: int) -> list[int]:
    """Every process that this one has begun, and those that they have."""
    found = [pid]
    parents = {}
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(each.name)] = parent_of(int(each.name))
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def _status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat that follow the name, from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

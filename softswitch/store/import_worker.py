"""A process that reads, checks and seals a long list while the one that asked for it writes to the store.

It is told everything over its standard input, the vault's keys among them, and tells groups over its standard output;
nothing of either is in its arguments, its environment or a file. It leaves no core dump, shows its memory to nobody,
and ends when nobody reads what it tells. Whatever goes wrong in it ends the import: a list is complete or not dialled.
"""

import gc
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from softswitch.core_dumps import keep_memory_private
from softswitch.errors import SoftswitchError, UsageError
from softswitch.store.columns import Columns
from softswitch.store.errors import StoreFailed
from softswitch.store.lead_file import LeadFile
from softswitch.store.lead_groups import Group, GroupReader, LeadGroup, PlainGroup, Site
from softswitch.store.vault import RootKeys

BROKEN_OFF = "the import broke off, for the process that reads the list has ended; import the same file again"
_COMMAND = (sys.executable, "-m", "softswitch.store.import_worker")
_END, _REFUSED = "end", "refused"


@dataclass(frozen=True, slots=True)
class _Work:
    file: LeadFile
    columns: Columns
    site: Site
    keys: RootKeys | None


class ImportWorker:
    """Face of the process to those who import; like `GroupReader`, and to be closed."""

    def __init__(self, file: LeadFile, columns: Columns, site: Site, keys: RootKeys | None) -> None:
        """keys: the vault's; None where nothing is to be written."""
        self._process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._told: IO[bytes] = self._process.stdout
            try:
                pickle.dump(_Work(file, columns, site, keys), self._process.stdin, pickle.HIGHEST_PROTOCOL)
                self._process.stdin.close()
            except OSError:
                raise StoreFailed(BROKEN_OFF) from None
        except BaseException:
            self.close()
            raise

    def next_group(self) -> Group | None:
        """As `GroupReader.next_group`. Raises StoreFailed where the process has ended before the list has."""
        try:
            told = pickle.load(self._told)  # noqa: S301  our own process wrote it
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            raise StoreFailed(BROKEN_OFF) from None
        if isinstance(told, LeadGroup | PlainGroup):
            return told
        what, why = told
        if what == _REFUSED:
            raise UsageError(why)
        return None

    def close(self) -> None:
        """End the process, wherever it is."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def serve(asked: IO[bytes], tell: Callable[[object], None]) -> None:
    """Do the one piece of work that `asked` holds."""
    work: _Work = pickle.load(asked)  # noqa: S301  from the process that made this one
    try:
        vault = None if work.keys is None else work.keys.vault()
        groups = GroupReader(work.file, work.columns, work.site, vault)
        while (group := groups.next_group()) is not None:
            tell(group)
    except SoftswitchError as error:
        tell((_REFUSED, str(error)))
    else:
        tell((_END, ""))


def main() -> None:
    keep_memory_private()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is told, and ends this process
    gc.disable()  # nothing here goes in circles, and the list's numbers would be looked through again and again
    out = sys.stdout.buffer

    def tell(what: object) -> None:
        out.write(pickle.dumps(what, pickle.HIGHEST_PROTOCOL))
        out.flush()

    try:
        serve(sys.stdin.buffer, tell)
    except BrokenPipeError:
        sys.stdout = None  # nobody reads any more, and nothing is flushed at the end


if __name__ == "__main__":
    main()

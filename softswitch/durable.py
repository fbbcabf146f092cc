"""Files whose content is on the disk when the call returns: keys, the site's file, the log, what was destroyed."""

import os
from pathlib import Path


def write_new(path: Path, content: bytes | str, mode: int = 0o600) -> None:
    """A new file, synced; its name is durable after `sync_folder`. Text is ASCII.

    mode: of the file, whatever the umask.  FileExistsError where there is one; OSError where it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content.encode("ascii") if isinstance(content, str) else content)
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Have what was made, renamed or removed in it so on the disk too. OSError where that fails."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The audit log of a site's configuration: opened with its key, and told first who has loaded what."""

import hashlib
import os
import pwd
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from softswitch.config import Settings
from softswitch.errors import UsageError
from softswitch.exchange.audit.file import AuditFile
from softswitch.exchange.audit.keys import find_key

LOGIN_UID = Path("/proc/self/loginuid")
NOBODY_LOGGED_IN = 2**32 - 1


def make_audit(settings: Settings, on_health: Callable[[str], None] = lambda trouble: None) -> AuditFile:
    """The site's audit log, with the key that signs it. Raises UsageError where that key is named and cannot be had."""
    folder = settings.site.data_directory
    return AuditFile(folder, find_key(settings.audit.signing_key, folder), on_health=on_health)


async def start_audit(audit: AuditFile, settings: Settings, on_health: Callable[[str], None]) -> None:
    """Go on with the log, and note who has loaded which configuration. Where it cannot be written the site starts all
    the same, for the calls that a crash has left, and dials nothing."""
    try:
        await audit.start()
    except UsageError as error:
        on_health(str(error))
    try:
        release = version("softswitch")
    except PackageNotFoundError:
        release = "unknown"
    told = settings.model_dump_json().encode()  # secrets are stars in it
    subject = f"configuration {hashlib.sha256(told).hexdigest()}"
    audit.note_soon(person(), "start", subject=subject, reason=f"release {release}", failed=on_health)


def person() -> str:
    """Whose process this is, by the kernel and not by the environment, which anybody may set; and who logged in to the
    machine (pam_loginuid(8)), where that is somebody else."""
    user = _name_of(os.getuid())
    try:
        login = int(LOGIN_UID.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return user
    return user if login in (NOBODY_LOGGED_IN, os.getuid()) else f"{_name_of(login)} as {user}"


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"

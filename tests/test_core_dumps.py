"""What a process of ours knows leaves it by no core dump, whatever its parent allows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ALLOWED = "import resource as r; r.setrlimit(r.RLIMIT_CORE, r.getrlimit(r.RLIMIT_CORE)[1:] * 2)\n"
"""As an administrator may have it who looks for a crash's cause."""
SHOW = "\nimport ctypes; print(r.getrlimit(r.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE


def test_an_abort_leaves_no_core_where_dumps_are_allowed(tmp_path: Path) -> None:
    code = ALLOWED + "from softswitch.core_dumps import *; keep_memory_private(); import os; os.abort()"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    _, status = os.waitpid(child.pid, 0)
    child.returncode = 0
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "program",
    [
        "from softswitch import __main__ as m; m.whole_app = lambda: lambda: None; m.main()",
        "import socket; from softswitch.media import process as m; m.FIRST_CONNECTION_S = 0.01\n"
        "listener = socket.socket(); listener.bind(('127.0.0.1', 0))\n"
        "try: m.serve(listener, None)\nexcept TimeoutError: pass",
        "from softswitch.store import import_worker as m; m.serve = lambda *_: None; m.main()",
    ],
    ids=["the command", "the media process", "the process that reads lists"],
)
def test_our_programs_may_not_be_dumped_or_looked_into(program: str, tmp_path: Path) -> None:
    code = ALLOWED + program + SHOW
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "(0, 0) 0"

"""What a lab process saw, as JSON lines that another process can join with its own records."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO


class Journal:
    """An append-only log: one JSON object a line with `event`, `at` (CLOCK_MONOTONIC seconds, comparable across the
    processes of one machine) and `wall` (ISO 8601, UTC).

    A line is flushed as it is written, so that a killed process leaves all it saw.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[dict[str, Any]] = []
        """Everything written by this process, for tests in the same process."""
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None

    def write(self, event: str, **fields: Any) -> None:
        entry = {"event": event, "at": time.monotonic(), "wall": datetime.now(UTC).isoformat(), **fields}
        self.entries.append(entry)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def of(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The entries of one kind whose fields have the given values."""
        return [e for e in self.entries if e["event"] == event and all(e.get(k) == v for k, v in fields.items())]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Every whole line; a last line cut off by a kill is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return entries

"""How commands give out figures: a file, standard output, or a table at the terminal."""

import csv
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from softswitch.errors import UsageError


def is_standard_output(path: Path | None) -> bool:
    return str(path) == "-"


def write_text(path: Path, text: str) -> None:
    """Write to a file, or to standard output for `-`. Raises UsageError where the file cannot be written."""
    if is_standard_output(path):
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """The same for what is no text."""
    if is_standard_output(path):
        sys.stdout.buffer.write(content)
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def write_json(path: Path, figures: Any) -> None:
    """The same, as JSON."""
    write_text(path, json.dumps(figures, indent=2) + "\n")


def write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """The same, as CSV that no spreadsheet takes for formulas."""
    from softswitch.store.cdr import cell

    out = io.StringIO()
    csv.writer(out).writerows(map(cell, row) for row in rows)
    write_text(path, out.getvalue())


def show_figures(console: Console, title: str, rows: Iterable[tuple[str, str]]) -> None:
    """What, and its figure, line by line."""
    table = Table(title=title, show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    for what, figure in rows:
        table.add_row(what, figure)
    console.print(table)

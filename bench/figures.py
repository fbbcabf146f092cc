"""How every benchmark is called: `--json FILE` writes one JSON object, `-` is standard output. Logs go to stderr."""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from softswitch.logs import write_logs_to


def parser(question: str | None) -> argparse.ArgumentParser:
    """Options of one benchmark; question: the file's docstring."""
    write_logs_to(None, logging.WARNING)  # unasked, structlog writes to standard output
    made = argparse.ArgumentParser(description=question, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", metavar="FILE", help="write the figures as one JSON object; - is standard output")
    return made


def report(figures: dict[str, Any], where: str | None) -> None:
    text = json.dumps(figures) + "\n"
    if where is None or where == "-":
        sys.stdout.write(text)
    else:
        Path(where).write_text(text)

"""How every benchmark is called: `--json FILE` writes one JSON object, `-` is standard output."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def parser(question: str | None) -> argparse.ArgumentParser:
    """Options of one benchmark; question: the file's docstring."""
    made = argparse.ArgumentParser(description=question, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", metavar="FILE", help="write the figures as one JSON object; - is standard output")
    return made


def report(figures: dict[str, Any], where: str | None) -> None:
    text = json.dumps(figures) + "\n"
    if where is None or where == "-":
        sys.stdout.write(text)
    else:
        Path(where).write_text(text)

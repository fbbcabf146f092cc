"""Logs: structured lines, redacted by one processor before anything is written."""

import logging
import os
import stat
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from softswitch.safeguards.redaction import redact

_LOG = logging.getLogger(__name__)


def write_logs_to(path: Path | None, level: int = logging.INFO) -> None:
    """Send every log line, ours and the libraries', to a file (JSON lines) or to stderr (for people)."""
    stream: TextIO = sys.stderr if path is None else path.open("a", encoding="utf-8")
    renderer: Processor = structlog.processors.JSONRenderer()
    if path is None:  # a traceback with local variables, as it makes them by itself, would tell keys and numbers
        renderer = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def redact_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """No telephone number in any name or value, however it came there: in a list, in an exception's text, in bytes."""
    return {redact(key): value if key in _OURS else _redacted(value) for key, value in event.items()}


def is_kept(stream: TextIO) -> bool:
    """Whether what is written there stays: a file, or the journal of systemd (JOURNAL_STREAM, systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) or os.environ.get("JOURNAL_STREAM", "") == f"{found.st_dev}:{found.st_ino}"


def log_what_nobody_caught() -> None:
    """For a whole program: what would go to stderr by another way goes through the log. The last words of the program
    and of a thread, what fails while memory is freed, warnings."""

    def last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _LOG.critical("the program ends", exc_info=(kind, error, trace))

    def of_thread(words: threading.ExceptHookArgs) -> None:
        error = words.exc_value or words.exc_type()
        _LOG.error("a thread ended", exc_info=(words.exc_type, error, words.exc_traceback))

    def unraisable(words: "sys.UnraisableHookArgs") -> None:
        error = words.exc_value or words.exc_type()
        _LOG.error("an error could not be raised", exc_info=(words.exc_type, error, words.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = last_words, of_thread, unraisable
    logging.captureWarnings(True)


_OURS = frozenset({"timestamp", "_record", "_from_structlog"})
"""What the processors put there themselves; the last two are taken out again before a line is written."""


def _redacted(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(str(key)): _redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(each) for each in value]
    return redact(str(value))

"""Logs: structured lines, redacted by one processor before anything is written."""

import logging
import sys
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from softswitch.safeguards.redaction import redact


def write_logs_to(path: Path | None, level: int = logging.INFO) -> None:
    """Send every log line, ours and the libraries', to a file (JSON lines) or to stderr (for people)."""
    stream: TextIO = sys.stderr if path is None else path.open("a", encoding="utf-8")
    renderer = structlog.dev.ConsoleRenderer() if path is None else structlog.processors.JSONRenderer()
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
    """No telephone number in any value, however it came there."""
    return {
        key: redact(value) if isinstance(value, str) and key != "timestamp" else value for key, value in event.items()
    }

"""Logging for the command line: structlog, one line an event, on standard error."""

import logging
import sys
from typing import TextIO

import structlog


def set_up_logs(level: str = "info", to: TextIO | None = None) -> None:
    """Log from a level upwards; coloured on a terminal, key=value elsewhere. Libraries are heard from warning up."""
    to = sys.stderr if to is None else to
    terminal = to.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.LogfmtRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(to),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="level=%(levelname)s event=%(message)r")

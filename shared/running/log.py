"""Logs without personal data: only keys on the list are written, never an exception's text.

Allow-list, not deny-list (decision 20): what nobody thought of stays out.
"""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import TextIO, cast

import structlog
from structlog.types import EventDict, FilteringBoundLogger, WrappedLogger

from shared.running.settings import Settings

KEYS = frozenset(
    {
        *("event", "level", "at", "logger", "service", "request_id", "trace_id", "pid", "port"),
        *("tracking_code", "case_id", "event_id", "topic", "consumer", "step", "status", "version"),
        *("method", "route", "http_status", "duration_ms", "party", "attempt", "mode", "role"),
        *("error_type", "error_at", "sqlstate", "code", "count", "bytes", "outcome"),
    }
)
_WORD = re.compile(r"[a-z0-9_.]{1,80}")
_DIGIT = "0-9۰-۹٠-٩"
_PERSONAL = re.compile(
    rf"(?<![{_DIGIT}A-Za-z-])(?:[{_DIGIT}]{{10,11}}|IR[{_DIGIT}]{{24}})(?![{_DIGIT}A-Za-z-])"
)


def get_logger() -> FilteringBoundLogger:
    """Return a logger; its first argument is a snake_case word, what belongs to it are keys."""
    return cast("FilteringBoundLogger", structlog.get_logger())


def configure(settings: Settings) -> None:
    """Send every log line of the process, libraries' too, through the list as JSON on stderr."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            only_listed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Foreign()], level=max(level, logging.WARNING), force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True


def only_listed(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Drop what is not on the list; mask what looks like a national code, a mobile or a Sheba."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    kept: EventDict = {key: _plain(value) for key, value in line.items() if key in KEYS}
    if not _WORD.fullmatch(str(line.get("event", ""))):
        kept["event"] = "unnamed_event"
    if isinstance(error, BaseException):
        kept.update(about(error))
    return kept


def about(error: BaseException) -> dict[str, str]:
    """Return what may be said of an exception: its type, its SQLSTATE, where in the code."""
    said = {"error_type": type(error).__name__, "error_at": _where(error.__traceback__)}
    sqlstate = getattr(error, "sqlstate", None)
    return said | {"sqlstate": sqlstate} if isinstance(sqlstate, str) else said


def _where(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-4:]
    return " < ".join(
        f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno}" for frame in reversed(frames)
    )


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return _PERSONAL.sub("***", str(value)[:300])


class _Stderr:
    """Standard error as it is at that moment: test runners and daemons exchange it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Foreign(logging.Handler):
    """A library's line: who said it and where, never its words, which may quote the input."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "uvicorn.error" and record.levelno < logging.ERROR:
            return
        error = record.exc_info[1] if record.exc_info else None
        get_logger().log(
            record.levelno,
            "library_message",
            logger=record.name,
            error_at=f"{record.module}:{record.lineno}",
            exc_info=error,
        )

"""Logs: lines for people, or a JSON object a line for machines, of our loggers and of everybody else's alike."""

import logging.config
import re
import sys
from contextlib import suppress
from logging import Formatter
from typing import Any, TextIO, override

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict, Processor

from workspaces.masking import masked_line

IDS = ("execution_id", "workflow_id", "workspace_id", "trace_id")
UVICORN = ("uvicorn", "uvicorn.access")
_QUERY = re.compile(r"\?\S*")


def without_query(_logger: object, _method: str, event: EventDict) -> EventDict:
    """What stands behind a path may be anything that a client says, a ticket too."""
    if event.get("logger") == "uvicorn.access":
        event["event"] = _QUERY.sub("", str(event["event"]))
    return event


def without_colours(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Uvicorn says each of its lines twice, once for terminals."""
    event.pop("color_message", None)
    return event


def without_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Before JSON escapes them once more."""
    return {name: masked_line(value) if isinstance(value, str) else value for name, value in event.items()}


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_RENDERERS: dict[str, list[Processor]] = {
    "plain": [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)],
    "json": [structlog.processors.format_exc_info, without_secrets, structlog.processors.JSONRenderer()],
}


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked_line(super().format(record))


def formatter(kind: str) -> Formatter:
    """Of `kind` plain or json; a line has the ids that are bound where it is written, and a mask for each secret."""
    given = structlog.stdlib.ExtraAdder(allow=IDS)
    return _Formatter(
        foreign_pre_chain=[*_SHARED, given, without_query, without_colours],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDERERS[kind]],
    )


class Handler(logging.StreamHandler[TextIO]):
    """Writes to standard error."""

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        """Of a line whose arguments don't fit; Python itself would print them as they are, secrets too."""
        error = f"{type(sys.exception()).__name__}: {sys.exception()}"
        line = f"A line of the log can't be written ({error}): {record.msg!r}, at {record.pathname}:{record.lineno}"
        with suppress(Exception):  # as Python's own: what ails the log is nobody's failure
            self.stream.write(f"{masked_line(line)}\n")


def configure(logging_settings: dict[str, Any]) -> None:
    """Django calls this with its LOGGING. A server that had set up its own logs before writes JSON too, if we do."""
    kind = logging_settings["formatters"]["console"]["kind"]
    logging.config.dictConfig(logging_settings)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if kind == "json":
        for handler in [handler for name in UVICORN for handler in logging.getLogger(name).handlers]:
            handler.setFormatter(formatter(kind))


class LogMiddleware(RequestMiddleware):
    """Gives each request an id, which its lines have, and a line of its own at its end.

    What a view raises Django itself logs, once; so the package's receiver of that signal isn't connected.
    """

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

"""How a line of the log looks: for people, or as JSON for what collects logs."""

import json
import logging
from datetime import UTC, datetime

from foreman_office.kit.request_id import IN_ENVIRON, current


class LineFormatter(logging.Formatter):
    """Put the request that a line belongs to behind its message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        request_id = request_of(record)
        return f"{line} [{request_id}]" if request_id else line


class JSONFormatter(logging.Formatter):
    """One object for each line; a traceback is in it, so that a line stays a line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := request_of(record):
            said["request_id"] = request_id
        said |= getattr(record, "fields", {})
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


def request_of(record: logging.LogRecord) -> str:
    """Return which request a line is about: what it says itself, or else what goes on."""
    environ = getattr(getattr(record, "request", None), "META", {})
    named = getattr(record, "request_id", "") or environ.get(IN_ENVIRON, "")
    return named or current.get()

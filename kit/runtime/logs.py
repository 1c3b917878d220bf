"""The formats of log lines: text for people, or JSON for log collectors.

Both write whatever a record holds without what would log somebody in, and the text also without
what would look like another line.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from kit.core.request_id import IN_ENVIRON, current

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# A login link in an address, and any signed value, by its time and its signature at the end.
SECRETS = re.compile(
    r"(?<=/login/once/)[^/\s'\"?]+|(?<![\w.-])[\w.-]+:[0-9A-Za-z]{5,8}:[\w-]{43}", re.ASCII
)


def without_secrets(text: str) -> str:
    """Return a text with login links and signed values masked.

    It is applied to a whole line, so that message, arguments and traceback are all covered.
    """
    return SECRETS.sub("…", text)


def in_one_line(text: str) -> str:
    """Return a text with its line breaks and other control characters escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class PlainRefusals(logging.Filter):
    """Write what Django refuses for safety's sake as one line of warning, without a traceback.

    It says that a request was wrong, not that the office is; anybody can send many.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class LineFormatter(logging.Formatter):
    """Append the request id of a line to its message. A traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = in_one_line(super().formatMessage(record))
        request_id = request_of(record)
        return f"{line} [{request_id}]" if request_id else line

    def formatException(self, exc_info: Any) -> str:
        # What a client sent may stand in it, and must not stand where a line begins.
        lines = super().formatException(exc_info).split("\n")
        return "\n".join(f"  {in_one_line(line)}" for line in lines)


class JSONFormatter(logging.Formatter):
    """Format each line as one JSON object, with a traceback inside it."""

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
        line = without_secrets(json.dumps(said, default=str, ensure_ascii=False))
        # A terminal obeys more characters than JSON escapes.
        return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in line)


def request_of(record: logging.LogRecord) -> str:
    """Return the request of a line: the one that it names, or else the current one."""
    environ = getattr(getattr(record, "request", None), "META", {})
    named = getattr(record, "request_id", "") or environ.get(IN_ENVIRON, "")
    return named or current.get()

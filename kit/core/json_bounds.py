"""How many values a JSON document may have: known before any of them takes memory."""

import re

# Objects and lists, and values in them. A report of the largest number of tests has fewer, and
# each takes up to two hundred bytes.
MAX_CONTAINERS, MAX_VALUES = 300_000, 500_000
MAX_KEYS = 10_000  # of one object
STRINGS = re.compile(r'"(?:[^"\\]+|\\.)*+"', re.DOTALL)


def has_too_many_values(text: str) -> bool:
    """Return whether a document has more values than any report; its strings do not count."""
    if len(text) <= MAX_CONTAINERS or not _exceeds(text):
        return False
    # No text has so many: to leave strings aside takes as long as to read them.
    return _exceeds(text, 2) or _exceeds(STRINGS.sub("", text))


def _exceeds(text: str, times: int = 1) -> bool:
    containers = text.count("{") + text.count("[")
    return containers > times * MAX_CONTAINERS or text.count(",") > times * MAX_VALUES

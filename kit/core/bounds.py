"""Bounds of what is entered: of text that stands in an index, and of times."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.timezone import now

# A B-tree of PostgreSQL takes rows of 2,704 bytes, and other columns stand beside a text in them.
MAX_INDEXED_BYTES = 2_000
# By how much the clock of who reports may be ahead of the office's.
AHEAD_AT_MOST = timedelta(minutes=1)


def is_ahead(moment: datetime) -> bool:
    """Return whether a moment of the past, as it is told, lies in the future."""
    return moment > now() + AHEAD_AT_MOST


def too_long(text: str) -> str | None:
    """Return why a text is too long for an index; None if it fits."""
    size = len(text.encode(errors="replace"))
    if size <= MAX_INDEXED_BYTES:
        return None
    return f"must have at most {MAX_INDEXED_BYTES:,} bytes in UTF-8, and has {size:,}"


def fits_index(text: str) -> None:
    """Validate that a field's text fits into an index."""
    if reason := too_long(text):
        raise ValidationError(f"This {reason}.", code="fits_index")


# Bytes of a body from which on it is read in turn with others, and its memory is given back.
LARGE = 256 * 1024

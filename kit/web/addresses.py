"""Addresses of rows, built from parts that are cached once for each view.

Django's `reverse` takes fifteen times as long, and the inbox has 141 such addresses: without this
module it takes a tenth more processor time (docs/performance.md).
"""

from datetime import datetime
from functools import cache
from urllib.parse import urlencode
from uuid import UUID

from django.urls import get_script_prefix, reverse

STAND_IN = UUID(int=0)
AS_OF = "as_of"  # names a moment: the page as it was


def address_of(view: str, key: UUID, kind: str | None = None) -> str:
    """Return the address of a view that takes a UUID, or an entity's kind and its UUID."""
    before, after = _around(view, kind, get_script_prefix())
    return f"{before}{key}{after}"


@cache
def _around(view: str, kind: str | None, prefix: str) -> tuple[str, str]:
    args = [kind, STAND_IN] if kind else [STAND_IN]
    before, _, after = reverse(view, args=args).partition(str(STAND_IN))
    return before, after


def address_then(address: str, moment: datetime) -> str:
    """Return the address of a page as of a moment."""
    return f"{address}?{urlencode({AS_OF: moment.isoformat()})}"

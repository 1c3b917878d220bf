"""Recorded history: rows that are written as they once were."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from kit.core.acts import Actor, act


@contextmanager
def recording(mark: Any, *, by: Actor = None, override: str = "") -> Iterator[None]:
    """Run what is inside as an act that may insert rows as they once were (docs/database.md).

    `mark` is kept as `import` in the context of its evidence. Rows that exist are changed by the
    rules, or under an `override`.
    """
    with act(by, override=override, **{"import": mark}), connection.cursor() as cursor:
        cursor.execute("SELECT programs_open_import()")
        yield

"""Pages whose parts must agree: all of a page is read from one snapshot of the database."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

type SnapshotView = Callable[..., HttpResponseBase]

# Both in one exchange with the server: a page should not wait for two.
BEGIN = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
)


def one_snapshot(view: SnapshotView) -> SnapshotView:
    """Run a view in one snapshot of the database, and stamp its parts with that revision.

    Inside a transaction that has begun already the view reads as that transaction does.
    """

    @wraps(view)
    def reading(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if connection.in_atomic_block:
            return view(request, *args, **kwargs)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(BEGIN)
                cursor.nextset()
                (request.revision,) = cursor.fetchone()  # type: ignore[attr-defined]
            response = view(request, *args, **kwargs)
        response.headers["Foreman-Revision"] = request.revision  # type: ignore[attr-defined]
        return response

    return reading

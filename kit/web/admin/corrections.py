"""One request of the admin: saved as a whole, in the admin's name, or refused as a whole."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import IntegrityError, models
from django.http import HttpRequest
from psycopg import errors

from kit.core.acts import Refused, act

HISTORY_COUNTED = 1000


def correct(
    request: HttpRequest, reason: str = "", *, forced: bool = False
) -> AbstractContextManager[None]:
    """Act in the admin's name, with a reason for the evidence.

    The one place that decides what a reason does: with `forced` it overrides lifecycles and gates.
    """
    by = request.user  # only logged-in users reach the admin
    return act(by, override=reason if forced else "", **({"reason": reason} if reason else {}))  # type: ignore[arg-type]


@contextmanager
def corrections(request: HttpRequest, reason: str = "") -> Iterator[None]:
    """Run everything that one request of the admin writes in one transaction, refused as a whole.

    Besides what `act` refuses, a row that the page still showed may be gone, and one that it did
    not show yet may have come.
    """
    try:
        with correct(request, reason):
            yield
    except (models.ProtectedError, models.RestrictedError) as error:
        raise Refused("history", "It has history and cannot be deleted.") from error
    except IntegrityError as error:
        cause = error.__cause__
        if not isinstance(cause, errors.ForeignKeyViolation):
            raise
        raise Refused(
            cause.diag.constraint_name or "unknown",
            "A record that it refers to, or that refers to it, has changed meanwhile.",
        ) from error


def refusal_text(refused: Refused) -> str:
    return f"{refused.message} (rule: {refused.rule})"


def history_of(rows: models.QuerySet) -> Iterator[str]:
    """Yield what keeps rows from being deleted: the history of them, or of what would go with them.

    The number of queries follows from the models; the rows may be millions, so none is loaded.
    """
    for relation in rows.model._meta.related_objects:
        if relation.on_delete is models.DO_NOTHING:
            continue  # kept by triggers, it goes with what it was drawn from
        related = relation.related_model._default_manager.filter(
            **{f"{relation.field.name}__in": rows}
        ).order_by()
        if relation.on_delete is models.CASCADE:
            yield from history_of(related)
        elif count := related[: HISTORY_COUNTED + 1].count():
            opts = relation.related_model._meta
            if count > HISTORY_COUNTED:
                yield f"more than {HISTORY_COUNTED} {opts.verbose_name_plural}"
            else:
                yield f"{count} {opts.verbose_name if count == 1 else opts.verbose_name_plural}"

"""How anything changes: an act is whole, has an actor, and may be refused by the database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, Protocol, runtime_checkable

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.dispatch import Signal
from psycopg import errors

from foreman_office.kit import request_id

FOREMAN = "foreman"

# Sent with `rule` and `actor` when an act was refused and its transaction is gone.
act_refused = Signal()


@runtime_checkable
class NamedActor(Protocol):
    """Something that acts under a name of its own in the evidence: a builder."""

    @property
    def actor_name(self) -> str: ...


# A person acts as the foreman; None is the office itself (a command, the sweep).
Actor = AbstractBaseUser | NamedActor | None


class Refused(Exception):
    """The database refused an act.

    `rule` is the name of the constraint or trigger, `message` a sentence fit for the page. Where a
    gate refused, `unmet` are its unmet conditions, each with `rule`, `met` and `detail`.
    """

    def __init__(self, rule: str, message: str, unmet: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.rule, self.message, self.unmet = rule, message, unmet or []


class Declared(NamedTuple):
    """What a transaction tells the triggers; empty text says nothing."""

    actor: str
    context: str
    override: str


@contextmanager
def act(by: Actor, *, override: str = "", **context: Any) -> Iterator[None]:
    """Do what is inside as one transaction, in the name of `by`.

    `context` is kept with every evidence row that the transaction leaves, and with it the request
    in which it was done. `override` is the reason
    to force what lifecycles and gates would refuse; evidence keeps it. Raises `Refused` where a
    unique, check or exclusion rule says no; any other database error is a bug and stays one.
    """
    if isinstance(by, NamedActor):
        actor = by.actor_name
    else:
        actor = FOREMAN
        if by is not None:
            context = {"user": by.get_username(), **context}
    if request := request_id.current.get():
        context["request_id"] = request
    try:
        with refusals(), transaction.atomic():
            before = _declare(Declared(actor, json.dumps(context), override))
            yield
            if len(connection.savepoint_ids):  # an act inside another hands its name back
                _restore(before)
    except Refused as refused:
        if not connection.in_atomic_block:  # else whoever is around it may still go on, or tell
            act_refused.send(sender=Refused, rule=refused.rule, actor=actor)
        raise


@contextmanager
def refusals() -> Iterator[None]:
    """Raise `Refused` where a unique, check or exclusion rule of the database says no."""
    try:
        yield
    except IntegrityError as error:
        cause = error.__cause__
        if isinstance(
            cause, errors.UniqueViolation | errors.CheckViolation | errors.ExclusionViolation
        ):
            rule = cause.diag.constraint_name or "unknown"
            message = _sentences().get(rule) or cause.diag.message_primary or str(cause)
            unmet = json.loads(cause.diag.message_detail or "") if rule.endswith("_gate") else None
            raise Refused(rule, message, unmet) from error
        raise


def _declare(act: Declared) -> Declared:
    """Say who acts, and how, to the transaction's triggers; return what was said before.

    An act inside another is part of it: its context and its override hold inside too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH before AS MATERIALIZED (
                SELECT coalesce(current_setting('foreman.actor', true), '') AS actor,
                    coalesce(current_setting('foreman.context', true), '') AS context,
                    coalesce(current_setting('foreman.override', true), '') AS override
            )
            SELECT actor, context, override,
                set_config('foreman.actor', %s, true),
                set_config('foreman.context',
                    (coalesce(nullif(context, ''), '{}')::jsonb || %s::jsonb)::text, true),
                set_config('foreman.override', coalesce(nullif(%s, ''), override), true)
            FROM before
            """,
            act,
        )
        return Declared(*cursor.fetchone()[:3])


def _restore(before: Declared) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT set_config('foreman.actor', %s, true),
                set_config('foreman.context', %s, true),
                set_config('foreman.override', %s, true)
            """,
            before,
        )


@cache
def _sentences() -> dict[str, str]:
    """Return what the models say of their constraints, by the constraint's name.

    A trigger brings its own sentence; a constraint's own message is PostgreSQL's.
    """
    return {
        constraint.name: str(constraint.violation_error_message)
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if constraint.violation_error_message != constraint.default_violation_error_message
    }

"""Acts: each is one transaction, has an actor, and may be refused by the database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple, Protocol, runtime_checkable

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.dispatch import Signal
from psycopg import errors

from kit.core import request_id

FOREMAN = "foreman"

# Sent with `rule` and `actor` when an act was refused and its transaction is gone.
act_refused = Signal()


@runtime_checkable
class NamedActor(Protocol):
    """Something that acts under a name of its own in the evidence: a builder."""

    @property
    def actor_name(self) -> str: ...


@runtime_checkable
class ActorWithContext(NamedActor, Protocol):
    """An actor of whose acts the evidence keeps more than a name: a CI token."""

    @property
    def actor_context(self) -> dict[str, str]: ...


# A person acts as the foreman; None is the office itself (a command, the sweep).
Actor = AbstractBaseUser | NamedActor | None


def name_of(by: Actor) -> str:
    """Return the name of an actor: of a person, of a builder, or the foreman's."""
    if isinstance(by, NamedActor):
        return by.actor_name
    return by.get_username() if by is not None else FOREMAN


class Refused(Exception):
    """The database refused an act.

    `rule` is the name of the constraint or trigger, `message` a sentence fit for the page. Where a
    gate refused, `unmet` are its unmet conditions, each with `rule`, `met` and `detail`.
    """

    def __init__(self, rule: str, message: str, unmet: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.rule, self.message, self.unmet = rule, message, unmet or []
        self.actor = FOREMAN


# True where acts are held together, and no act is under way.
_held_together: ContextVar[bool] = ContextVar("held_together", default=False)


@contextmanager
def together() -> Iterator[None]:
    """Run the acts inside in one transaction. Each gets its own refusal, as if alone."""
    mark = _held_together.set(True)
    try:
        with transaction.atomic():
            yield
    except Refused as refused:  # what was noted about it inside is gone with the transaction
        if not connection.in_atomic_block:
            act_refused.send(sender=Refused, rule=refused.rule, actor=refused.actor)
        raise
    finally:
        _held_together.reset(mark)


class Declared(NamedTuple):
    """What a transaction declares to the triggers; empty text declares nothing."""

    actor: str
    context: str
    override: str


class UnderWay(NamedTuple):
    """What the current act has declared, with what it has from the acts around it."""

    actor: str
    context: dict[str, Any]
    override: str

    def says(self, actor: str, context: dict[str, Any], override: str) -> bool:
        """Return whether an act inside has nothing to declare that is not declared already."""
        return (
            actor == self.actor
            and context.items() <= self.context.items()
            and override in ("", self.override)
        )


_under_way: ContextVar[UnderWay | None] = ContextVar("under_way", default=None)


@contextmanager
def act(by: Actor, *, override: str = "", **context: Any) -> Iterator[None]:
    """Run what is inside as one transaction, in the name of `by`.

    `context` is kept with every evidence row that the transaction leaves, and with it the request
    in which it was done. `override` is the reason
    to force what lifecycles and gates would refuse; evidence keeps it. Raises `Refused` where a
    unique, check or exclusion rule says no; any other database error is a bug and stays one.

    An act inside another that has the same to declare is a part of that one: it declares nothing,
    and when it is refused, the act around it is undone too.
    """
    if isinstance(by, NamedActor):
        actor = by.actor_name
        if isinstance(by, ActorWithContext):
            context = {**by.actor_context, **context}
    else:
        actor = FOREMAN
        if by is not None:
            context = {"user": by.get_username(), **context}
    if request := request_id.current.get():
        context["request_id"] = request
    around = _under_way.get()
    if around and around.says(actor, context, override):
        with refusals(), transaction.atomic(savepoint=False):
            yield
        return
    outer = around or UnderWay(actor, {}, "")
    under_way = UnderWay(actor, outer.context | context, override or outer.override)
    is_first = _held_together.get()
    marks = _held_together.set(False), _under_way.set(under_way)
    try:
        with refusals(), transaction.atomic():
            before = _declare(Declared(actor, json.dumps(context), override))
            yield
            if len(connection.savepoint_ids):  # an act inside another restores the outer actor
                _run_deferred_triggers()
                _restore(before)
    except Refused as refused:
        refused.actor = actor
        # Inside another act, the outer one may still go on, or report it.
        if is_first or not connection.in_atomic_block:
            act_refused.send(sender=Refused, rule=refused.rule, actor=actor)
        raise
    finally:
        _held_together.reset(marks[0])
        _under_way.reset(marks[1])


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
    """Declare the actor and the context to the triggers; return what was declared before.

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


def _run_deferred_triggers() -> None:
    """Run deferred triggers now, before COMMIT, while the actor and the context are declared."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


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

"""What can be done with builders, each as one function."""

import json
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error, InternalError, OperationalError, connection, transaction
from django.db.models import F
from django.utils.timezone import now
from psycopg.errors import DeadlockDetected

from builders.heartbeat_document import heartbeat_document, tried_before
from builders.known_tokens import known_token, organisation_of_token, token_digest
from builders.models import (
    BadgeKey,
    Builder,
    BuilderPause,
    BuilderToken,
    CIToken,
    Question,
    UsageHour,
    UsageKind,
)
from builders.prices import PriceList
from builders.usage import Counted, DataPoint, Remark, points_as_json
from kit.core import prepared_query
from kit.core.acts import Actor, Refused, act, name_of, refusals
from kit.core.ids import time_ordered_id
from kit.core.outages import is_read_only
from kit.core.sql import ContractNow
from kit.runtime.batching.dedicated_connection import DedicatedConnection
from kit.runtime.batching.group_commit import GroupCommit
from programs.models import Organisation, Program, Task

TOKEN_PREFIX_LENGTH = 11

# What builders_record_heartbeats() finds wrong, said to the sender.
HEARTBEAT_RULES = {
    "valid_token": "This is not a valid token.",
    "own_builder": "A token is valid for its own builder only.",
    "known_task": "No task has this id.",
    "heartbeat_id_used_once": "This id was used for another heartbeat.",
}


def issue_token(
    builder: Builder, *, organisation: Organisation | None = None, by: Actor
) -> tuple[BuilderToken, str]:
    """Issue one more token to the builder, and return its row and its text.

    It is for the tasks of an organisation, or of the whole office. Only the SHA-256 is stored: the
    text cannot be shown again.
    """
    text = f"fo_{secrets.token_urlsafe(32)}"
    with act(by):
        token = BuilderToken.objects.create(
            builder=builder,
            organisation_id=organisation_of_token(organisation),
            prefix=text[:TOKEN_PREFIX_LENGTH],
            digest=token_digest(text),
        )
    return token, text


def revoke_token[Token: (BuilderToken, CIToken, BadgeKey)](token: Token, *, by: Actor) -> Token:
    """Revoke the token for good."""
    with act(by):
        if token.revoked_at is None:
            token.revoked_at = now()
            token.save(update_fields=["revoked_at"])
    return token


def issue_ci_token(
    name: str,
    *,
    programs: Iterable[UUID] | None = None,
    organisation: Organisation | None = None,
    days: int | None = None,
    by: Actor,
) -> tuple[CIToken, str]:
    """Issue a token to a CI system or a script, and return its row and its text.

    `programs` are those whose tasks it may report about and read, None all of them, or all of the
    organisation's; after `days` it ends. Only the SHA-256 is stored: the text cannot be shown
    again.
    """
    text = f"fc_{secrets.token_urlsafe(32)}"
    with act(by):
        token = CIToken.objects.create(
            name=name,
            program_ids=None if programs is None else [str(key) for key in programs],
            organisation_id=organisation_of_token(organisation),
            prefix=text[:TOKEN_PREFIX_LENGTH],
            digest=token_digest(text),
            ends_at=now() + timedelta(days=days) if days else None,
        )
    return token, text


def make_badge(about: Program | Builder, *, by: Actor) -> tuple[BadgeKey, str]:
    """Make a key of a program's or a builder's badge, and return its row and its text.

    Only the SHA-256 is stored: the text cannot be shown again.
    """
    text = f"fb_{secrets.token_urlsafe(32)}"
    with act(by):
        badge = BadgeKey.objects.create(
            program=about if isinstance(about, Program) else None,
            builder=about if isinstance(about, Builder) else None,
            prefix=text[:TOKEN_PREFIX_LENGTH],
            digest=token_digest(text),
        )
    return badge, text


def authenticate_ci(text: str) -> CIToken | None:
    """Return the valid CI token that this is the text of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT builders_authenticate_ci(%s)", [token_digest(text)])
        key = cursor.fetchone()[0]
    return CIToken.objects.filter(pk=key).first() if key else None


def authenticate(text: str) -> str | None:
    """Return the id of the builder whose valid token this is."""
    known = known_token(text)
    return known and known.builder_id


class Recorded(NamedTuple):
    heartbeat_id: UUID
    timestamp: datetime
    received_at: datetime | None
    # The newest answers to questions about its task: see _store_heartbeats().
    answers: list[dict[str, Any]]


def record_heartbeat(
    token: str,
    *,
    builder_id: str,
    task_id: UUID | None,
    status: str,
    message: str | None,
    progress_percentage: int | None,
    heartbeat_id: UUID | None,
    timestamp: datetime | None,
    next_beat_within_seconds: int | None = None,
) -> Recorded:
    """Store a heartbeat of the token's builder, once however often it is sent.

    One statement, and so one transaction and one round trip, for all heartbeats that arrive at the
    same moment; it needs no `act`, because the trigger on heartbeats names the builder.
    """
    tried = tried_before.get()
    # A name from the first, under which it can be sent again whatever became of it.
    heartbeat_id = heartbeat_id or (tried.heartbeat_id if tried else time_ordered_id())
    beat = heartbeat_document(
        token_digest(token),
        builder_id=builder_id,
        task_id=task_id,
        status=status,
        message=message,
        progress_percentage=progress_percentage,
        heartbeat_id=heartbeat_id,
        timestamp=timestamp,
        next_beat_within_seconds=next_beat_within_seconds,
    )
    with refusals():
        if tried and tried.failure:
            raise tried.failure
        # What is part of a transaction is not for others to commit.
        store = _store_heartbeat if tried or connection.in_atomic_block else _store_in_batch
        row = store(beat)
    if row[0]:
        raise Refused(row[0], HEARTBEAT_RULES[row[0]])
    return _recorded(heartbeat_id, *row[2:])


def record_heartbeats(beats: Sequence[tuple[UUID, str]]) -> list[Recorded | Error | None]:
    """Store heartbeats that have arrived together: the id of each, and its `heartbeat_document`.

    Of one that is refused, or cannot be stored with the others, it returns None, of one that could
    not be stored the error: it is to be recorded by itself, as one that was tried before.
    """
    return [
        (None if row[0] else _recorded(key, *row[2:])) if isinstance(row, tuple) else row
        for (key, _), row in zip(
            beats, _store_in_batch.together([beat for _, beat in beats]), strict=True
        )
    ]


def _recorded(
    key: UUID, at: datetime, received_at: datetime | None, answers: list[str]
) -> Recorded:
    """Return what its sender is told of a heartbeat, under the id that it was sent with."""
    return Recorded(key, at, received_at, [json.loads(each) for each in answers])


# All that is asked for a beat is asked by key. A scan of `builders` is cheaper only as long as the
# table is new: each beat leaves an old version of a row, until they are vacuumed.
_dedicated = DedicatedConnection(enable_seqscan="off", plan_cache_mode="force_generic_plan")


# Most are stamped here and now; of others the stored row tells. With each come the newest answers
# to what its builder asked about the task that it has: in the same round trip, by two keys. What
# belongs to another organisation than the token's is no answer; few beats bring any.
STORE_HEARTBEATS = """
    SELECT broken_rule, stored_id, stored_at,
        CASE stored_at WHEN now() THEN now() ELSE builders_received_at(stored_id) END,
        ARRAY(
            SELECT jsonb_build_object(
                'question_id', question_id,
                'question', question,
                'option', options ->> chosen_option,
                'text', answer,
                'answered_at', answered_at)::text
            FROM builders JOIN task_questions USING (builder_id)
            WHERE builder_id = %s::json -> (number::integer - 1) ->> 'sent_builder'
                AND task_id = current_task_id AND answered_at IS NOT NULL
                AND EXISTS (
                    SELECT FROM builder_tokens
                    WHERE digest = (%s::json -> (number::integer - 1) ->> 'token_digest')::bytea
                        AND (builder_tokens.organisation_id IS NULL
                            OR builder_tokens.organisation_id = task_questions.organisation_id))
            ORDER BY answered_at DESC LIMIT 5)
    FROM builders_record_heartbeats(%s, %s) ORDER BY number
"""


def _store_heartbeats(beats: list[str], *, is_patient: bool = False) -> list[tuple[Any, ...]]:
    try:
        sent = f"[{','.join(beats)}]"
        return prepared_query.fetch(
            STORE_HEARTBEATS,
            [sent, sent, sent, is_patient],
            using=connection if is_patient else _dedicated(),
        )
    except InternalError as error:
        if is_read_only(error) and not is_patient:
            _dedicated.close()
        raise


def _store_heartbeat(beat: str) -> tuple[Any, ...]:
    """Store one heartbeat; retry where another transaction, with another order of locks, wins.

    PostgreSQL aborts one of two deadlocked transactions; a true report must not be lost to that. A
    short pause lets the other one commit.
    """
    pauses = iter((0.02, 0.1, 0.5))  # seconds
    while True:
        try:
            return _store_heartbeats([beat], is_patient=True)[0]
        except OperationalError as error:
            pause = next(pauses, None)
            if pause is None or not isinstance(error.__cause__, DeadlockDetected):
                raise
            time.sleep(pause)


_store_in_batch = GroupCommit(_store_heartbeats, _store_heartbeat)


def note_heard(builder: Builder) -> None:
    """Record that a report of the builder arrived: a sign of life, which ends a declared stall."""
    with act(builder), connection.cursor() as cursor:
        cursor.execute("SELECT builders_heard(%s)", [builder.pk])


def count_usage(
    builder_id: str, points: Collection[DataPoint], remarks: Collection[Remark] = ()
) -> Counted:
    """Count what a builder has used, each point once however often and in whatever order it comes.

    `remarks` are what was not understood; the newest are kept. Usage is a measurement and leaves no
    evidence.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if remarks:
            noted = json.dumps([remark._asdict() for remark in remarks])
            cursor.execute("SELECT builders_note_usage(%s, %s)", [builder_id, noted])
        if not points:
            return Counted(0, 0, 0)
        cursor.execute(
            "SELECT * FROM builders_count_usage(%s, %s)", [builder_id, points_as_json(points)]
        )
        return Counted(*cursor.fetchone())


def estimate_usage(prices: PriceList, *, since: datetime | None = None) -> int:
    """Estimate anew what was used, and return the number of rows; of all time, unless told."""
    rows = UsageHour.objects.exclude(kind=UsageKind.COST)
    if since:
        rows = rows.filter(hour__gte=since)
    estimated = 0
    with transaction.atomic():
        for model, kind in rows.values_list("model", "kind").distinct().order_by("model", "kind"):
            price = prices.price(model, kind)
            estimated += rows.filter(model=model, kind=kind).update(
                estimate=0 if price is None else F("amount") * price,
                unpriced=F("amount") if price is None else 0,
            )
    return estimated


def set_silence_threshold(builder: Builder, *, seconds: int | None, by: Actor) -> Builder:
    """Set the builder's own silence threshold; None stands for the setting."""
    with act(by):
        builder.silence_threshold_seconds = seconds
        builder.save(update_fields=["silence_threshold_seconds"])
    return builder


def pause_builder(builder: Builder, *, reason: str, until: datetime, by: Actor) -> BuilderPause:
    """Pause a builder until a moment: silence of a paused builder is no stall."""
    with act(by):
        return BuilderPause.objects.create(builder=builder, reason=reason, ends_at=until)


def resume_builder(builder: Builder, *, by: Actor) -> Builder:
    """End the builder's pause before its time. Without one, nothing changes."""
    with act(by):
        builder.pauses.running().update(ended_at=ContractNow())
    return builder


def assign_task(task: Task, builder: Builder, *, by: Actor, override: str = "") -> Task:
    """Assign a task to a builder. Work begins with its first active heartbeat."""
    with act(by, override=override):
        task.state = Task.State.ASSIGNED
        task.assigned_builder = builder.builder_id
        task.save(update_fields=["state", "assigned_builder"])
    return task


def release_task(task: Task, *, by: Actor) -> Task:
    """Unassign a task from its builder; it is planned again."""
    with act(by):
        task.state = Task.State.PLANNED
        task.save(update_fields=["state"])
    return task


def ask_foreman(task: Task, *, question: str, options: Sequence[str] = (), by: Builder) -> Question:
    """Put a question about the builder's task to the foreman, who may choose one of the options."""
    with act(by):
        return Question.objects.create(
            task=task, builder=by, question=question.strip(), options=[*options]
        )


def answer_question(
    question: Question, *, option: int | None = None, answer: str = "", by: Actor
) -> Question:
    """Answer a question by the number of an option (from 0), a text, or both."""
    with act(by):
        question.answered_at = ContractNow()
        question.chosen_option = option
        question.answer = answer.strip()
        question.answered_by = name_of(by)
        question.save(update_fields=["answered_at", "chosen_option", "answer", "answered_by"])
        question.refresh_from_db(fields=["answered_at"])
    return question


def withdraw_question(question: Question, *, by: Actor) -> Question:
    """Withdraw a question of a builder. One that is withdrawn already stays as it is."""
    with act(by):
        question = Question.objects.select_for_update(no_key=True).get(pk=question.pk)
        if question.withdrawn_at is None:
            question.withdrawn_at = ContractNow()
            question.withdrawn_because = f"{name_of(by)} withdrew it."
            question.save(update_fields=["withdrawn_at", "withdrawn_because"])
            question.refresh_from_db(fields=["withdrawn_at"])
    return question

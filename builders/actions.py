"""What can be done with builders, each as one function."""

import hashlib
import json
import secrets
import time
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import OperationalError, connection
from django.utils.timezone import now
from psycopg.errors import DeadlockDetected

from builders.models import Builder, BuilderPause, BuilderToken
from foreman_office.kit import prepared
from foreman_office.kit.acts import Actor, Refused, act, refusals
from foreman_office.kit.kept import Kept
from foreman_office.kit.sql import ContractNow
from foreman_office.kit.together import Together
from programs.models import Task

TOKEN_PREFIX_LENGTH = 11

# What builders_record_heartbeats() finds wrong, said to the sender.
HEARTBEAT_RULES = {
    "valid_token": "This is not a valid token.",
    "own_builder": "A token speaks for its own builder only.",
    "known_task": "There is no such task.",
    "heartbeat_id_used_once": "Another heartbeat was sent with this id.",
}


def issue_token(builder: Builder, *, by: Actor) -> tuple[BuilderToken, str]:
    """Give the builder one more token, and return its row and its text.

    Only the SHA-256 is stored: the text cannot be shown again.
    """
    text = f"fo_{secrets.token_urlsafe(32)}"
    with act(by):
        token = BuilderToken.objects.create(
            builder=builder, prefix=text[:TOKEN_PREFIX_LENGTH], digest=token_digest(text)
        )
    return token, text


def revoke_token(token: BuilderToken, *, by: Actor) -> BuilderToken:
    """End the token's validity for good."""
    with act(by):
        if token.revoked_at is None:
            token.revoked_at = now()
            token.save(update_fields=["revoked_at"])
    return token


def token_digest(text: str) -> bytes:
    """Return what is stored of a token: the SHA-256 of its text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def authenticate(text: str) -> str | None:
    """Return the id of the builder whose valid token this is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT builders_authenticate(%s)", [token_digest(text)])
        return cursor.fetchone()[0]


class Recorded(NamedTuple):
    heartbeat_id: UUID
    timestamp: datetime


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
) -> Recorded:
    """Store what the token's builder says, once however often it is sent.

    One statement, and so one transaction and one round trip, for all beats that come in at the
    same moment; it needs no `act`, because the trigger on heartbeats names the builder.
    """
    beat = json.dumps(
        {
            "token_digest": f"\\x{token_digest(token).hex()}",
            "sent_builder": builder_id,
            "sent_task": task_id,
            "sent_status": status,
            "sent_message": message,
            "sent_progress": progress_percentage,
            # A name from the first, under which it can be sent again whatever became of it.
            "sent_id": heartbeat_id or uuid4(),
            "sent_at": timestamp,
        },
        default=str,
    )
    with refusals():
        # What is part of a transaction is not for others to commit.
        store = _store_heartbeat if connection.in_atomic_block else _store_together
        broken_rule, *stored = store(beat)
    if broken_rule:
        raise Refused(broken_rule, HEARTBEAT_RULES[broken_rule])
    return Recorded(*stored)


# All that is asked for a beat is asked by key. A scan of `builders` is cheaper only as long as the
# table is new: each beat leaves an old version of a row, until they are vacuumed.
_kept = Kept(enable_seqscan="off", plan_cache_mode="force_generic_plan")


def _store_heartbeats(beats: list[str], *, is_patient: bool = False) -> list[tuple[Any, ...]]:
    return prepared.fetch(
        "SELECT broken_rule, stored_id, stored_at"
        " FROM builders_record_heartbeats(%s, %s) ORDER BY number",
        [f"[{','.join(beats)}]", is_patient],
        using=connection if is_patient else _kept(),
    )


def _store_heartbeat(beat: str) -> tuple[Any, ...]:
    """Store one beat, again where somebody who moves whole waves crossed our order of locks.

    PostgreSQL makes one of the two give way; a true report is not lost to that. A moment's pause
    lets the other one pass.
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


_store_together = Together(_store_heartbeats, _store_heartbeat)


def pause_builder(builder: Builder, *, reason: str, until: datetime, by: Actor) -> BuilderPause:
    """Let a builder be unheard until then: it is paused, not silent."""
    with act(by):
        return BuilderPause.objects.create(builder=builder, reason=reason, ends_at=until)


def resume_builder(builder: Builder, *, by: Actor) -> Builder:
    """End the builder's pause before its time. Without one, nothing changes."""
    with act(by):
        builder.pauses.running().update(ended_at=ContractNow())
    return builder


def assign_task(task: Task, builder: Builder, *, by: Actor, override: str = "") -> Task:
    """Put a task into a builder's hands. Work begins with its first active heartbeat."""
    with act(by, override=override):
        task.state = Task.State.ASSIGNED
        task.assigned_builder = builder.builder_id
        task.save(update_fields=["state", "assigned_builder"])
    return task


def release_task(task: Task, *, by: Actor) -> Task:
    """Take a task back from the builder that holds it, to be planned again."""
    with act(by):
        task.state = Task.State.PLANNED
        task.save(update_fields=["state"])
    return task

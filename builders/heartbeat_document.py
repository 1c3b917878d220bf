"""A heartbeat on its way into the database."""

import json
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import Error


class Tried(NamedTuple):
    """A heartbeat that was tried with others before: its id, and why it got no answer."""

    heartbeat_id: UUID
    failure: Error | None  # None if it is to be stored by itself


tried_before: ContextVar[Tried | None] = ContextVar("tried_before", default=None)


def heartbeat_document(
    digest: bytes,
    *,
    builder_id: str,
    task_id: UUID | None,
    status: str,
    message: str | None,
    progress_percentage: int | None,
    heartbeat_id: UUID,
    timestamp: datetime | None,
    next_beat_within_seconds: int | None,
) -> str:
    """Return a heartbeat of the token with this digest as the database takes it."""
    return json.dumps(
        {
            "token_digest": f"\\x{digest.hex()}",
            "sent_builder": builder_id,
            "sent_task": task_id,
            "sent_status": status,
            "sent_message": message,
            "sent_progress": progress_percentage,
            "sent_id": heartbeat_id,
            "sent_at": timestamp,
            "sent_next": next_beat_within_seconds,
        },
        default=str,
    )

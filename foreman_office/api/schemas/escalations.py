"""What blocks a builder, as it reports it, and what is answered."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    Field,
    StrictInt,
)

from foreman_office.api.schemas.fields import Line, Taken, Text, Words, example
from governance.models import (
    Blocker,
    Classification,
)
from programs.models import Task, TaskState

# What a builder can find in its way. That it is silent is for the office to notice.
Trouble = Literal[
    Classification.ARCHITECTURE_QA_MISMATCH,
    Classification.IMPOSSIBLE_REQUIREMENTS,
    Classification.PROTECTED_PATH,
    Classification.REPEATED_FAILURES,
    Classification.CONSTITUTIONAL_VIOLATION,
]


class Escalation(Taken):
    """What blocks the builder, and what it has tried."""

    model_config = example(
        classification="architecture_qa_mismatch",
        description="tests/hold/ asks for a field that the architecture does not know.",
        attempts=["read architecture/hold.md again", "searched the schema for the field"],
        last_error="KeyError: 'released_at'",
    )

    classification: Trouble
    description: Words
    attempts: Annotated[StrictInt, Field(ge=0, le=1_000_000)] | list[Line] = Field(
        0, description="What was tried so far: the number of attempts, or one line for each."
    )
    last_error: Text | None = None


class EscalationTaken(Schema):
    """The task is blocked until someone resolves this."""

    blocker_id: UUID
    classification: Classification
    description: str
    detected_at: datetime
    occurrences: int = Field(description="How often this blocker was reported.")
    task_state: TaskState

    @classmethod
    def of(cls, blocker: Blocker, task: Task) -> Self:
        return cls(
            **{name: getattr(blocker, name) for name in cls.model_fields if name != "task_state"},
            task_state=task.state,
        )

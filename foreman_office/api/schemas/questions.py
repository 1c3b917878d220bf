"""A question of a builder to the foreman, and the answer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from builders.models import MOST_OPTIONS, Question
from foreman_office.api.heartbeat import no_nul
from foreman_office.api.schemas.fields import Taken, Words, example
from programs.models import BuilderName, Task

NEWEST = 20  # questions of a task that are told


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


def each_once(options: list[str]) -> list[str]:
    if len(set(options)) < len(options):
        raise PydanticCustomError("each_once", "Input should not have the same option twice")
    return options


Option = Annotated[str, Field(pattern=r"\S", max_length=500), AfterValidator(no_nul)]
Options = Annotated[
    list[Option],
    Field(max_length=MOST_OPTIONS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(each_once),
]


class NewQuestion(Taken):
    """What a builder asks the foreman about its task."""

    model_config = example(
        question="The architecture names two fields for the expiry. Which one is right?",
        options=["expires_at", "released_at"],
    )

    question: Words
    options: Options = Field(
        [], description="What the foreman may choose from; a text may be answered in any case."
    )


class AskedQuestion(Schema):
    """A question, and the answer to it if there is one."""

    question_id: UUID
    builder_id: BuilderName
    question: str
    options: list[str]
    state: QuestionState
    asked_at: datetime
    answered_at: datetime | None
    option: str | None = Field(description="The option that was chosen, or null.")
    text: str = Field(description="The text of the answer; empty if there is none.")
    withdrawn_at: datetime | None
    withdrawn_because: str | None

    @classmethod
    def of(cls, question: Question) -> Self:
        state = QuestionState.OPEN
        if not question.is_open:
            answered = question.answered_at is not None
            state = QuestionState.ANSWERED if answered else QuestionState.WITHDRAWN
        same: dict[str, Any] = {
            name: getattr(question, name)
            for name in ("builder_id", "question", "options", "asked_at", "answered_at", "option")
        }
        return cls(
            question_id=question.pk,
            state=state,
            text=question.answer,
            withdrawn_at=question.withdrawn_at,
            withdrawn_because=question.withdrawn_because or None,
            **same,
        )


class AskedQuestions(Schema):
    questions: list[AskedQuestion] = Field(description=f"The newest {NEWEST}, newest first.")


def asked_about(task: Task) -> list[AskedQuestion]:
    """Return the newest questions about a task, newest first."""
    rows = task.questions.order_by("-asked_at", "-question_id")[:NEWEST]
    return [AskedQuestion.of(row) for row in rows]

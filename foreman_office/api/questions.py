"""The builders' API to ask the foreman about a task, and to read the answer."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from ninja.decorators import decorate_view

from builders import actions
from builders.models import Builder, Question
from foreman_office.api.callers import Bearer, Caller, ReporterBearer
from foreman_office.api.schemas.fields import Taken, example
from foreman_office.api.schemas.questions import (
    AskedQuestion,
    AskedQuestions,
    NewQuestion,
    asked_about,
)
from foreman_office.api.tasks import REFUSALS, Do, Key, held_task, on_task, readable_task
from kit.web.api import JSON, Errors, Problem, takes
from programs.models import Task

READ_REFUSALS = frozenset({401, 404, 422, 503})

router = Router(auth=Bearer())


class Withdrawal(Taken):
    """The question needs no answer any more. There is nothing else to say."""

    model_config = example()


@router.post(
    "/tasks/{task_id}/questions",
    operation_id="builders_api_new_question",
    url_name="questions",
    response={201: AskedQuestion, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def new_question(
    request: HttpRequest, task_id: UUID, asked: NewQuestion, key: Key = ""
) -> HttpResponse:
    """Put a question about the task to the foreman. The question waits in the foreman's inbox.

    The answer comes with the next heartbeat's answer, and with the assignment: a request that waits
    there is answered as soon as the question is. The question is withdrawn when the task is
    completed, or taken from the builder. At most five questions of a task wait at a time.
    """
    return on_task(request, task_id, key, put_question(asked), held_task)


def put_question(asked: NewQuestion) -> Do:
    def do(task: Task, by: Any) -> tuple[int, Schema]:
        question = actions.ask_foreman(task, question=asked.question, options=asked.options, by=by)
        return 201, AskedQuestion.of(question)

    return do


@router.get(
    "/tasks/{task_id}/questions",
    operation_id="builders_api_questions",
    url_name="questions",
    auth=ReporterBearer(),
    response={200: AskedQuestions, READ_REFUSALS: Errors},
)
def questions(request: HttpRequest, task_id: UUID) -> AskedQuestions:
    """Read the questions that builders asked about the task, with the answers."""
    by: Caller = request.auth  # type: ignore[attr-defined]
    return AskedQuestions(questions=asked_about(readable_task(task_id, by)))


@router.get(
    "/tasks/{task_id}/questions/{question_id}",
    operation_id="builders_api_question",
    url_name="question",
    auth=ReporterBearer(),
    response={200: AskedQuestion, READ_REFUSALS: Errors},
)
def question(request: HttpRequest, task_id: UUID, question_id: UUID) -> AskedQuestion:
    """Read one question, with the answer if there is one."""
    by: Caller = request.auth  # type: ignore[attr-defined]
    return AskedQuestion.of(question_about(readable_task(task_id, by), question_id))


@router.post(
    "/tasks/{task_id}/questions/{question_id}/withdrawal",
    operation_id="builders_api_withdraw",
    url_name="withdrawal",
    response={200: AskedQuestion, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def withdraw(
    request: HttpRequest, task_id: UUID, question_id: UUID, withdrawal: Withdrawal, key: Key = ""
) -> HttpResponse:
    """Withdraw a question of one's own that has no answer yet."""

    def do(task: Task, by: Builder) -> tuple[int, Schema]:
        asked = question_about(task, question_id)
        if asked.builder_id != by.pk:
            raise Problem(403, "question_id", "own_question", "Another builder asked this.")
        return 200, AskedQuestion.of(actions.withdraw_question(asked, by=by))

    return on_task(request, task_id, key, do, held_task)


def question_about(task: Task, question_id: UUID) -> Question:
    found = Question.objects.filter(task=task, pk=question_id).first()
    if found is None:
        message = "No question about this task has this id."
        raise Problem(404, "question_id", "known_question", message)
    return found

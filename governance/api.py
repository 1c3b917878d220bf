"""What a builder may ask and tell about the task in its hands: what is to be built, how its suite
ran, what holds it up, and that it is done."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router, Schema
from ninja.decorators import decorate_view

from builders.api import Bearer
from builders.idempotency import Answer, once
from builders.models import Builder
from foreman_office.kit.api import BODY, JSON, Errors, Problem, StrictParser, takes
from governance import actions, junit
from governance.instruction import Assignment, assignment_of
from governance.messages import (
    Checklist,
    Claim,
    ClaimAccepted,
    ClaimRefused,
    Escalation,
    EscalationTaken,
    QARun,
    QARunTaken,
    ValidationTaken,
    claim_answer,
)
from governance.models import TestOutcome
from governance.quality import compare
from programs.models import Task

XML = {"application/xml": junit.MAX_BYTES, "text/xml": junit.MAX_BYTES}
QA_RUN = {"application/json": junit.MAX_BYTES, **XML}
REFUSALS = frozenset({400, 401, 404, 409, 411, 413, 415, 422, 503})

router = Router(auth=Bearer())

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Chosen by the sender, and kept for a day: the same request sent again under"
        " its key is not done again, and answered alike, with the header Idempotent-Replay.",
    ),
]


class ReportParser(StrictParser):
    """Read JUnit XML as the numbers that it stands for; where it may come is said by `takes`."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type not in XML:
            return super().parse_body(request)
        try:
            report = junit.read(request.body)
        except junit.Unreadable as unreadable:
            raise Problem(422, BODY, "junit_xml", str(unreadable)) from None
        return {
            "passing": report.count(TestOutcome.PASSED),
            "failing": report.count(TestOutcome.FAILED),
            "skipped": report.count(TestOutcome.SKIPPED),
            "execution_time_ms": report.execution_time_ms,
            "tests": [vars(result) for result in report.results],
        }


def on_held_task(
    request: HttpRequest,
    task_id: UUID,
    key: str,
    do: Callable[[Task, Builder], tuple[int, Schema]],
) -> HttpResponse:
    """Do something with the task in the hands of the builder who asks, once for each key."""
    builder = Builder.objects.get(pk=request.auth)  # type: ignore[attr-defined]

    def answer() -> Answer:
        # Locked, so that it stays in these hands; another's task is no different from none.
        task = Task.objects.select_for_update(no_key=True).filter(pk=task_id).first()
        if task is None or not task.holders.filter(pk=builder.pk).exists():
            raise Problem(404, "task_id", "held_task", "This task is not in your hands.")
        status, said = do(task, builder)
        return Answer(status, said.model_dump_json())

    given = once(builder, key, digest(request), answer)
    response = HttpResponse(given.body, status=given.status, content_type="application/json")
    if given.replayed:
        response.headers["Idempotent-Replay"] = "true"
    return response


def digest(request: HttpRequest) -> bytes:
    """Tell one request from another."""
    head = f"{request.method} {request.get_full_path()}\n{request.content_type}\n"
    return hashlib.sha256(head.encode() + request.body).digest()


@router.get("/assignment", response={200: Assignment, frozenset({401, 503}): Errors})
def assignment(request: HttpRequest) -> Assignment:
    """Tell a builder what is to be built: the task in its hands, with all that it needs to know.

    Where and how to report is said too, and how each condition of completion stands now.
    """
    builder = Builder.objects.select_related("current_task__wave__program").get(
        pk=request.auth  # type: ignore[attr-defined]
    )
    return assignment_of(builder)


@router.post(
    "/tasks/{task_id}/qa-runs",
    summary="QA run",
    response={201: QARunTaken, REFUSALS: Errors},
    openapi_extra={
        "requestBody": {
            "content": {
                media: {"schema": {"type": "string", "description": "A JUnit report."}}
                for media in XML
            }
        }
    },
)
@decorate_view(takes(QA_RUN))
def qa_run(
    request: HttpRequest,
    task_id: UUID,
    run: QARun,
    key: Key = "",
    test_debt_count: Annotated[
        int, Query(ge=0, le=1_000_000, description="For JUnit XML, which has no place for it.")
    ] = 0,
) -> HttpResponse:
    """Report a run of the task's own suite, as JSON or as the JUnit XML that test runners write.

    The answer has the status that follows from the counts, and what changed since the run before.
    Three runs in a row without progress hold the task up.
    """

    def record(task: Task, builder: Builder) -> tuple[int, Schema]:
        stored = actions.record_qa_execution(
            task,
            passing=run.passing,
            failing=run.failing,
            skipped=run.skipped,
            test_debt_count=run.test_debt_count or test_debt_count,
            execution_time_ms=run.execution_time_ms,
            results=[junit.Result(**vars(test)) for test in run.tests],
            by=builder,
        )
        task.refresh_from_db(fields=["state"])
        return 201, QARunTaken.of(compare(stored), task)

    return on_held_task(request, task_id, key, record)


@router.post(
    "/tasks/{task_id}/claim",
    response={200: ClaimAccepted, 409: ClaimRefused | Errors, REFUSALS - {409}: Errors},
)
@decorate_view(takes(JSON))
def claim(request: HttpRequest, task_id: UUID, claim: Claim, key: Key = "") -> HttpResponse:
    """Claim that the task is done. It is completed if every condition is met.

    The answer names each condition, and the claim is kept either way.
    """

    def ask(task: Task, builder: Builder) -> tuple[int, Schema]:
        made = actions.claim_completion(
            task, evidence_location=claim.evidence_location or "", by=builder
        )
        return 200 if made.accepted else 409, claim_answer(made)

    return on_held_task(request, task_id, key, ask)


@router.post("/tasks/{task_id}/escalation", response={201: EscalationTaken, REFUSALS: Errors})
@decorate_view(takes(JSON))
def escalation(
    request: HttpRequest, task_id: UUID, escalation: Escalation, key: Key = ""
) -> HttpResponse:
    """Say what holds the task up. It is blocked until somebody resolves that.

    The same trouble again is counted where it is open.
    """

    def escalate(task: Task, builder: Builder) -> tuple[int, Schema]:
        blocker = actions.escalate(
            task,
            classification=escalation.classification,
            description=escalation.description,
            attempts=escalation.attempts,
            last_error=escalation.last_error or "",
            by=builder,
        )
        task.refresh_from_db(fields=["state"])
        return 201, EscalationTaken.of(blocker, task)

    return on_held_task(request, task_id, key, escalate)


@router.post("/tasks/{task_id}/validations", response={201: ValidationTaken, REFUSALS: Errors})
@decorate_view(takes(JSON))
def validation(
    request: HttpRequest, task_id: UUID, checklist: Checklist, key: Key = ""
) -> HttpResponse:
    """Check the task's architecture, item by item. It is ready to build if every item holds."""

    def validate(task: Task, builder: Builder) -> tuple[int, Schema]:
        stored = actions.record_validation(
            task, validation_results=checklist.validation_results, by=builder
        )
        return 201, ValidationTaken.of(stored)

    return on_held_task(request, task_id, key, validate)

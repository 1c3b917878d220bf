"""The builders' API about a task: read it, report runs, validations and blockers, claim it done."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router, Schema
from ninja.decorators import decorate_view

from builders.actions import note_heard
from builders.models import Builder, CIToken
from foreman_office.api.callers import Bearer, Caller, ReporterBearer, calling_builder
from foreman_office.api.idempotency import Answer, answer_once
from foreman_office.api.instruction import TaskRead, task_read
from foreman_office.api.schemas.claims import Claim, ClaimAccepted, ClaimRefused, claim_answer
from foreman_office.api.schemas.escalations import Escalation, EscalationTaken
from foreman_office.api.schemas.fields import ExitCode
from foreman_office.api.schemas.qa_runs import QARun, QARunTaken
from foreman_office.api.schemas.validations import Checklist, Results, ValidationTaken
from foreman_office.recording import record_report
from foreman_office.reports import (
    MAX_BYTES,
    Lint,
    SuiteReport,
    Unreadable,
    is_events,
    is_json_lines,
    is_of_a_runner,
    read_report,
)
from governance import actions
from governance.quality import compare
from kit.web.api import (
    BODY,
    JSON,
    Errors,
    Problem,
    StrictParser,
    refuse_other_parameters,
    takes,
)
from programs.models import Task, ValidatedBy

XML = ("application/xml", "text/xml")
REPORTS = (*XML, "text/plain", "application/x-ndjson")
QA_RUN = dict.fromkeys(("application/json", *REPORTS), MAX_BYTES)
REFUSALS = frozenset({400, 401, 403, 404, 409, 411, 413, 415, 422, 503})

router = Router(auth=Bearer())

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Chosen by the sender and kept for a day. A request that is sent again with"
        " the same key is not executed again: it gets the same answer, with the header"
        " Idempotent-Replay.",
    ),
]
# What a report of a test runner cannot say itself.
TestDebt = Annotated[
    int, Query(ge=0, le=1_000_000, description="For reports, which have no field for it.")
]
EndedWith = Annotated[
    ExitCode | None,
    Query(description="With what the runner ended; other than 0, the run is not GREEN."),
]
CountedLint = Annotated[Lint | None, Query(description="How the findings of a linter are counted.")]


class ReportParser(StrictParser):
    """Parse reports into the counts that they stand for; `takes` says where they are accepted.

    The report itself stays with the request: the counts do not say what speaks against the run.
    """

    def parse_body(self, request: HttpRequest) -> Any:
        body = request.body
        if request.content_type not in REPORTS and not (is_events(body) or is_json_lines(body)):
            told = super().parse_body(request)
            if not is_of_a_runner(told):
                return told
        report = report_of_request(request)
        request.report = report  # type: ignore[attr-defined]
        return {
            "passing": report.passing,
            "failing": report.failing,
            "skipped": report.skipped,
            "execution_time_ms": report.execution_time_ms,
        }


def report_of_request(request: HttpRequest) -> SuiteReport:
    asked = request.GET.get("lint", "")
    lint = Lint(asked) if asked in {*Lint} else None  # ninja refuses what is neither
    try:
        return read_report(request.body, lint=lint)
    except Unreadable as unreadable:
        rule = "junit_xml" if request.content_type in XML else "report"
        raise Problem(422, BODY, rule, str(unreadable)) from None


# Does what was asked for with a task, and returns the status and the body of the answer.
Do = Callable[[Task, Any], tuple[int, Schema]]
# Returns the task, locked, or raises why the caller may not report about it.
Find = Callable[[Any, Any], Task]


def on_task(
    request: HttpRequest, task_id: UUID, key: str, do: Do, find: Find, *parameters: str
) -> HttpResponse:
    """Execute an act on a task that the caller may report about, once for each key.

    `parameters` are those of the address.
    """
    refuse_other_parameters(request, *parameters)
    auth = request.auth  # type: ignore[attr-defined]
    by: Caller = calling_builder(auth) if isinstance(auth, str) else auth
    given = act_on_task(by, task_id, do, find, key, request_digest(request))
    response = HttpResponse(given.body, status=given.status, content_type="application/json")
    if given.replayed:
        response.headers["Idempotent-Replay"] = "true"
    return response


def act_on_task(
    by: Caller, task_id: UUID | None, do: Do, find: Find, key: str = "", digest: bytes = b""
) -> Answer:
    def answer() -> Answer:
        task = find(task_id, by)
        if isinstance(by, Builder):
            note_heard(by)
            task.refresh_from_db(fields=["state"])  # a stall that ended here gives it back
        status, said = do(task, by)
        return Answer(status, said.model_dump_json())

    return answer_once(by, key, digest, answer)


def locked_task(task_id: UUID) -> Task | None:
    """Return the task, locked, so that it stays assigned as it is."""
    tasks = Task.objects.select_for_update(no_key=True, of=("self",))
    return tasks.select_related("wave__program").filter(pk=task_id).first()


def held_task(task_id: UUID, builder: Builder) -> Task:
    """Return the task that the builder holds; another's task is no different from none."""
    task = locked_task(task_id)
    if task is None or not task.holders.filter(pk=builder.pk).exists():
        raise Problem(404, "task_id", "held_task", "This task is not assigned to you.")
    return task


def reported_task(task_id: UUID, by: Caller) -> Task:
    """Return a task about which a builder or a CI token may report.

    The planned builder may, until a builder has the task.
    """
    task = locked_task(task_id)
    if isinstance(by, CIToken):
        return within_reach(task, by)
    holders = list(task.holders.values_list("pk", flat=True)) if task else []
    early = not holders and task and task.builder_before_assignment == by.pk
    if task is None or not (early or by.pk in holders):
        raise Problem(
            *(404, "task_id", "held_task"),
            "This task is not assigned to you, and not planned for you.",
        )
    return task


def within_reach(task: Task | None, token: CIToken) -> Task:
    """Return the task if it is of a program that the CI token is for."""
    if task is None or not token.is_for(task.wave.program_id):
        message = "No task of the programs that the token is for has this id."
        raise Problem(404, "task_id", "task_in_reach", message)
    return task


def validated_task(task_id: UUID, by: Caller) -> Task:
    """Return a task whose architecture whoever asks may validate.

    Before the task is assigned, its program says whether its planned builder may.
    """
    task = reported_task(task_id, by)
    if isinstance(by, Builder) and not task.holders.filter(pk=by.pk).exists():
        program = task.wave.program
        if program.validated_by != ValidatedBy.BUILDER:
            message = f"In “{program}” the foreman validates until the task is assigned."
            raise Problem(403, "task_id", "validated_by", message)
    return task


def readable_task(task_id: UUID, by: Caller) -> Task:
    """Return a task that the caller may read: its own or one planned for it, or of its programs."""
    found = Task.objects.select_related("wave__program").filter(pk=task_id).first()
    if isinstance(by, CIToken):
        return within_reach(found, by)
    mine = found and by.pk in (found.planned_builder, found.assigned_builder)
    if found is None or not (mine or found.holders.filter(pk=by.pk).exists()):
        raise Problem(
            *(404, "task_id", "held_task"),
            "This task is not assigned to you, and not planned for you.",
        )
    return found


def request_digest(request: HttpRequest) -> bytes:
    """Return a digest that tells one request from another: of its address, type and body."""
    head = f"{request.method} {request.get_full_path()}\n{request.content_type}\n"
    digest = hashlib.sha256(head.encode())
    digest.update(request.body)
    return digest.digest()


@router.get(
    "/tasks/{task_id}",
    operation_id="governance_api_task",
    url_name="task",
    auth=ReporterBearer(),
    response={200: TaskRead, frozenset({401, 404, 422, 503}): Errors},
)
def read_task(request: HttpRequest, task_id: UUID) -> TaskRead:
    """Read a task: everything that is needed to build it, and what its next state requires.

    A builder reads the task that it holds or that is planned for it; a CI token reads the tasks of
    its programs.
    """
    by: Caller = request.auth  # type: ignore[attr-defined]
    return task_read(readable_task(task_id, by))


@router.post(
    "/tasks/{task_id}/qa-runs",
    operation_id="governance_api_qa_run",
    auth=ReporterBearer(),
    summary="QA run",
    response={201: QARunTaken, REFUSALS: Errors},
    openapi_extra={
        "requestBody": {
            "content": {
                media: {"schema": {"type": "string", "description": "A report of a test runner."}}
                for media in REPORTS
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
    test_debt_count: TestDebt = 0,
    exit_code: EndedWith = None,
    lint: CountedLint = None,
) -> HttpResponse:
    """Report a run of the task's suite, as JSON or as the report that a test runner writes.

    The answer has the status computed from the counts and from what speaks against the run, and
    what changed since the previous run. Three consecutive runs without progress block the task.
    """
    report = (getattr(request, "report", None) or run.as_report()).ended_with(exit_code)
    parameters = ("test_debt_count", "exit_code", "lint")
    record = record_run(report, test_debt_count)
    return on_task(request, task_id, key, record, reported_task, *parameters)


def record_run(report: SuiteReport, test_debt_count: int) -> Do:
    def record(task: Task, by: Caller) -> tuple[int, Schema]:
        stored = record_report(task, report, test_debt_count=test_debt_count, by=by)
        task.refresh_from_db(fields=["state"])
        return 201, QARunTaken.of(compare(stored), task)

    return record


@router.post(
    "/tasks/{task_id}/claim",
    operation_id="governance_api_claim",
    response={200: ClaimAccepted, 409: ClaimRefused | Errors, REFUSALS - {409}: Errors},
)
@decorate_view(takes(JSON))
def claim(request: HttpRequest, task_id: UUID, claim: Claim, key: Key = "") -> HttpResponse:
    """Claim that the task is done. It is completed if every condition is met.

    The answer names each condition, and the claim is kept either way.
    """
    return on_task(request, task_id, key, claim_done(claim.evidence_location), held_task)


def claim_done(evidence_location: str | None) -> Do:
    def ask(task: Task, by: Builder) -> tuple[int, Schema]:
        made = actions.claim_completion(task, evidence_location=evidence_location or "", by=by)
        return 200 if made.accepted else 409, claim_answer(made)

    return ask


@router.post(
    "/tasks/{task_id}/escalation",
    operation_id="governance_api_escalation",
    response={201: EscalationTaken, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def escalation(
    request: HttpRequest, task_id: UUID, escalation: Escalation, key: Key = ""
) -> HttpResponse:
    """Report what blocks the task. The task is blocked until someone resolves it.

    If the same blocker is open already, its occurrences are counted.
    """
    return on_task(request, task_id, key, escalate_blocker(escalation), held_task)


def escalate_blocker(escalation: Escalation) -> Do:
    def escalate(task: Task, by: Builder) -> tuple[int, Schema]:
        blocker = actions.escalate(
            task,
            classification=escalation.classification,
            description=escalation.description,
            attempts=escalation.attempts,
            last_error=escalation.last_error or "",
            by=by,
        )
        task.refresh_from_db(fields=["state"])
        return 201, EscalationTaken.of(blocker, task)

    return escalate


@router.post(
    "/tasks/{task_id}/validations",
    operation_id="governance_api_validation",
    auth=ReporterBearer(),
    response={201: ValidationTaken, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def validation(
    request: HttpRequest, task_id: UUID, checklist: Checklist, key: Key = ""
) -> HttpResponse:
    """Validate the task's architecture, item by item. It is ready if every item passes."""
    do = record_judgement(checklist.validation_results)
    return on_task(request, task_id, key, do, validated_task)


def record_judgement(results: Results) -> Do:
    def validate(task: Task, by: Caller) -> tuple[int, Schema]:
        stored = actions.record_validation(task, validation_results=results, by=by)
        return 201, ValidationTaken.of(stored)

    return validate

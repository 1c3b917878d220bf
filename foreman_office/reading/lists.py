"""The endpoints that list what the office has, cut by key, with the filters of the pages."""

import hashlib
from collections.abc import Callable
from typing import Any, get_args

from django.db.models import FETCH_PEERS, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django_filters import ChoiceFilter, FilterSet
from ninja import Query, Router, Schema

from builders.models import Builder
from foreman_office.api.callers import Caller, ReporterBearer
from foreman_office.dashboard.builders.queries import with_verdict
from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.filters import (
    ArchivedFilter,
    DueFilter,
    NameFilter,
    StateFilter,
    programs,
)
from foreman_office.dashboard.inbox.decision_list import COLUMNS, DecisionFilter
from foreman_office.dashboard.inbox.inbox_cards import finish, list_decisions, read_builders
from foreman_office.dashboard.inbox.pending_decisions import COUNTED, count_pending
from foreman_office.dashboard.issues.filters import BlockerFilter
from foreman_office.dashboard.programs.filters import ProgramFilter
from foreman_office.dashboard.quality.filters import RunFilter
from foreman_office.dashboard.tasks.filters import TaskFilter
from foreman_office.reading import reach, schemas
from foreman_office.reading.asked import USUAL, list_parameters
from kit.web.api import Errors, Problem, error, refuse, refuse_other_parameters
from kit.web.computed_listing import ComputedListing
from kit.web.listing import Listing, NamedRowFilter, Sort
from programs.models import State, Wave

router = Router(auth=ReporterBearer())

REFUSED = frozenset({401, 404, 422, 503})


class WaveFilter(FilterSet):
    q = NameFilter()
    program = NamedRowFilter(label="Program", queryset=programs, empty_label="any")
    state = StateFilter(State)
    due = DueFilter()
    archived = ArchivedFilter("program__in")

    class Meta:
        model = Wave
        fields: list[str] = []


class BuilderListFilter(FilterSet):
    """No filters: there are five builders."""

    class Meta:
        model = Builder
        fields: list[str] = []


class AnyBlockerFilter(BlockerFilter):
    """The filters of blockers; without a state, open and resolved ones."""

    state = ChoiceFilter(
        label="State",
        method="in_state",
        choices=[("open", "Open"), ("resolved", "Resolved"), ("all", "Open and resolved")],
    )


def answer_page(
    request: HttpRequest,
    listing: Listing,
    shape: type[Schema],
    read: Callable[[Any], Schema] | None = None,
) -> HttpResponse:
    """Answer with one page of a list; 304 if the caller has it. `read` describes a row."""
    if not listing.form.is_valid():
        found = listing.form.errors.get_json_data().items()
        wrong = [(name, each) for name, errors in found for each in errors]
        return refuse(
            422, *(error(name, e["code"] or "invalid", e["message"]) for name, e in wrong)
        )
    [(name, many)] = [each for each in shape.model_fields.items() if each[0] != "next"]
    read = read or get_args(many.annotation)[0].from_orm
    try:
        rows = [read(row) for row in listing.rows]
    except Http404:
        raise Problem(422, "after", "known_position", "This is no position in this list.") from None
    # The rows are checked, and would look for their fields once more.
    body = shape.model_construct(**{name: rows, "next": listing.next_mark}).model_dump_json()
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    is_known = request.headers.get("If-None-Match") == etag
    headers = {"ETag": etag}
    if is_known:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)


def answer_list(
    request: HttpRequest,
    rows: QuerySet[Any],
    filters: type[FilterSet],
    shape: type[Schema],
    sort: Sort,
) -> HttpResponse:
    """Answer with one page of rows, in an order that no insertion changes."""
    size = page_size(request, filters)
    listing = Listing(
        *(request, rows.fetch_mode(FETCH_PEERS), filters, {"when": sort}), noun="row", page=size
    )
    return answer_page(request, listing, shape)


def page_size(request: HttpRequest, filters: type[FilterSet]) -> int:
    """Return how many rows are asked for. A misspelt parameter would filter nothing."""
    refuse_other_parameters(request, "limit", "after", *filters.get_filters())
    return int(request.GET.get("limit", USUAL))


def caller_of(request: HttpRequest) -> Caller:
    return request.auth  # type: ignore[attr-defined,no-any-return]


CREATED = Sort("Created", "created_at", descending=True)
DETECTED = Sort("Detected", "detected_at", descending=True)
EXECUTED = Sort("When", "executed_at", descending=True)
NAMED = Sort("Name", "builder_id")


@router.get(
    "/programs",
    operation_id="reading_api_programs",
    url_name="programs",
    response={200: schemas.Programs, 304: None, REFUSED: Errors},
)
def read_program_list(request: HttpRequest, asked: Query[list_parameters(ProgramFilter)]) -> Any:
    """List programs, the newest first: those of a builder's tasks, or of a CI token."""
    rows = reach.readable_programs(caller_of(request))
    return answer_list(request, rows, ProgramFilter, schemas.Programs, CREATED)


@router.get(
    "/waves",
    operation_id="reading_api_waves",
    url_name="waves",
    response={200: schemas.Waves, 304: None, REFUSED: Errors},
)
def read_wave_list(request: HttpRequest, asked: Query[list_parameters(WaveFilter)]) -> Any:
    """List waves, the newest first: those of a builder's tasks, or of a CI token's programs."""
    rows = reach.readable_waves(caller_of(request)).select_related("program")
    return answer_list(request, rows, WaveFilter, schemas.Waves, CREATED)


@router.get(
    "/tasks",
    operation_id="reading_api_tasks",
    url_name="tasks",
    response={200: schemas.Tasks, 304: None, REFUSED: Errors},
)
def read_task_list(request: HttpRequest, asked: Query[list_parameters(TaskFilter)]) -> Any:
    """List tasks, the newest first: those planned for or assigned to a builder, or of a CI token.

    A wave is given with its program, as on the page.
    """
    rows = reach.readable_tasks(caller_of(request)).select_related("wave__program")
    return answer_list(request, rows, TaskFilter, schemas.Tasks, CREATED)


@router.get(
    "/builders",
    operation_id="reading_api_builders",
    url_name="builders",
    response={200: schemas.Builders, 304: None, REFUSED: Errors},
)
def read_builder_list(
    request: HttpRequest, asked: Query[list_parameters(BuilderListFilter)]
) -> Any:
    """List builders with their verdicts; a builder itself, a CI token those whose task it reads."""
    readable = reach.readable_builders(caller_of(request)).values("pk")
    rows = with_verdict().filter(pk__in=readable)
    return answer_list(request, rows, BuilderListFilter, schemas.Builders, NAMED)


@router.get(
    "/runs",
    operation_id="reading_api_runs",
    url_name="runs",
    response={200: schemas.Runs, 304: None, REFUSED: Errors},
)
def read_run_list(request: HttpRequest, asked: Query[list_parameters(RunFilter)]) -> Any:
    """List runs of suites, the latest first: those of a builder's tasks, or of a CI token's."""
    rows = reach.readable_runs(caller_of(request)).select_related("task")
    return answer_list(request, rows, RunFilter, schemas.Runs, EXECUTED)


@router.get(
    "/blockers",
    operation_id="reading_api_blockers",
    url_name="blockers",
    response={200: schemas.Blockers, 304: None, REFUSED: Errors},
)
def read_blocker_list(request: HttpRequest, asked: Query[list_parameters(AnyBlockerFilter)]) -> Any:
    """List blockers, open and resolved, the latest first, on what the caller may read."""
    rows = reach.readable_blockers(caller_of(request))
    return answer_list(request, rows, AnyBlockerFilter, schemas.Blockers, DETECTED)


@router.get(
    "/decisions",
    operation_id="reading_api_decisions",
    url_name="decisions",
    response={200: schemas.Decisions, 304: None, REFUSED: Errors},
)
def read_decision_list(request: HttpRequest, asked: Query[list_parameters(DecisionFilter)]) -> Any:
    """List what is broken and what waits for a decision, the highest impact first."""
    listing = ComputedListing(
        request,
        lambda: readable_decisions(caller_of(request)),
        DecisionFilter,
        {"impact": Sort("Impact", "weight", descending=True)},
        noun="decision",
        page=page_size(request, DecisionFilter),
        key="key",
        annotate_rows=lambda rows: finish(rows, [], decides=False),
    )
    return answer_page(request, listing, schemas.Decisions, as_decision_row)


def readable_decisions(by: Caller) -> list[OpenProblem]:
    """Return the decisions about what a caller may read."""
    found = list_decisions(count_pending(COUNTED), read_builders(), weighed=COUNTED)
    readable = reach.about_what(by)
    return [problem for problem in found if readable(problem.entity)]


def as_decision_row(problem: OpenProblem) -> schemas.DecisionRow:
    return schemas.DecisionRow(**{name: told(problem) for name, told in COLUMNS.items()})

"""The quality of work: figures over a window of time, the runs behind them, each with its tests."""

from functools import cache
from operator import attrgetter

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils.timezone import now

from foreman_office.dashboard.quality import figures
from foreman_office.dashboard.quality.filters import (
    JudgedFilter,
    QualityFilter,
    ResultFilter,
    RunFilter,
    SuiteFilter,
    ValidationFilter,
)
from foreman_office.dashboard.saved_views.reading import opens_with_default
from governance.models import ArchitectureValidation, QAExecution
from governance.quality import compare, previous_run
from kit.core.roles import reads
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort

USUAL = {"days": "30"}
RUN_SORTS = {
    "when": Sort("When", "executed_at", descending=True),
    "failing": Sort("Failing tests", "failing_tests", descending=True),
    "debt": Sort("Test debt", "test_debt_count", descending=True),
}
RUN_COLUMNS = {
    "execution_id": attrgetter("pk"),
    "executed_at": attrgetter("executed_at"),
    "arrived_at": attrgetter("arrived_at"),
    "program": attrgetter("task.wave.program.name"),
    "wave": attrgetter("task.wave.name"),
    "task_id": attrgetter("task_id"),
    "task": attrgetter("task.name"),
    "builder": attrgetter("task.assigned_builder"),
    "qa_suite_location": attrgetter("qa_suite_location"),
    "qa_status": attrgetter("qa_status"),
    "total_tests": attrgetter("total_tests"),
    "passing_tests": attrgetter("passing_tests"),
    "passing_before": attrgetter("passed_before"),
    "failing_tests": attrgetter("failing_tests"),
    "skipped_tests": attrgetter("skipped_tests"),
    "test_debt_count": attrgetter("test_debt_count"),
    "execution_time_ms": attrgetter("execution_time_ms"),
    "against": lambda run: " ".join(run.against),
}
VALIDATION_SORTS = {
    "when": Sort("When", "validated_at", descending=True),
    "rate": Sort("Pass rate", "pass_rate"),
}
VALIDATION_COLUMNS = {
    "validation_id": attrgetter("pk"),
    "validated_at": attrgetter("validated_at"),
    "program": attrgetter("task.wave.program.name"),
    "wave": attrgetter("task.wave.name"),
    "task_id": attrgetter("task_id"),
    "task": attrgetter("task.name"),
    "architecture_reference": attrgetter("architecture_reference"),
    "build_readiness": attrgetter("build_readiness"),
    "pass_rate": attrgetter("pass_rate"),
    "not_passed": lambda validation: "; ".join(validation.not_passed),
    "validated_by": attrgetter("validated_by"),
}
# Alphabetical order has it right: failed, passed, skipped.
RESULT_SORTS = {"outcome": Sort("Outcome", "outcome"), "name": Sort("Name", "name")}
RESULT_COLUMNS = {
    "name": attrgetter("name"),
    "outcome": attrgetter("outcome"),
    "flaky": attrgetter("flaky"),
    "is_test": attrgetter("is_test"),
    "message": attrgetter("message"),
}


@reads
def quality(request):
    sorts = {"when": RUN_SORTS["when"]}
    runs = QAExecution.objects.all()
    listing = Listing(request, runs, QualityFilter, sorts, noun="run", usual=USUAL)

    def asked(filters):
        rows = filters._meta.model.objects.all()
        return filters(listing.filterset.data, rows).qs if listing.form.is_valid() else rows.none()

    judged = asked(JudgedFilter)
    return render_page(
        request,
        "quality/quality.html",
        {
            "listing": listing,
            "days": int(listing.form.cleaned_data.get("days") or USUAL["days"]),
            "now": cache(lambda: figures.suites_now(asked(SuiteFilter))),
            "trend": cache(lambda: figures.trend(listing.filtered, judged, now())),
            "flaky": cache(lambda: figures.flaky_tests(listing.filtered)),
            "flaky_means": figures.FLAKY,
            "items": cache(lambda: figures.failing_items(judged)),
            "looked_at": figures.LOOKED_AT,
        },
        parts=["list"],
    )


@reads
@opens_with_default
def quality_runs(request):
    runs = QAExecution.objects.select_related("task__wave__program")
    listing = Listing(
        request, runs, RunFilter, RUN_SORTS, noun="run", usual=USUAL, annotate_rows=tell_difference
    )
    if "export" in request.GET:
        return listing.export(RUN_COLUMNS)
    return render_page(request, "quality/quality_runs.html", {"listing": listing}, parts=["list"])


def tell_difference(runs):
    """Set on each run how many tests passed in the run before, and how many more do now."""
    passed = figures.passed_before(runs)
    for run in runs:
        run.passed_before = passed[run.pk]
        first = run.passed_before is None
        run.more = None if first else run.passing_tests - run.passed_before


@reads
@opens_with_default
def quality_validations(request):
    validations = ArchitectureValidation.objects.select_related("task__wave__program")
    listing = Listing(
        *(request, validations, ValidationFilter, VALIDATION_SORTS), noun="validation", usual=USUAL
    )
    if "export" in request.GET:
        return listing.export(VALIDATION_COLUMNS)
    return render_page(
        request, "quality/quality_validations.html", {"listing": listing}, parts=["list"]
    )


@reads
def quality_run(request, pk):
    run = get_object_or_404(QAExecution.objects.select_related("task__wave__program"), pk=pk)
    listing = Listing(request, run.results.all(), ResultFilter, RESULT_SORTS, noun="test")
    if "export" in request.GET:
        return listing.export(RESULT_COLUMNS)
    before = cache(lambda: previous_run(run))
    return render_page(
        request,
        "quality/quality_run.html",
        {
            "run": run,
            "before": before,
            "after": cache(lambda: next_run(run)),
            "compared": cache(lambda: compare(run, before())),
            "listing": listing,
        },
        parts=["list"],
    )


def next_run(run):
    later = QAExecution.objects.filter(
        Q(arrived_at__gt=run.arrived_at) | Q(arrived_at=run.arrived_at, recorded__gt=run.recorded),
        task=run.task_id,
        qa_suite_location=run.qa_suite_location,
    )
    return later.order_by("arrived_at", "recorded").first()

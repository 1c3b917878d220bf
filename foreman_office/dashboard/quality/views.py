"""The quality of work: figures over a window of time, the runs behind them, each with its tests."""

from functools import cache
from operator import attrgetter

from django.shortcuts import get_object_or_404
from django.utils.timezone import now

from foreman_office.dashboard.quality.all_figures import quality_figures
from foreman_office.dashboard.quality.comparing import (
    asked_against,
    next_run,
    runs_to_choose,
    validation_before,
    validations_to_choose,
)
from foreman_office.dashboard.quality.figures import passed_before
from foreman_office.dashboard.quality.filters import (
    QualityFilter,
    ResultFilter,
    RunFilter,
    ValidationFilter,
)
from foreman_office.dashboard.saved_views.reading import opens_with_default
from governance.models import ArchitectureValidation, QAExecution
from governance.quality import compare, compare_validations, previous_run
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
    return render_page(
        request,
        "quality/quality.html",
        {
            "listing": listing,
            **quality_figures(listing, now()),
            "days": int(listing.form.cleaned_data.get("days") or USUAL["days"]),
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
    passed = passed_before(runs)
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
    runs = QAExecution.objects.select_related("task__wave__program")
    run = get_object_or_404(runs, pk=pk)
    listing = Listing(request, run.results.all(), ResultFilter, RESULT_SORTS, noun="test")
    if "export" in request.GET:
        return listing.export(RESULT_COLUMNS)
    before = cache(lambda: previous_run(run))
    against = asked_against(request.GET.get("against", ""), run, runs, "run")
    return render_page(
        request,
        "quality/quality_run.html",
        {
            "run": run,
            "before": before,
            "after": cache(lambda: next_run(run)),
            "against": against,
            "compared": cache(lambda: compare(run, against.row or before())),
            "choices": cache(lambda: runs_to_choose(run)),
            "listing": listing,
        },
        parts=["list", "written"],
    )


@reads
def quality_validation(request, pk):
    validations = ArchitectureValidation.objects.select_related("task__wave__program")
    validation = get_object_or_404(validations, pk=pk)
    against = asked_against(request.GET.get("against", ""), validation, validations, "validation")
    other = against.row or validation_before(validation)
    return render_page(
        request,
        "quality/quality_validation.html",
        {
            "validation": validation,
            "against": against,
            "other": other,
            "changed": compare_validations(other, validation) if other else [],
            "choices": cache(lambda: validations_to_choose(validation)),
        },
    )

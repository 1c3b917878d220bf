"""The pages on which a foreman meets the conditions of a task: validate, report, name evidence."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render

from foreman_office.dashboard.fulfilment.forms import EvidenceForm, ReportForm, ValidationForm
from foreman_office.recording import record_report
from governance.actions import record_validation
from kit.core.acts import Refused
from kit.core.roles import edits
from programs.actions import edit
from programs.models import Task


def task_to_act_on(pk):
    return get_object_or_404(Task.objects.select_related("wave__program"), pk=pk)


@edits
def task_validate(request, pk):
    """Record a checklist on the task's architecture."""
    task = task_to_act_on(pk)

    def act(form):
        stored = record_validation(task, by=request.user, **form.cleaned_data)
        return f"The architecture of “{task}” is {stored.get_build_readiness_display().lower()}."

    form = ValidationForm(task, request.POST if request.method == "POST" else None)
    return acted(request, task, form, act, "validate", "Validate the architecture")


@edits
def task_report(request, pk):
    """Record a report of a run of the task's suite, or its counts."""
    task = task_to_act_on(pk)

    def act(form):
        stored = record_report(task, by=request.user, **form.cleaned_data)
        passed = f"{stored.passing_tests} of {stored.total_tests} tests pass"
        return f"The run of {stored.qa_suite_location} is recorded: {passed}."

    form = ReportForm(*(request.POST, request.FILES) if request.method == "POST" else ())
    return acted(request, task, form, act, "report", "Report a run")


@edits
def task_evidence(request, pk):
    """Record the location of a task's evidence."""
    task = task_to_act_on(pk)

    def act(form):
        edit(task, by=request.user, **form.cleaned_data)
        return f"The evidence location of “{task}” is set."

    sent = {"data": request.POST} if request.method == "POST" else {}
    form = EvidenceForm(**sent, initial={"evidence_location": task.evidence_location})
    return acted(request, task, form, act, "evidence", "Set the evidence location")


def acted(request, task, form, act, kind, title):
    """Show a form about a task, or do what it was filled in for and redirect to the task."""
    lacks = {"validate": "architecture_reference", "report": "qa_suite_location"}.get(kind)
    lacking = lacks is not None and not getattr(task, lacks)
    if request.method == "POST" and not lacking and form.is_valid():
        try:
            said = act(form)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, said)
            return redirect(task)
    context = {"task": task, "form": form, "kind": kind, "title": title, "lacking": lacking}
    status = 422 if request.method == "POST" else 200
    return render(request, "fulfilment/fulfil.html", context, status=status)

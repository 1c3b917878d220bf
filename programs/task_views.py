from functools import cache
from operator import attrgetter

from django.db.models import FETCH_PEERS
from django.shortcuts import get_object_or_404, redirect

from foreman_office.kit.decide import OverrideForm, ReasonForm, decided, filled
from foreman_office.kit.htmx import render_page
from foreman_office.kit.listing import Listing, Sort
from foreman_office.kit.roles import decides, reads
from programs import actions
from programs.filters import TaskFilter
from programs.forms import CompleteForm
from programs.models import Task

TASK_SORTS = {
    "updated": Sort("Last change", "updated_at", descending=True),
    "name": Sort("Name", "name_begins"),
    "progress": Sort("Progress", "progress_percentage", descending=True),
    "created": Sort("Created", "created_at", descending=True),
}
TASK_COLUMNS = {
    "task_id": attrgetter("pk"),
    "program": attrgetter("wave.program.name"),
    "wave": attrgetter("wave.name"),
    "task": attrgetter("name"),
    "state": attrgetter("state"),
    "builder": attrgetter("assigned_builder"),
    "progress_percentage": attrgetter("progress_percentage"),
    "created_at": attrgetter("created_at"),
    "started_at": attrgetter("started_at"),
    "completed_at": attrgetter("completed_at"),
    "updated_at": attrgetter("updated_at"),
}


@reads
def task_list(request):
    tasks = Task.objects.with_beginnings().select_related("wave__program").fetch_mode(FETCH_PEERS)
    listing = Listing(request, tasks, TaskFilter, TASK_SORTS, noun="task")
    if "wave" in request.GET and "wave" in listing.form.errors:
        # Another program was chosen: its waves are others.
        return redirect(listing.address(wave=None))
    if "export" in request.GET:
        return listing.export(TASK_COLUMNS)
    return render_page(request, "programs/task_list.html", {"listing": listing}, parts=["list"])


@reads
def task(request, pk):
    task = get_object_or_404(Task.objects.select_related("wave__program"), pk=pk)
    runs = cache(lambda: list(task.qa_executions.order_by("-executed_at")[:50]))
    beats = cache(lambda: list(task.heartbeats.order_by("-timestamp")[:50]))
    past = {"resolved_at__isnull": False}
    return render_page(
        request,
        "programs/task.html",
        {
            "task": task,
            "work_topics": f"task:{task.pk} beat:{task.pk}",
            "runs": runs,
            "runs_charted": cache(lambda: runs()[:24][::-1]),
            "beats": beats,
            "progress_since": cache(lambda: task.worked_at or task.started_at),
            "validations": cache(lambda: list(task.validations.order_by("-validated_at")[:20])),
            "violations": cache(
                lambda: list(task.violations.filter(**past).order_by("-detected_at")[:20])
            ),
            "blockers": cache(
                lambda: list(task.blockers.filter(**past).order_by("-detected_at")[:20])
            ),
            "evidence": cache(lambda: task.evidence.recent()[:12]),
        },
        parts=[
            *("summary", "trouble", "gate", "proof", "runs", "validations", "past", "evidence"),
            *("pulse", "instruction"),
        ],
    )


@decides
def task_start(request, pk):
    task = get_object_or_404(Task, pk=pk)
    actions.start_task(task, by=request.user, **filled(request, OverrideForm))
    return decided(request, f"“{task}” is in progress.", task)


@decides
def task_complete(request, pk):
    task = get_object_or_404(Task, pk=pk)
    actions.complete_task(task, by=request.user, **filled(request, CompleteForm))
    return decided(request, f"“{task}” is completed.", task)


@decides
def task_fail(request, pk):
    task = get_object_or_404(Task, pk=pk)
    actions.fail(task, by=request.user, **filled(request, ReasonForm))
    return decided(request, f"“{task}” is given up.", task)


@decides
def task_send_back(request, pk):
    task = get_object_or_404(Task, pk=pk)
    actions.send_back_task(task, by=request.user, **filled(request, ReasonForm))
    return decided(request, f"“{task}” is planned again.", task)

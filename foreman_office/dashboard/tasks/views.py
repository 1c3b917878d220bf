"""The list of tasks, the page of a task, and what a person may decide about it."""

from functools import cache
from operator import attrgetter

from django.db.models import FETCH_PEERS
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from foreman_office.dashboard.as_of.views import or_as_it_was
from foreman_office.dashboard.available_actions import offers_to_attach
from foreman_office.dashboard.bulk_bar import bulk_bar
from foreman_office.dashboard.forms import (
    CompleteForm,
    TaskLinkForm,
    TaskNoteForm,
    again_in_words,
)
from foreman_office.dashboard.saved_views.reading import opens_with_default
from foreman_office.dashboard.tasks import queries
from foreman_office.dashboard.tasks.filters import TaskFilter
from foreman_office.dashboard.tasks.runs_chart import runs_chart
from governance.actions import unblock
from governance.attestations.signer import office_signer
from governance.attestations.statement import Unattested, attest
from governance.models import Blocker, Evidence
from governance.quality import certificate
from governance.sealing.keys import CannotSealError
from kit.core.acts import Refused
from kit.core.roles import decides, may_decide, reads
from kit.web.decision_forms import OverrideForm, ReasonForm, decide
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort
from kit.web.snapshot import one_snapshot
from programs import actions
from programs.models import Task, TaskLink

TASK_SORTS = {
    "updated": Sort("Last change", "updated_at", descending=True),
    "name": Sort("Name", "name_begins"),
    "progress": Sort("Progress", "progress_percentage", descending=True),
    "created": Sort("Created", "created_at", descending=True),
    "due": Sort("Due date", "due"),
}
TASK_COLUMNS = {
    "task_id": attrgetter("pk"),
    "program_id": attrgetter("wave.program_id"),
    "program": attrgetter("wave.program.name"),
    "wave_id": attrgetter("wave_id"),
    "wave": attrgetter("wave.name"),
    "wave_sequence_number": attrgetter("wave.sequence_number"),
    "wave_state": attrgetter("wave.state"),
    "task": attrgetter("name"),
    "state": attrgetter("state"),
    "builder": attrgetter("assigned_builder"),
    "planned_builder": attrgetter("planned_builder"),
    "progress_percentage": attrgetter("progress_percentage"),
    "created_at": attrgetter("created_at"),
    "started_at": attrgetter("started_at"),
    "completed_at": attrgetter("completed_at"),
    "updated_at": attrgetter("updated_at"),
    "latest_qa": attrgetter("latest_qa"),
    "due_on": attrgetter("due_on"),
}
TASK_PARTS = [
    *("summary", "trouble", "gate", "proof", "runs", "validations", "past", "evidence"),
    *("pulse", "notes", "questions", "spend", "instruction"),
]


@reads
@opens_with_default
def task_list(request):
    tasks = Task.objects.with_beginnings().with_due_order()
    tasks = tasks.select_related("wave__program").fetch_mode(FETCH_PEERS)
    listing = Listing(request, tasks, TaskFilter, TASK_SORTS, noun="task")
    if "wave" in request.GET and "wave" in listing.form.errors:
        # Another program was chosen: its waves are others.
        return redirect(listing.address(wave=None))
    if "export" in request.GET:
        return listing.export(TASK_COLUMNS)
    context = {"listing": listing} | bulk_bar(request, "task")
    return render_page(request, "tasks/task_list.html", context, parts=["list"])


@reads
@or_as_it_was("task")
@one_snapshot
def task(request, pk):
    task = get_object_or_404(Task.objects.select_related("wave__program"), pk=pk)
    runs = cache(lambda: queries.newest_runs(task))
    attaches = may_decide(request) and not task.is_archived
    return render_page(
        request,
        "tasks/task.html",
        {
            "task": task,
            "work_topics": f"task:{task.pk} beat:{task.pk}",
            "runs": runs,
            "runs_chart": cache(lambda: runs_chart(runs()[:24][::-1], task.started_at)),
            "beats": cache(lambda: queries.latest_beats(task)),
            "questions": cache(lambda: queries.newest_questions(task)),
            "notes": cache(lambda: queries.newest_notes(task, decides=attaches)),
            "links": cache(lambda: queries.links_with_offers(task, decides=attaches)),
            "attach": offers_to_attach(task) if attaches else [],
            "progress_since": task.work_received_at or task.worked_at or task.started_at,
            "validations": cache(lambda: queries.newest_validations(task)),
            "violations": cache(lambda: queries.resolved(task.violations)),
            "blockers": cache(lambda: queries.resolved(Blocker.objects.within(task))),
            "evidence": cache(lambda: Evidence.objects.within(task).recent()[:12]),
        },
        parts=TASK_PARTS,
    )


@reads
def task_certificate(request, pk):
    """Answer with the certificate of a completed task: a signed in-toto Statement."""
    task = get_object_or_404(Task.objects.select_related("wave__program"), pk=pk)
    proof = certificate(task)
    if proof is None:
        raise Http404("The runs of this task do not show that its suite became green.")
    try:
        envelope = attest(proof, office_signer())
    except (CannotSealError, Unattested) as error:
        raise Refused("task_certificate", str(error)) from error
    return HttpResponse(
        envelope.to_json(),
        content_type="application/vnd.dsse.envelope.v1+json",
        headers={"Content-Disposition": f'attachment; filename="{task.pk}.json"'},
    )


@decides
def task_start(request, pk):
    return decide(request, Task, pk, actions.start_task, "“{}” is in progress.", OverrideForm)


@decides
def task_complete(request, pk):
    return decide(request, Task, pk, actions.complete_task, "“{}” is completed.", CompleteForm)


@decides
def task_unblock(request, pk):
    return decide(request, Task, pk, unblock, again_in_words)


@decides
def task_fail(request, pk):
    return decide(request, Task, pk, actions.fail, "“{}” is abandoned.", ReasonForm)


@decides
def task_send_back(request, pk):
    return decide(request, Task, pk, actions.send_back_task, "“{}” is planned again.", ReasonForm)


@decides
def task_note(request, pk):
    return decide(request, Task, pk, actions.write_note, "The note is written.", TaskNoteForm)


@decides
def task_link(request, pk):
    return decide(request, Task, pk, actions.add_link, "The link is added.", TaskLinkForm)


@decides
def task_link_remove(request, pk):
    return decide(request, TaskLink, pk, actions.remove_link, "The link “{}” is removed.")

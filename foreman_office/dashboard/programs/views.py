from collections import Counter
from functools import cache
from operator import attrgetter

from django.db.models import FETCH_PEERS, Case, When
from django.shortcuts import get_object_or_404

from foreman_office.dashboard.as_of.views import or_as_it_was
from foreman_office.dashboard.bulk_bar import bulk_bar
from foreman_office.dashboard.forms import NoteForm, ProgramBudgetForm, again_in_words
from foreman_office.dashboard.programs.dependency_graph import lanes_of
from foreman_office.dashboard.programs.filters import ProgramFilter
from foreman_office.dashboard.programs.open_blockers import annotate_open_blockers
from foreman_office.dashboard.programs.progress_counts import plan_of, tally_programs, tally_waves
from foreman_office.dashboard.programs.timeline import timeline_of
from foreman_office.dashboard.saved_views.reading import opens_with_default
from foreman_office.dashboard.tasks.filters import WaveTaskFilter
from foreman_office.dashboard.tasks.views import TASK_COLUMNS
from governance.actions import set_budget, unblock
from governance.models import Blocker, Evidence
from kit.core.roles import decides, reads
from kit.web.decision_forms import OverrideForm, ReasonForm, decide
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort
from kit.web.snapshot import one_snapshot
from programs import actions
from programs.models import Program, Task, Wave

# The contexts below hold questions rather than answers: a template asks what it shows, once, so
# that a part costs no more than the part.


PROGRAM_SORTS = {
    "updated": Sort("Last change", "updated_at", descending=True),
    "name": Sort("Name", "name"),
    "progress": Sort("Progress", "progress_percentage", descending=True),
    "due": Sort("Due date", "due"),
}
PROGRAM_COLUMNS = {
    "program_id": attrgetter("pk"),
    "program": attrgetter("name"),
    "state": attrgetter("state"),
    "progress_percentage": attrgetter("progress_percentage"),
    "tasks_completed": lambda program: program.counts[Task.State.COMPLETED],
    "tasks": lambda program: program.counts.total(),
    "current_wave": lambda program: program.current_wave and program.current_wave.name,
    "updated_at": attrgetter("updated_at"),
    "open_blockers": attrgetter("open_blockers"),
    "due_on": attrgetter("due_on"),
    "archived_at": attrgetter("archived_at"),
}


@reads
@opens_with_default
def program_list(request):
    listing = Listing(
        *(request, Program.objects.with_due_order(), ProgramFilter, PROGRAM_SORTS),
        noun="program",
        annotate_rows=with_counts,
    )
    if "export" in request.GET:
        return listing.export(PROGRAM_COLUMNS)
    context = {"listing": listing} | bulk_bar(request, "program")
    return render_page(request, "programs/program_list.html", context, parts=["list"])


def with_counts(programs):
    """Return programs with what their list shows of each, looked up for a whole page at once."""
    tally_programs(programs)
    annotate_open_blockers(programs)
    return programs


# What is under way, the worst first.
UNDER_WAY = [Task.State.BLOCKED, Task.State.FAILED, Task.State.IN_PROGRESS, Task.State.ASSIGNED]


@reads
@or_as_it_was("program")
@one_snapshot
def program(request, pk):
    program = get_object_or_404(Program, pk=pk)
    waves = cache(lambda: plan_of(program))
    under_way = under_way_in(Task.objects.filter(wave__program=program))
    return render_page(
        request,
        "programs/program.html",
        {
            "program": program,
            "notes": cache(lambda: list(program.plan_notes.order_by("-created_at")[:NOTES])),
            "waves": waves,
            "counts": cache(lambda: sum((wave.counts for wave in waves()), Counter())),
            "wave_states": cache(lambda: Counter(wave.state for wave in waves())),
            "lanes": cache(lambda: lanes_of(waves())),
            "timeline": cache(lambda: timeline_of(program, waves(), request.GET.get("wave", ""))),
            "under_way": cache(lambda: list(under_way[:12])),
            "blockers": cache(
                lambda: list(Blocker.objects.within(program).open().order_by("detected_at")[:9])
            ),
            "evidence": cache(lambda: Evidence.objects.within(program).recent()[:12]),
        },
        parts=PROGRAM_PARTS,
    )


NOTES = 10  # with which a plan was sent back, that its page shows
PROGRAM_PARTS = [
    *("summary", "gate", "notes", "board", "timeline", "progress", "tasks", "spend"),
    *("blockers", "evidence", "written"),
]


def under_way_in(tasks):
    """Return the tasks that are begun and not completed, those with problems first."""
    place = Case(*(When(state=state, then=n) for n, state in enumerate(UNDER_WAY)))
    return (
        tasks.filter(state__in=UNDER_WAY)
        .select_related("wave__program")
        .order_by(place, "started_at", "name")
    )


WAVE_TASK_SORTS = {
    "created": Sort("Created", "created_at"),
    "name": Sort("Name", "name_begins"),
    "progress": Sort("Progress", "progress_percentage", descending=True),
    "updated": Sort("Last change", "updated_at", descending=True),
    "due": Sort("Due date", "due"),
}
WAVE_PARTS = ["summary", "gate", "working", "list", "spend", "written", "blockers", "evidence"]


@reads
@or_as_it_was("wave")
@one_snapshot
def wave(request, pk):
    wave = get_object_or_404(Wave.objects.select_related("program"), pk=pk)
    tasks = wave.tasks.with_beginnings().with_due_order().fetch_mode(FETCH_PEERS)
    listing = Listing(request, tasks, WaveTaskFilter, WAVE_TASK_SORTS, noun="task")
    if "export" in request.GET:
        return listing.export(TASK_COLUMNS)
    return render_page(
        request,
        "programs/wave.html",
        {
            "wave": wave,
            "listing": listing,
            "before": wave_states(Wave.objects.filter(pk__in=wave.dependency_ids)),
            "after": wave_states(wave.program.waves.filter(dependencies__contains=[str(pk)])),
            "counts": cache(lambda: tally_waves([wave])[0].counts),
            "under_way": cache(lambda: list(under_way_in(wave.tasks)[:12])),
            "blockers": cache(
                lambda: list(Blocker.objects.within(wave).open().order_by("detected_at")[:9])
            ),
            "evidence": cache(lambda: Evidence.objects.within(wave).recent()[:12]),
            **bulk_bar(request, "task"),
        },
        parts=WAVE_PARTS,
    )


def wave_states(waves):
    return waves.only("name", "sequence_number", "state").order_by("sequence_number")


@decides
def program_approve(request, pk):
    words = "“{}” is in progress."
    return decide(request, Program, pk, actions.approve_program, words, OverrideForm)


@decides
def program_send_back(request, pk):
    words = "“{}” is sent back, and stays planned."
    return decide(request, Program, pk, actions.send_back_plan, words, NoteForm)


@decides
def program_budget(request, pk):
    act, words = set_budget, "The budget of “{}” is set."
    return decide(request, Program, pk, act, words, ProgramBudgetForm)


@decides
def program_unblock(request, pk):
    return decide(request, Program, pk, unblock, again_in_words)


@decides
def program_allow_pull(request, pk):
    words = "Builders may take tasks of “{}” themselves."
    return decide(request, Program, pk, actions.allow_pull, words, ReasonForm)


@decides
def program_forbid_pull(request, pk):
    words = "Tasks of “{}” are assigned by hand."
    return decide(request, Program, pk, actions.forbid_pull, words, ReasonForm)


@decides
def program_fail(request, pk):
    return decide(request, Program, pk, actions.fail, "“{}” is abandoned.", ReasonForm)


@decides
def program_archive(request, pk):
    return decide(request, Program, pk, actions.archive_program, "“{}” is archived.", ReasonForm)


@decides
def program_unarchive(request, pk):
    words = "“{}” is taken out of the archive."
    return decide(request, Program, pk, actions.unarchive_program, words, ReasonForm)


@decides
def wave_start(request, pk):
    return decide(request, Wave, pk, actions.start_wave, "“{}” is in progress.", OverrideForm)


@decides
def wave_unblock(request, pk):
    return decide(request, Wave, pk, unblock, again_in_words)


@decides
def wave_accept(request, pk):
    done = "“{}” continues, ahead of what it depends on."
    return decide(request, Wave, pk, actions.accept_dependencies, done, ReasonForm)


@decides
def wave_fail(request, pk):
    return decide(request, Wave, pk, actions.fail, "“{}” is abandoned.", ReasonForm)

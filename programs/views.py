from collections import Counter
from functools import cache
from operator import attrgetter

from django.db.models import FETCH_PEERS, Case, When
from django.shortcuts import get_object_or_404

from foreman_office.kit.decide import OverrideForm, ReasonForm, decided, filled
from foreman_office.kit.htmx import render_page
from foreman_office.kit.listing import Listing, Sort
from foreman_office.kit.roles import decides, reads
from programs import actions
from programs.filters import ProgramFilter, WaveTaskFilter
from programs.lanes import lanes_of
from programs.models import Program, Task, Wave
from programs.tallies import plan_of, tally_programs, tally_waves
from programs.task_views import TASK_COLUMNS
from programs.timeline import timeline_of

# The contexts below hold questions rather than answers: a template asks what it shows, once, so
# that a part costs no more than the part.


PROGRAM_SORTS = {
    "updated": Sort("Last change", "updated_at", descending=True),
    "name": Sort("Name", "name"),
    "progress": Sort("Progress", "progress_percentage", descending=True),
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
}
# What is looked up for all programs of a page at once.
PROGRAM_DRESS = [tally_programs]


@reads
def program_list(request):
    def dress(programs):
        for each in PROGRAM_DRESS:
            each(programs)
        return programs

    listing = Listing(
        *(request, Program.objects.all(), ProgramFilter, PROGRAM_SORTS),
        noun="program",
        dress=dress,
    )
    if "export" in request.GET:
        return listing.export(PROGRAM_COLUMNS)
    return render_page(request, "programs/program_list.html", {"listing": listing}, parts=["list"])


# What is under way, the worst first.
UNDER_WAY = [Task.State.BLOCKED, Task.State.FAILED, Task.State.IN_PROGRESS, Task.State.ASSIGNED]


@reads
def program(request, pk):
    program = get_object_or_404(Program, pk=pk)
    waves = cache(lambda: plan_of(program))
    under_way = under_way_in(Task.objects.filter(wave__program=program))
    return render_page(
        request,
        "programs/program.html",
        {
            "program": program,
            "waves": waves,
            "counts": cache(lambda: sum((wave.counts for wave in waves()), Counter())),
            "wave_states": cache(lambda: Counter(wave.state for wave in waves())),
            "lanes": cache(lambda: lanes_of(waves())),
            "timeline": cache(lambda: timeline_of(program, waves(), request.GET.get("wave", ""))),
            "under_way": cache(lambda: list(under_way[:12])),
            "blockers": cache(lambda: list(program.blockers.open().order_by("detected_at")[:9])),
            "evidence": cache(lambda: program.evidence.recent()[:12]),
        },
        parts=PROGRAM_PARTS,
    )


PROGRAM_PARTS = [
    *("summary", "gate", "board", "timeline", "progress", "tasks", "blockers", "evidence"),
]


def under_way_in(tasks):
    """Return the tasks that are begun and not completed, what is not well first."""
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
}
WAVE_PARTS = ["summary", "gate", "working", "list", "blockers", "evidence"]


@reads
def wave(request, pk):
    wave = get_object_or_404(Wave.objects.select_related("program"), pk=pk)
    tasks = wave.tasks.with_beginnings().fetch_mode(FETCH_PEERS)
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
            "blockers": cache(lambda: list(wave.blockers.open().order_by("detected_at")[:9])),
            "evidence": cache(lambda: wave.evidence.recent()[:12]),
        },
        parts=WAVE_PARTS,
    )


def wave_states(waves):
    return waves.only("name", "sequence_number", "state").order_by("sequence_number")


@decides
def program_approve(request, pk):
    program = get_object_or_404(Program, pk=pk)
    actions.approve_program(program, by=request.user, **filled(request, OverrideForm))
    return decided(request, f"“{program}” is in progress.", program)


@decides
def program_fail(request, pk):
    program = get_object_or_404(Program, pk=pk)
    actions.fail(program, by=request.user, **filled(request, ReasonForm))
    return decided(request, f"“{program}” is given up.", program)


@decides
def wave_start(request, pk):
    wave = get_object_or_404(Wave, pk=pk)
    actions.start_wave(wave, by=request.user, **filled(request, OverrideForm))
    return decided(request, f"“{wave}” is in progress.", wave)


@decides
def wave_fail(request, pk):
    wave = get_object_or_404(Wave, pk=pk)
    actions.fail(wave, by=request.user, **filled(request, ReasonForm))
    return decided(request, f"“{wave}” is given up.", wave)

"""The inbox: what is broken, what waits for a decision, what moves, what was finished since."""

from functools import cache
from typing import Any

from django.db.models import FETCH_PEERS, Case, When
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.timezone import now

from builders.models import Verdict
from foreman_office.dashboard.inbox.decision_list import COLUMNS, decision_list
from foreman_office.dashboard.inbox.headline import headline, open_programs, standstills
from foreman_office.dashboard.inbox.inbox_cards import list_bands, read_builders
from foreman_office.dashboard.inbox.last_visit import finished_since, last_visit
from foreman_office.dashboard.inbox.pending_decisions import is_watched, what_waits
from foreman_office.dashboard.inbox.waiting_chart import waiting_over_time
from foreman_office.dashboard.programs.progress_counts import tally_programs
from foreman_office.dashboard.saved_views.reading import opens_with_default
from kit.core.roles import may_decide, reads
from kit.web.htmx import render_page
from programs.models import Program, State, Task, TaskState

MOVING = 12  # tasks that the inbox shows as moving


@reads
def inbox(request: HttpRequest) -> HttpResponseBase:
    builders = cache(read_builders)
    request.builders = builders  # type: ignore[attr-defined]
    due, decides = cache(lambda: what_waits(request)), may_decide(request)
    visit, moving = cache(lambda: last_visit(request)), cache(lambda: moving_tasks(builders()))
    watched = cache(lambda: is_watched(request))
    clear = cache(lambda: bool(moving()) or not open_programs().exists())
    return render_page(
        request,
        "inbox/inbox.html",
        {
            "headline": cache(
                lambda: headline(due(), watched=watched(), decides=decides, clear=clear())
            ),
            "bands": cache(lambda: list_bands(due(), builders(), decides=decides)),
            "clear": clear,
            "standstills": cache(lambda: list(standstills())),
            "at_work": cache(lambda: sum(each.verdict == Verdict.WORKING for each in builders())),
            "moving": moving,
            "visit": visit,
            "finished": cache(lambda: finished_since(visit().place)),
            "programs": cache(unfinished_programs),
        },
        parts=["headline", "broken", "decisions", "moving", "finished", "programs"],
    )


@reads
@opens_with_default
def decisions(request: HttpRequest) -> HttpResponseBase:
    """List all that is broken and all that waits, with filters and pages."""
    builders = cache(read_builders)
    request.builders = builders  # type: ignore[attr-defined]
    listing = decision_list(request, builders)
    if "export" in request.GET:
        return listing.export(COLUMNS)
    waiting = cache(lambda: waiting_over_time(now()))
    context = {"listing": listing, "waiting": waiting}
    return render_page(request, "inbox/decisions.html", context, parts=["list", "waiting"])


def moving_tasks(builders: list[Any]) -> list[Task]:
    """Return the tasks on which work goes on: of builders at work, then the foreman's own.

    Each has its `holder`, or None. What is blocked, or in a wave that is, does not move.
    """
    tasks = []
    for builder in builders:
        task = builder.current_task
        if builder.verdict == Verdict.WORKING and task and task.state in RUNNING and goes_on(task):
            task.holder = builder
            tasks.append(task)
    own = Task.objects.filter(
        state=TaskState.IN_PROGRESS,
        assigned_builder=None,
        wave__state=State.IN_PROGRESS,
        wave__program__state=State.IN_PROGRESS,
    )
    own = own.select_related("wave__program").order_by("-updated_at").fetch_mode(FETCH_PEERS)
    for task in own[: MOVING - len(tasks)]:
        task.holder = None
        tasks.append(task)
    return tasks


RUNNING = (TaskState.ASSIGNED, TaskState.IN_PROGRESS)


def goes_on(task: Task) -> bool:
    return task.wave.state == task.wave.program.state == State.IN_PROGRESS


def unfinished_programs() -> list[Program]:
    """Return what is under way, then what waits to begin, then what was abandoned."""
    order = Case(
        When(state=Program.State.PLANNED, then=1),
        When(state=Program.State.FAILED, then=2),
        default=0,
    )
    return tally_programs(open_programs().order_by(order, "name")[:6])

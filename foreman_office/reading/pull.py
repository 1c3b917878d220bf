"""A builder without a task takes the next one, where the program allows that."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.http import HttpRequest
from ninja import Router, Status
from ninja.decorators import decorate_view

from builders.actions import assign_task, note_heard
from builders.models import Builder, Verdict
from foreman_office.api.callers import Bearer, calling_builder
from foreman_office.api.instruction import Assignment, assignment_of
from foreman_office.api.schemas.fields import Taken, example
from foreman_office.dashboard.builders.queries import with_verdict
from foreman_office.dashboard.explain.impact import ImpactCalculator
from governance.gates import GateOpen
from kit.core.acts import Refused, act
from kit.web.api import JSON, Errors, takes
from programs.models import State, Task, TaskState

WEIGHED = 100  # ready tasks, those planned first, that are compared

REFUSED = frozenset({400, 401, 403, 409, 411, 413, 415, 422, 503})

router = Router(auth=Bearer())


class NextTask(Taken):
    """The next task is wanted. There is nothing else to say."""

    model_config = example()


def tasks_to_pull(builder: Builder) -> QuerySet[Task]:
    """Return the ready tasks that suit a builder: planned for it or for nobody, gate open."""
    suits = [
        Q(**{name: None}) | Q(**{name: builder.pk})
        for name in ("planned_builder", "assigned_builder")
    ]
    gate = GateOpen("pk", Value(builder.pk), function="governance_gate_assign_task")
    return Task.objects.filter(
        *suits,
        gate,
        state=TaskState.PLANNED,
        wave__state=State.IN_PROGRESS,
        wave__program__state=State.IN_PROGRESS,
        wave__program__allows_pull=True,
    )


def by_impact(builder: Builder) -> list[Task]:
    """Return the ready tasks that suit a builder, what holds up most first, then the oldest."""
    ready = tasks_to_pull(builder).select_related("wave__program").order_by("created_at", "pk")
    found = list(ready[:WEIGHED])
    reach = ImpactCalculator(found, list(with_verdict().select_related("current_task__wave")))
    return sorted(found, key=lambda task: -reach.of(task).cost)  # of equals, the order stays


def pull_task(builder: Builder) -> Task | None:
    """Assign the ready task of highest impact to a builder without one; None if there is none.

    Of builders that ask at once each gets another: a task that another is taking is passed over.
    """
    with act(builder, pull=True):
        for task in by_impact(builder):
            free = Task.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            if not free.filter(pk=task.pk, state=TaskState.PLANNED).exists():
                continue
            try:
                with transaction.atomic():  # a refusal undoes this alone
                    return assign_task(task, builder, by=builder)
            except Refused:  # what the gate reads has changed meanwhile
                continue
    return None


@router.post(
    "/next",
    operation_id="reading_api_next",
    url_name="next",
    response={200: Assignment, 204: None, REFUSED: Errors},
)
@decorate_view(takes(JSON))
def next_assignment(request: HttpRequest, wanted: NextTask) -> Any:
    """Take the next task, if the builder has none and a program allows builders to pull.

    It is the ready task of highest impact that is planned for this builder or for nobody, and whose
    conditions of assignment are met. A builder that has a task is answered with that: to ask
    twice is to ask once. 204: nothing is ready; wait with `GET /api/assignment?wait=60`, and ask
    again.
    """
    name: str = request.auth  # type: ignore[attr-defined]
    note_heard(calling_builder(name))
    builder = current(name)
    if builder is None:
        raise Refused("builder_idle", "You are busy: no task is assigned until you are free.")
    if builder.current_task is None:
        if builder.verdict != Verdict.IDLE:  # type: ignore[attr-defined]
            words = "You are paused: no task is assigned until the pause ends."
            raise Refused("builder_idle", words)
        pull_task(builder)
        builder = current(name) or calling_builder(name)
    return assignment_of(builder) if builder.current_task else Status(204, None)


def current(name: str) -> Builder | None:
    """Return a builder with its verdict; None while it is at work for another organisation."""
    found = with_verdict().select_related("current_task__wave__program").filter(pk=name)
    return found.first()

from functools import cache

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404

from builders.models import Builder
from foreman_office.kit.decide import decided, filled
from foreman_office.kit.htmx import render_page
from foreman_office.kit.roles import decides, reads
from governance import actions
from governance.entities import name_entities
from governance.forms import ResolutionForm
from governance.models import Blocker, GovernanceViolation
from governance.why import derive
from programs.models import Program, Task, Wave

KINDS = {
    "program": lambda: Program.objects.all(),
    "wave": lambda: Wave.objects.select_related("program"),
    "task": lambda: Task.objects.select_related("wave__program"),
    "builder": lambda: Builder.objects.with_verdicts().select_related("current_task__wave"),
}


@reads
def why(request, kind, pk):
    """Derive the state of a program, a wave, a task or a builder from what is recorded."""
    try:
        entity = get_object_or_404(KINDS[kind](), pk=pk)
    except (KeyError, ValidationError) as error:
        raise Http404 from error
    return render_page(
        request,
        "governance/why.html",
        {"entity": entity, "kind": kind, "derivation": cache(lambda: derive(entity))},
        parts=["derivation"],
    )


@decides
def blocker_resolve(request, pk):
    blocker = get_object_or_404(Blocker, pk=pk)
    given = filled(request, ResolutionForm)
    actions.resolve_blocker(blocker, resolution_action=given["resolution"], by=request.user)
    entity = name_entities([blocker])[0].entity
    return decided(request, f"The blocker on “{entity}” is resolved.", entity or "/")


@decides
def violation_resolve(request, pk):
    violation = get_object_or_404(GovernanceViolation, pk=pk)
    actions.resolve_violation(violation, by=request.user, **filled(request, ResolutionForm))
    return decided(
        request,
        f"The violation “{violation}” is resolved.",
        violation.task or violation.builder or "/",
    )

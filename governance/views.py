from functools import cache

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404

from builders.models import Builder
from foreman_office.kit.htmx import render_page
from foreman_office.kit.roles import reads
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
        {
            "entity": entity,
            "kind": kind,
            "derivation": cache(lambda: derive(entity)),
            "evidence": cache(lambda: entity.evidence.recent()[:8]),
        },
        parts=["derivation"],
    )

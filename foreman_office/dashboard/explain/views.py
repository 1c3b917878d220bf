from functools import cache

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404

from builders.models import Builder
from foreman_office.dashboard.explain.state import derive
from governance.models import Evidence
from kit.core.roles import reads
from kit.web.htmx import render_page
from kit.web.snapshot import one_snapshot
from programs.models import Program, Task, Wave

KINDS = {
    "program": lambda: Program.objects.all(),
    "wave": lambda: Wave.objects.select_related("program"),
    "task": lambda: Task.objects.select_related("wave__program"),
    "builder": lambda: Builder.objects.with_verdicts().select_related("current_task__wave"),
}


@reads
@one_snapshot
def why(request, kind, pk):
    """Show how the state of a program, wave, task or builder follows from what is recorded."""
    try:
        entity = get_object_or_404(KINDS[kind](), pk=pk)
    except (KeyError, ValidationError) as error:
        raise Http404 from error
    return render_page(
        request,
        "explain/why.html",
        {
            "entity": entity,
            "kind": kind,
            "derivation": cache(lambda: derive(entity)),
            "evidence": cache(lambda: Evidence.objects.within(entity).recent()[:8]),
        },
        parts=["derivation"],
    )

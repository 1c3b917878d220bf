"""The pages of a program, a wave, a task and a builder as of a moment: `?as_of=`.

They show the past and nothing else: no act, no form, nothing that asks again.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from builders.models import Builder
from foreman_office.dashboard.as_of import rebuilt
from foreman_office.dashboard.as_of.moments import (
    NotShownError,
    moment_asked,
    past_moment,
)
from foreman_office.dashboard.evidence.sentences import describe
from governance.models import Evidence
from kit.web.addresses import AS_OF
from kit.web.htmx import render_page
from kit.web.snapshot import one_snapshot

TOLD = 12  # acts that are told below

type EntityView = Callable[..., HttpResponseBase]


def or_as_it_was(kind: str) -> Callable[[EntityView], EntityView]:
    """Answer a request for a moment with the page as of it, and any other with the view."""

    def decorator(view: EntityView) -> EntityView:
        @wraps(view)
        def shown(request: HttpRequest, pk: Any) -> HttpResponseBase:
            if AS_OF not in request.GET:
                return view(request, pk)
            try:
                return entity_as_of(request, kind, pk)
            except NotShownError as error:
                context = {"words": error.words, "kind": kind, "now_address": request.path}
                response = render_page(request, "as_of/not_shown.html", context)
                response.status_code = error.status
                return response

        return shown

    return decorator


@one_snapshot
def entity_as_of(request: HttpRequest, kind: str, pk: Any) -> HttpResponseBase:
    """Show a program, wave, task or builder as it was."""
    moment = moment_asked(request.GET[AS_OF])
    entity, key = entity_then(kind, pk, moment)
    acts = Evidence.objects.filter(entity_type=kind, entity_id=key, timestamp__lte=moment)
    return render_page(
        request,
        f"as_of/{kind}.html",
        {
            "entity": entity,
            "moment": moment,
            "moment_words": past_moment(moment),
            "now_address": request.path,
            "acts": describe(acts.recent()[:TOLD]),
            "evidence_of": f"{'within' if kind in ('program', 'wave') else 'of'}={kind}:{key}",
        },
    )


def entity_then(kind: str, pk: Any, moment: datetime) -> tuple[rebuilt.Record, UUID]:
    if kind == "builder":
        builder = get_object_or_404(Builder, pk=pk)
        return rebuilt.builder_then(builder, moment), builder.entity_id
    of = {"program": rebuilt.program_then, "wave": rebuilt.wave_then, "task": rebuilt.task_then}
    if kind not in of:
        raise Http404
    return of[kind](pk, moment), pk

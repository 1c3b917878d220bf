"""Acts of the admin on many rows at once."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from kit.web.forms import TextField

SHOWN_AT_MOST = 20
ACTED_ON_AT_MOST = 500  # by one bulk act: a form of Django's takes a thousand fields


class BulkResolutionForm(forms.Form):
    resolution = TextField(
        label="Resolution",
        widget=forms.Textarea({"class": "vLargeTextField", "rows": 4}),
    )


def resolve_rows(
    page: admin.ModelAdmin,
    request: HttpRequest,
    rows: models.QuerySet,
    resolve: Callable[[Any, str], models.Model],
) -> HttpResponse | None:
    """Resolve rows by `resolve(row, resolution)`, after a page that asks what was done."""
    form = BulkResolutionForm(request.POST if "resolution" in request.POST else None)
    if form.is_valid():
        resolved = [resolve(row, form.cleaned_data["resolution"]) for row in rows]
        log_bulk(request, resolved, "Resolved.")
        page.message_user(request, f"{page.opts.verbose_name_plural} resolved: {len(resolved)}.")
        return None
    return ask_about(page, request, rows, "admin/resolve.html", verb="resolve", form=form)


def ask_about(
    page: admin.ModelAdmin,
    request: HttpRequest,
    rows: models.QuerySet,
    template: str,
    *,
    verb: str,
    **context: Any,
) -> HttpResponse:
    """Render the question whether to act on rows. The answer is about their keys, not a filter."""
    count = rows.count()
    keys = [*rows.values_list("pk", flat=True)[:ACTED_ON_AT_MOST]]
    return TemplateResponse(
        request,
        template,
        {
            **page.admin_site.each_context(request),
            "title": f"{verb.capitalize()} {page.opts.verbose_name_plural}",
            "opts": page.opts,
            "rows": rows.filter(pk__in=keys[:SHOWN_AT_MOST]),
            "count": len(keys),
            "left": count - len(keys),
            "carried": [
                ("action", request.POST["action"]),
                *((ACTION_CHECKBOX_NAME, str(key)) for key in keys),
            ],
            **context,
        },
    )


def log_bulk(request: HttpRequest, rows: list[Any], message: str) -> None:
    """Record a bulk action in the admin's own history of each row, as a single change would be."""
    LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, message)  # type: ignore[arg-type]


def is_chosen_across_pages(request: HttpRequest) -> bool:
    """Return whether a bulk act is about all rows that match, of which a page shows only some."""
    return request.POST.get("select_across") == "1"

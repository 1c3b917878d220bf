"""Notes on anything: all of them on a page, written and withdrawn by forms."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from foreman_office.dashboard.forms import NoteTextForm
from foreman_office.dashboard.notes.queries import shown_notes
from foreman_office.dashboard.notes.subjects import LABELS, TASK, find_subject
from governance.actions import write_entity_note
from governance.models import EntityNote
from kit.core.roles import decides, may_decide, reads
from kit.web.decision_forms import ReasonForm, cleaned_or_422, respond_done
from kit.web.htmx import render_page
from programs.actions import withdraw_note, write_note
from programs.models import TaskNote


@reads
def notes(request: HttpRequest, kind: str, pk: str) -> HttpResponseBase:
    """Show all notes on a thing."""
    subject = find_subject(kind, pk)
    context = {
        "subject": subject,
        "label": LABELS[subject.kind],
        "notes": shown_notes(subject, decides=may_decide(request), limit=None),
    }
    return render_page(request, "notes/notes.html", context, parts=["written"])


@decides
def note_write(request: HttpRequest, kind: str, pk: str) -> HttpResponse:
    """Write a note on a thing."""
    text = cleaned_or_422(request, NoteTextForm)["text"]
    subject = find_subject(kind, pk)
    if subject.kind == TASK:
        write_note(subject.row, text=text, by=request.user)
    else:
        write_entity_note(subject.fields, text=text, by=request.user)
    return respond_done(request, "The note is written.", subject.address)


@decides
def note_withdraw(request: HttpRequest, kind: str, pk: str) -> HttpResponse:
    """Withdraw a note, which stays as withdrawn."""
    model: Any = TaskNote if kind == TASK else EntityNote
    note = get_object_or_404(model, pk=pk)
    reason = cleaned_or_422(request, ReasonForm)["reason"]
    withdraw_note(note, reason=reason, by=request.user)
    about = (TASK, str(note.task_id)) if kind == TASK else (note.about_kind, note.about_key)
    return respond_done(request, "The note is withdrawn.", find_subject(*about).address)

"""The notes on a thing as pages show them: the newest, the others folded, and what may be done."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Count
from django.urls import reverse

from foreman_office.dashboard.forms import NoteTextForm
from foreman_office.dashboard.notes.subjects import TASK, NotedSubject
from governance.models import EntityNote
from kit.web.decision_forms import ActionButton, ReasonForm

UNFOLDED = 3  # notes that are shown at once
LISTED = 20  # notes that stand on the page of a thing; its page of notes has all


class ShownNotes(NamedTuple):
    """The notes on a thing: the newest, older ones, and whether there are more on their page."""

    newest: list[Any]
    older: list[Any]
    more: bool
    address: str
    offers: list[ActionButton]


def shown_notes(subject: NotedSubject, *, decides: bool, limit: int | None = LISTED) -> ShownNotes:
    """Return the notes on a thing, in one query; without a limit all of them, at once."""
    rows = list(subject.notes if limit is None else subject.notes[: limit + 1])
    listed = with_withdrawals(rows[:limit], subject.kind, decides=decides)
    unfolded = len(listed) if limit is None else UNFOLDED
    return ShownNotes(
        listed[:unfolded],
        listed[unfolded:],
        len(rows) > len(listed),
        reverse("notes", args=[subject.kind, subject.key]),
        [offer_to_write(subject)] if decides else [],
    )


def with_withdrawals(notes: Iterable[Any], kind: str, *, decides: bool) -> list[Any]:
    """Return notes, each with the offer to withdraw it, if it is not withdrawn."""
    notes = list(notes)
    for note in notes:
        may = decides and note.withdrawn_at is None
        note.offers = [offer_to_withdraw(note, kind)] if may else []
    return notes


def offer_to_write(subject: NotedSubject) -> ActionButton:
    address = reverse("note_write", args=[subject.kind, subject.key])
    key = f"note-{subject.kind}-{subject.key}"
    return ActionButton(key, address, "Write a note", subject.name, NoteTextForm)


def offer_to_withdraw(note: Any, kind: str = TASK) -> ActionButton:
    address = reverse("note_withdraw", args=[kind, note.pk])
    about = f"the note of {note.written_by}"
    return ActionButton(f"withdraw-{note.pk}", address, "Withdraw", about, ReasonForm)


def count_notes(rows: list[Any], kind: str) -> list[Any]:
    """Return rows of a list, each with the number of its notes, in one query."""
    keys = [str(row.pk) for row in rows]
    found = EntityNote.objects.filter(about_kind=kind, about_key__in=keys).order_by()
    numbers = dict(found.values_list("about_key").annotate(Count("pk"))) if keys else {}
    for row in rows:
        row.note_count = numbers.get(str(row.pk), 0)
    return rows

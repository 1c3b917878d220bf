"""The builders' API for links and notes of a task."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from ninja.decorators import decorate_view

from foreman_office.api.callers import Bearer, Caller, ReporterBearer
from foreman_office.api.schemas.fields import Taken, example
from foreman_office.api.schemas.notes import (
    ListedLink,
    ListedLinks,
    ListedNote,
    ListedNotes,
    NewLink,
    NewNote,
    links_of,
    notes_of,
)
from foreman_office.api.tasks import REFUSALS, Key, held_task, on_task, readable_task
from kit.web.api import JSON, Errors, Problem, takes
from programs import actions
from programs.models import Task, TaskLink

READ_REFUSALS = frozenset({401, 404, 422, 503})

router = Router(auth=Bearer())


class Removal(Taken):
    """The link is to be removed. There is nothing else to say."""

    model_config = example()


@router.post(
    "/tasks/{task_id}/links",
    operation_id="programs_api_new_link",
    url_name="links",
    response={201: ListedLink, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def new_link(request: HttpRequest, task_id: UUID, link: NewLink, key: Key = "") -> HttpResponse:
    """Add a link to the task: to a commit, a pull request, a log or an artefact."""

    def do(task: Task, by: Any) -> tuple[int, Schema]:
        made = actions.add_link(task, kind=link.kind, url=link.url, label=link.label, by=by)
        return 201, ListedLink.from_orm(made)

    return on_task(request, task_id, key, do, held_task)


@router.get(
    "/tasks/{task_id}/links",
    operation_id="programs_api_links",
    url_name="links",
    auth=ReporterBearer(),
    response={200: ListedLinks, READ_REFUSALS: Errors},
)
def task_links(request: HttpRequest, task_id: UUID) -> ListedLinks:
    """Read the links of the task."""
    by: Caller = request.auth  # type: ignore[attr-defined]
    return ListedLinks(links=links_of(readable_task(task_id, by)))


@router.post(
    "/tasks/{task_id}/links/{link_id}/removal",
    operation_id="programs_api_remove_link",
    url_name="link_removal",
    response={200: ListedLink, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def link_removal(
    request: HttpRequest, task_id: UUID, link_id: UUID, removal: Removal, key: Key = ""
) -> HttpResponse:
    """Remove a link that the builder itself added. The evidence keeps it."""

    def do(task: Task, by: Any) -> tuple[int, Schema]:
        link = TaskLink.objects.filter(task=task, pk=link_id).first()
        if link is None:
            raise Problem(404, "link_id", "known_link", "The task has no link with this id.")
        if link.added_by != by.actor_name:
            raise Problem(403, "link_id", "own_link", f"{link.added_by} added this link.")
        said = ListedLink.from_orm(link)
        actions.remove_link(link, by=by)
        return 200, said

    return on_task(request, task_id, key, do, held_task)


@router.post(
    "/tasks/{task_id}/notes",
    operation_id="programs_api_new_note",
    url_name="notes",
    response={201: ListedNote, REFUSALS: Errors},
)
@decorate_view(takes(JSON))
def new_note(request: HttpRequest, task_id: UUID, note: NewNote, key: Key = "") -> HttpResponse:
    """Write a note on the task, in a part of Markdown. It stays as it was written."""

    def do(task: Task, by: Any) -> tuple[int, Schema]:
        return 201, ListedNote.from_orm(actions.write_note(task, text=note.text, by=by))

    return on_task(request, task_id, key, do, held_task)


@router.get(
    "/tasks/{task_id}/notes",
    operation_id="programs_api_notes",
    url_name="notes",
    auth=ReporterBearer(),
    response={200: ListedNotes, READ_REFUSALS: Errors},
)
def task_notes(request: HttpRequest, task_id: UUID) -> ListedNotes:
    """Read the notes of builders and foremen on the task."""
    by: Caller = request.auth  # type: ignore[attr-defined]
    return ListedNotes(notes=notes_of(readable_task(task_id, by)))

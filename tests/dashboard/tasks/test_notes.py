"""Notes and links on the page of a task: shown safely, added and removed by forms."""

import pytest
from django.urls import reverse

from foreman_office.dashboard.tasks.queries import NOTES
from programs.models import TaskLink, TaskNote
from tests.factories import TaskLinkFactory, TaskNoteFactory, UserFactory

pytestmark = pytest.mark.django_db


def send(person, act, row, **given):
    return person.post(reverse(f"programs:{act}", args=[row.pk]), given)


def test_a_note_is_written_and_shown_without_what_is_hostile(person, task):
    hostile = "**Bold** <script>alert(1)</script> [x](javascript:alert(1)) [y](https://e.org/)"
    assert send(person, "task_note", task, text=hostile).status_code == 302
    assert TaskNote.objects.get().written_by == "johan"
    page = person.get(task.get_absolute_url())
    assert "<strong>Bold</strong> &lt;script&gt;" in page.text
    assert 'href="javascript' not in page.text
    assert '<a href="https://e.org/" rel="noopener noreferrer nofollow ugc">y</a>' in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert send(person, "task_note", task, text=" ").status_code == 422


def test_a_link_is_added_and_removed(person, task):
    given = {"kind": "log", "url": "https://ci.example.org/7", "label": "<b>Log</b>"}
    assert send(person, "task_link", task, **given).status_code == 302
    page = person.get(task.get_absolute_url()).text
    assert 'href="https://ci.example.org/7"' in page
    assert "&lt;b&gt;Log&lt;/b&gt;" in page
    assert send(person, "task_link", task, **given).status_code == 409  # it is there
    assert send(person, "task_link", task, **given | {"url": "ftp://e"}).status_code == 409
    assert send(person, "task_link", task, **given | {"kind": "x"}).status_code == 422
    assert send(person, "task_link_remove", TaskLink.objects.get()).status_code == 302
    assert not TaskLink.objects.exists()


def test_a_page_shows_the_newest_notes_and_a_viewer_no_form(client, task):
    TaskNoteFactory.create_batch(NOTES + 5, task=task)
    link = TaskLinkFactory(task=task)
    client.force_login(UserFactory(roles=["viewer"]))
    page = client.get(task.get_absolute_url()).text
    assert page.count('<div class="note said">') == NOTES
    assert link.url in page
    assert "Write a note" not in page
    assert "Remove" not in page


def test_notes_and_links_go_with_their_task(task, sql):
    TaskNoteFactory(task=task)
    TaskLinkFactory(task=task)
    sql("DELETE FROM tasks WHERE task_id = %s", task.pk)
    assert not TaskNote.objects.exists()
    assert not TaskLink.objects.exists()

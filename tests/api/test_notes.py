"""Links and notes of a task by the API: added, bounded, removed, and read with the task."""

from uuid import uuid4

from builders.actions import issue_ci_token
from governance.models import Evidence
from programs.actions import add_link, write_note
from programs.models import TaskLink, TaskNote
from tests.api.caller import IN_REAL_TIME, Caller
from tests.api.refusals import said
from tests.factories import BuilderFactory, TaskFactory, TaskLinkFactory, TaskNoteFactory

pytestmark = IN_REAL_TIME
LINK = {"kind": "commit", "url": "https://git.example.org/c/1", "label": "First"}


def test_links_and_notes_come_with_the_task_newest_first(caller, held):
    first = caller.post("links", held, LINK)
    assert (first.status_code, first.json()["added_by"]) == (201, "ui-builder")
    add_link(held, kind="log", url="HTTPS://ci.example.org/7?x=1#end", by=None)
    assert caller.post("notes", held, {"text": " Done *so far*. "}).status_code == 201
    write_note(held, text="Go on.", by=None)
    task = caller.get()
    assert [each["label"] for each in task["links"]] == ["", "First"]
    assert [(each["text"], each["written_by"]) for each in task["notes"]] == [
        ("Go on.", "foreman"),
        ("Done *so far*.", "ui-builder"),
    ]
    assert caller.ask("GET", f"tasks/{held.pk}/links").json() == {"links": task["links"]}
    assert caller.ask("GET", f"tasks/{held.pk}/notes").json() == {"notes": task["notes"]}


def test_a_builder_removes_its_own_links_and_evidence_keeps_them(caller, held):
    own = caller.post("links", held, LINK).json()
    other = add_link(held, kind="log", url="https://ci.example.org/7", by=None)
    for key, status in [(own["link_id"], 200), (own["link_id"], 404), (other.pk, 403)]:
        assert caller.post(f"links/{key}/removal", held, {}).status_code == status
    assert TaskLink.objects.get() == other
    rows = Evidence.objects.of(held).filter(action__startswith="link_").order_by("sequence")
    assert [row.action for row in rows] == ["link_recorded", "link_recorded", "link_deleted"]
    assert rows.last().context["snapshot"]["url"] == LINK["url"]


WRONG = [
    ("links", LINK | {"kind": "picture"}, "kind"),
    *(
        ("links", LINK | {"url": url}, "url")
        for url in [
            *("javascript:alert(1)", "ftp://e.org/", "//e.org", "https://", "https:///x", ""),
            *("https://user:secret@e.org/", "https://e.org/a b", 'https://e.org/"', "https://e<b>"),
            *("https://[::1/", "https://e.org:99999/", "https://e.org:x/", "https://:80/"),
            *("https://e.org/\n", "https://e.org/\0", "https://e.org/" + "x" * 2_000, "data:x"),
        ]
    ),
    ("links", LINK | {"label": "x" * 201}, "label"),
    ("notes", {"text": " \n"}, "text"),
    ("notes", {"text": "x\0"}, "text"),
    ("notes", {"text": "x" * 10_001}, "text"),
]


def test_what_is_no_link_and_no_note_is_refused(caller, held, subtests):
    for what, body, field in WRONG:
        with subtests.test(body=str(body)[:60]):
            answer = caller.post(what, held, body)
            assert (answer.status_code, said(answer)[0][0]) == (422, field)
            assert "match pattern" not in answer.text
    assert not TaskLink.objects.exists()
    assert not TaskNote.objects.exists()


def test_a_link_is_there_once_and_a_task_has_so_many(caller, held):
    assert caller.post("links", held, LINK, key="a").status_code == 201
    assert caller.post("links", held, LINK, key="a").headers["Idempotent-Replay"] == "true"
    assert said(caller.post("links", held, LINK)) == [(None, "task_links_once")]
    TaskLinkFactory.create_batch(99, task=held)
    full = caller.post("links", held, LINK | {"url": "https://e.org/"})
    assert said(full) == [(None, "programs_bounded_per_task")]


def test_who_does_not_have_the_task_adds_nothing(caller, held):
    TaskNoteFactory(task=held)
    other = Caller(BuilderFactory(builder_id="qa-builder"))
    assert other.post("links", held, LINK).status_code == 404
    assert other.post("notes", held, {"text": "x"}).status_code == 404
    assert caller.post("notes", TaskFactory(), {"text": "x"}).status_code == 404
    assert caller.post(f"links/{uuid4()}/removal", held, {}).status_code == 404
    caller.token = issue_ci_token("pipeline", by=None)[1]
    assert caller.post("notes", held, {"text": "x"}).status_code == 403
    assert len(caller.ask("GET", f"tasks/{held.pk}/notes").json()["notes"]) == 1

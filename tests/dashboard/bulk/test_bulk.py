"""Acts on many rows: each is done or refused by itself, once, and the page says which."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from foreman_office.dashboard.bulk.acts import ACTS
from foreman_office.dashboard.bulk_bar import LABELS
from governance.models import Blocker, Evidence
from kit.core.acts import act
from programs.models import Program, Task
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)
from tests.scenes import make_ready

pytestmark = pytest.mark.django_db

TASKS, BLOCKERS, PROGRAMS = "/tasks/bulk/", "/blockers/bulk/", "/programs/bulk/"


def keys(*rows):
    return [str(row.pk) for row in rows]


def send(client, where, name, rows, **given):
    return client.post(where, {"act": name, "chosen": keys(*rows), **given})


def told(page):
    """Return what was done, and what was refused by which rule, by the names of the rows."""
    refused = {each.row: each.rule for each in page.context["refused"]}
    return [each.row for each in page.context["done"]], refused


def test_each_act_that_is_offered_is_one_that_there_is():
    assert {noun: [*labels] for noun, labels in LABELS.items()} == {
        noun: [*acts] for noun, acts in ACTS.items()
    }


def test_the_lists_offer_boxes_and_the_acts_of_who_decides(person, client, task):
    blocker = BlockerFactory(entity=task)
    viewer = type(client)()
    viewer.force_login(UserFactory(roles=["viewer"]))
    for where, row, labels in (
        ("/tasks/", task, LABELS["task"]),
        (task.wave.get_absolute_url(), task, LABELS["task"]),
        ("/blockers/", blocker, LABELS["blocker"]),
        ("/programs/", task.wave.program, LABELS["program"]),
    ):
        page = person.get(where).text
        assert f'name="chosen" value="{row.pk}"' in page
        read = viewer.get(where).text
        for name in labels:
            assert f'name="act" value="{name}"' in page
            assert f'name="act" value="{name}"' not in read
        assert 'name="act" value="export"' in read
    assert "bulk-bar" not in person.get("/violations/").text


def test_the_form_shows_what_would_be_refused_and_why(person):
    ready, other = make_ready(), TaskFactory()
    page = person.get(TASKS, {"act": "assign", "chosen": keys(ready, other), "next": "q=Task"})
    assert [bool(said) for _, said in page.context["asked"]] == [False, True]
    assert "1 of 2 would be refused as things stand" in page.text
    assert 'href="/tasks/?q=Task"' in page.text
    assert not Evidence.objects.filter(action="assigned").exists()


def test_tasks_are_assigned_each_to_its_planned_builder_and_the_others_refused(person):
    first = make_ready(planned_builder="ui-builder")
    second = make_ready(planned_builder="ui-builder", wave=first.wave)
    third = make_ready(planned_builder="api-builder", wave=first.wave)
    unplanned, unready = make_ready(wave=first.wave), TaskFactory(planned_builder="qa-builder")
    for name in ("ui-builder", "api-builder"):
        BuilderFactory(builder_id=name, state="idle")
    rows = [first, second, third, unplanned, unready]
    page = send(person, TASKS, "assign", rows, builder="planned")
    assert page.status_code == 200
    done, refused = told(page)
    assert done == [first, third]
    assert refused == {
        second: "governance_tasks_gate",
        unplanned: "planned_builder",
        unready: "governance_tasks_gate",
    }
    assert "2 done, 3 refused" in page.text
    assert "ui-builder has another task" in page.text
    states = dict(Task.objects.values_list("pk", "state"))
    assert [states[row.pk] for row in rows] == ["assigned", "planned", "assigned", *["planned"] * 2]
    assert {row.context["user"] for row in Evidence.objects.filter(action="assigned")} == {"johan"}


def test_a_form_that_is_sent_twice_is_done_once(person, task):
    where = {"act": "due", "chosen": keys(task)}
    form = person.get(TASKS, where).text
    key = re.search(r'name="sending_key" value="([^"]+)"', form)[1]
    answers = [
        person.post(TASKS, where | {"due_on": "2026-12-24", "sending_key": key}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "1 done, 0 refused" in answers[1].text
    assert Evidence.objects.of(task).filter(action="edited").count() == 1


def test_planned_builders_waves_and_due_dates_are_set(person, task):
    other = TaskFactory(wave=task.wave)
    begun = TaskFactory(wave=task.wave, state="in-progress")
    elsewhere = TaskFactory()
    page = send(person, TASKS, "plan", [task, other, begun], planned_builder="qa-builder")
    assert told(page) == ([task, other], {begun: "planned_builder"})
    assert {*Task.objects.filter(planned_builder="qa-builder")} == {task, other}
    page = send(person, TASKS, "plan", [task], planned_builder="")
    assert {*Task.objects.filter(planned_builder="qa-builder")} == {other}
    wave = WaveFactory(program=task.wave.program)
    page = send(person, TASKS, "move", [task, elsewhere], wave=wave.pk)
    assert told(page) == ([task], {elsewhere: "same_program"})
    assert [*wave.tasks.all()] == [task]
    send(person, TASKS, "due", [task, other], due_on="2026-12-24")
    assert Task.objects.filter(due_on="2026-12-24").count() == 2
    send(person, TASKS, "due", [task], due_on="")
    assert Task.objects.filter(due_on=None, pk=task.pk).exists()


def test_blockers_are_resolved_with_a_reason_and_a_resolved_one_is_refused(person, task):
    blockers = [BlockerFactory(entity=TaskFactory(wave=task.wave)) for _ in range(3)]
    with act(None):
        Blocker.objects.filter(pk=blockers[2].pk).update(
            resolved_at=blockers[2].detected_at, resolution_action="Before."
        )
    answer = send(person, BLOCKERS, "resolve", blockers, resolution=" ")
    assert answer.status_code == 422
    assert Blocker.objects.open().count() == 2
    page = send(person, BLOCKERS, "resolve", blockers, resolution="The key was renewed.")
    assert told(page) == (blockers[:2], {blockers[2]: "resolved"})
    said = Blocker.objects.order_by("detected_at", "pk").values_list("resolution_action", flat=True)
    assert sorted(said) == ["Before.", "The key was renewed.", "The key was renewed."]


def test_programs_are_archived_and_taken_out(person):
    done, open_one = ProgramFactory(state="completed"), ProgramFactory()
    page = send(person, PROGRAMS, "archive", [done, open_one], reason="The year is over.")
    assert told(page)[0] == [done]
    assert [*Program.objects.archived()] == [done]
    page = send(person, PROGRAMS, "archive", [done], reason="Again.")
    assert told(page) == ([], {done: "archived"})
    page = send(person, PROGRAMS, "unarchive", [done, open_one], reason="It is not.")
    assert told(page) == ([done], {open_one: "archived"})
    send(person, PROGRAMS, "due", [open_one], due_on="2027-01-31")
    assert Program.objects.get(due_on="2027-01-31") == open_one


def test_what_is_chosen_is_exported_alone(person, task):
    other = TaskFactory()
    asked = {"act": "export", "chosen": keys(task)}
    page = person.get(TASKS, asked)
    assert [*page.context["files"]] == ["CSV", "JSON", "NDJSON", "Markdown"]
    for address in page.context["files"].values():
        file = b"".join(person.get(address).streaming_content).decode()
        assert str(task.pk) in file
        assert str(other.pk) not in file
    blocker = BlockerFactory(entity=task)
    for where, row in ((BLOCKERS, blocker), (PROGRAMS, task.wave.program)):
        files = person.get(where, {"act": "export", "chosen": keys(row)}).context["files"]
        file = b"".join(person.get(files["JSON"]).streaming_content).decode()
        assert str(row.pk) in file


def test_nothing_wrong_unknown_or_gone_that_is_chosen_does_harm(person, task):
    assert "Nothing is chosen." in person.get(TASKS).text
    assert "Nothing is chosen." in person.get(TASKS, {"act": "due", "chosen": "none"}).text
    assert person.get(TASKS, {"act": "delete", "chosen": keys(task)}).status_code == 404
    gone = TaskFactory()
    gone.delete()
    page = send(person, TASKS, "due", [task, task], due_on="2026-12-24")
    assert "1 done, 0 refused" in page.text
    chosen = [*keys(task), str(uuid4())]
    page = person.post(TASKS, {"act": "due", "due_on": "2026-12-25", "chosen": chosen})
    assert "1 of the chosen tasks is no longer there" in page.text
    assert "1 done, 0 refused" in page.text
    answer = send(person, TASKS, "due", [task], due_on="soon")
    assert answer.status_code == 422
    task.refresh_from_db()
    assert str(task.due_on) == "2026-12-25"


def test_who_only_reads_acts_on_nothing(client, task):
    client.force_login(UserFactory(roles=["viewer"]))
    assert client.get(TASKS, {"act": "due", "chosen": keys(task)}).status_code == 403
    assert send(client, TASKS, "due", [task], due_on="2026-12-24").status_code == 403
    assert client.get(TASKS, {"act": "export", "chosen": keys(task)}).status_code == 200
    task.refresh_from_db()
    assert task.due_on is None
    assert reverse("programs:task_bulk") in client.get("/tasks/").text

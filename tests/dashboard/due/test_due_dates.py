"""Due dates: set in forms and the admin, shown and filtered where work is late, and a decision."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from builders.actions import issue_ci_token
from foreman_office.dashboard.explain.state import derive
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from governance.models import Evidence
from programs.models import FINISHED, Program, State, Task, TaskState, Wave, today
from tests.dashboard.inbox.decisions import list_decisions
from tests.factories import ProgramFactory, TaskFactory, UserFactory, WaveFactory
from tests.scenes import past_the_rules

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def yesterday():
    return today() - DAY


def edit(client, entity, **sent):
    """Open the form of a row, and send it with some fields changed."""
    where = reverse(f"programs:{entity._meta.model_name}_edit", args=[entity.pk])
    form = client.get(where).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    filled = {name: value for name, value in shown.items() if value not in (None, [])}
    return client.post(where, filled | sent)


def late_cards():
    return [card for card in list_decisions() if card.kind == "late"]


# --- written down ---------------------------------------------------------------------------------


def test_a_due_date_is_set_moved_and_taken_away_in_the_form_and_stands_in_the_evidence(
    person, task
):
    for entity in (task, task.wave, task.wave.program):
        for sent in ("2026-12-24", "2027-01-31", ""):
            assert edit(person, entity, due_on=sent).status_code == 302
            entity.refresh_from_db()
            assert str(entity.due_on or "") == sent
        changes = Evidence.objects.of(entity).filter(context__changes__has_key="due_on")
        told = changes.order_by("sequence").values_list("context__changes__due_on", flat=True)
        assert [*told] == [
            [None, "2026-12-24"], ["2026-12-24", "2027-01-31"], ["2027-01-31", None]
        ]  # fmt: skip


def test_a_day_that_is_none_is_refused_at_its_field(person, task):
    for wrong in ("2026-02-30", "soon", "24.12.2026", "1969-12-31"):
        answer = edit(person, task, due_on=wrong)
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["due_on"]
    task.refresh_from_db()
    assert task.due_on is None


def test_who_did_not_touch_the_due_date_leaves_what_another_saved(person, task):
    where = reverse("programs:task_edit", args=[task.pk])
    form = person.get(where).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields if name != "wave"}
    Task.objects.filter(pk=task.pk).update(due_on=today())
    answer = person.post(where, sent | {"wave": task.wave_id, "name": "Renamed"})
    assert answer.status_code == 302
    task.refresh_from_db()
    assert (task.name, task.due_on) == ("Renamed", today())


# --- late -----------------------------------------------------------------------------------------


@given(st.sampled_from(TaskState.values), st.integers(-3, 3) | st.none())
def test_what_python_calls_late_the_database_finds(state, days):
    for row in (
        ProgramFactory(),
        *([WaveFactory(), TaskFactory()] if state != "assigned" else [TaskFactory()]),
    ):
        if isinstance(row, Program | Wave) and state == "assigned":
            continue
        due = None if days is None else today() + days * DAY
        past_the_rules(row, state=state, due_on=due)
        row.refresh_from_db()
        expected = days is not None and days < 0 and state not in FINISHED
        assert row.is_late is expected
        assert type(row).objects.late().filter(pk=row.pk).exists() is expected


def test_late_is_shown_on_pages_and_lists_and_explained(person, task):
    program = task.wave.program
    for entity in (task, task.wave, program):
        past_the_rules(entity, due_on=yesterday())
        page = person.get(entity.get_absolute_url()).text
        assert "Late, due" in page
        why = person.get(reverse("governance:why", args=[entity._meta.model_name, entity.pk])).text
        assert "Nothing of it is past its due date" in why
        assert "1 day ago" in why
        entity.refresh_from_db()
        [remedy] = derive(entity).postponing
        assert remedy.words == f"Complete “{entity}”, or set a later due date."
        assert person.get(remedy.address).status_code == 200
    for listed in ("/tasks/", "/programs/"):
        assert "Late, due" in person.get(listed).text
    for entity in (task, task.wave, program):
        past_the_rules(entity, due_on=today())
        page = person.get(entity.get_absolute_url()).text
        assert "Late, due" not in page
        assert "due <time" in page


def test_the_lists_filter_and_sort_by_due_date(person):
    wave = WaveFactory()
    days = {"late": -1, "today": 0, "week": 7, "later": 8, "none": None}
    for name, away in days.items():
        due = None if away is None else today() + away * DAY
        TaskFactory(wave=wave, name=name, due_on=due)
        ProgramFactory(name=f"p-{name}", due_on=due, state="planned")
    done = TaskFactory(wave=wave, name="done", due_on=yesterday())
    past_the_rules(done, state="completed")

    def names(where, **asked):
        rows = person.get(where, asked).context["listing"].rows
        return [row.name.removeprefix("p-") for row in rows if row.name != wave.program.name]

    for where in ("/tasks/", "/programs/", wave.get_absolute_url()):
        assert names(where, due="late") == ["late"], where
        assert {*names(where, due="soon")} == {"today", "week"}
        assert {*names(where, due="none")} == {"none"}
        assert "none" not in names(where, due="some")
        in_order = [name for name in names(where, sort="due") if name != "done"]
        assert in_order == [*days]
        backwards = [name for name in names(where, sort="-due") if name != "done"]
        assert backwards == [*days][::-1]
    first = person.get("/tasks/", {"sort": "due", "due": "some"}).context["listing"]
    first.size = 2
    del first.__dict__["_window"]  # the page had been read
    assert [row.name for row in first.rows] == ["late", "done"] or {
        row.name for row in first.rows
    } == {"late", "done"}
    after = person.get("/tasks/" + first.next.partition("/tasks/")[2]).context["listing"]
    assert [row.name for row in after.rows] == ["today", "week", "later"]


def test_machines_read_the_due_date_and_filter_by_it(task):
    _, token = issue_ci_token("pipeline", by=None)
    client, headers = Client(), {"Authorization": f"Bearer {token}"}
    for entity in (task, task.wave, task.wave.program):
        past_the_rules(entity, due_on=yesterday())
    for name in ("tasks", "waves", "programs"):
        [row] = client.get(f"/api/{name}", {"due": "late"}, headers=headers).json()[name]
        assert row["due_on"] == str(yesterday())
        assert client.get(f"/api/{name}", {"due": "none"}, headers=headers).json()[name] == []
    read = client.get(f"/api/tasks/{task.pk}", headers=headers).json()
    assert read["due_on"] == str(yesterday())


# --- a decision -----------------------------------------------------------------------------------


def test_a_program_with_late_work_is_one_decision_under_one_key(person, task):
    program = task.wave.program
    assert late_cards() == []
    past_the_rules(task, due_on=yesterday())
    [card] = late_cards()
    key = f"late-program-{program.pk}"
    assert (card.key, card.broken, card.happened) == (
        key,
        False,
        "1 task of it is past the due date.",
    )
    assert card.held.words == "1 task"
    other = TaskFactory(wave=task.wave, due_on=yesterday() - DAY)
    past_the_rules(task.wave, due_on=yesterday())
    past_the_rules(program, due_on=yesterday())
    [card] = late_cards()
    assert card.key == key
    assert card.happened.startswith("The program was due on ")
    assert "1 wave and 2 tasks of it are past the due date." in card.happened
    assert card.since.date() == yesterday()
    assert [each.words for each in card.conditions] == ["Nothing of it is past its due date"]
    [_, late] = card.links
    assert {row.pk for row in person.get(late.address).context["listing"].rows} == {
        task.pk, other.pk
    }  # fmt: skip
    page = person.get("/").text
    assert "Past the due date" in page
    assert person.get(reverse("decision", args=[key])).status_code == 200


def test_a_viewer_sees_that_it_is_late_and_gets_no_link_to_a_form(client, task):
    past_the_rules(task, due_on=yesterday())
    client.force_login(UserFactory(roles=["viewer"]))
    page = client.get("/").text
    assert "Past the due date" in page
    assert reverse("programs:task_edit", args=[task.pk]) not in page


def test_what_is_finished_or_postponed_is_no_decision(task):
    program = task.wave.program
    for entity in (task, task.wave, program):
        past_the_rules(entity, due_on=yesterday())
    for state in FINISHED:
        past_the_rules(program, state=state)
        assert count_pending().counts["late"] == 0
    past_the_rules(program, state=State.IN_PROGRESS)
    assert count_pending().counts["late"] == 1
    for entity in (task, task.wave, program):
        past_the_rules(entity, due_on=today())
    assert count_pending().counts["late"] == 0

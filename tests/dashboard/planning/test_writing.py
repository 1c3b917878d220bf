"""The pages on which the plan is written down: saved whole, checked field by field, refused."""

import re

import pytest
from django.urls import reverse

from foreman_office.dashboard.planning.forms import TaskPlan
from governance.models import Evidence
from kit.core.acts import Refused, act
from programs import actions
from programs.models import Program, Task, Wave
from tests.factories import (
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)

pytestmark = pytest.mark.pooled


@pytest.fixture
def foreman(client, db):
    client.force_login(UserFactory(username="johan"))
    return client


def address(act, row=None):
    return reverse(f"programs:{act}", args=[row.pk] if row else [])


def check(client, where, field, **data):
    """Send one field of a form for validation, as the page does when it is left."""
    return client.post(where, data | {"check": field}, headers={"HX-Request": "true"})


PROGRAM = {"name": "Lamps", "description": "Light.", "objectives": "See\nBe seen"}


def test_a_program_is_written_down_and_is_planned(foreman):
    response = foreman.post(address("program_new"), PROGRAM)
    program = Program.objects.get()
    assert response.url == program.get_absolute_url()
    assert (program.state, program.objectives) == ("planned", ["See", "Be seen"])
    assert program.evidence_location is None
    assert Evidence.objects.within(program).get().context["user"] == "johan"


def test_a_wave_gets_the_next_place_and_waits_for_waves_of_its_program(foreman):
    first = WaveFactory(sequence_number=4)
    stranger = WaveFactory(name="Elsewhere")
    where = address("program_add_wave", first.program)
    form = foreman.get(where).context["form"]
    assert form["sequence_number"].value() == 5
    assert list(form.fields["dependencies"].queryset) == [first]
    foreman.post(where, {"name": "Roof", "sequence_number": 5, "dependencies": [first.pk]})
    assert Wave.objects.get(name="Roof").dependency_ids == [first.pk]
    response = foreman.post(
        where, {"name": "Cellar", "sequence_number": 6, "dependencies": [stranger.pk]}
    )
    assert response.status_code == 422
    assert "dependencies" in response.context["form"].errors


def test_a_wave_has_no_place_below_the_first(foreman):
    where = address("program_add_wave", ProgramFactory())
    for place, status in ((-1, 422), (10**9 + 1, 422), (0, 302)):
        answer = foreman.post(where, {"name": "Roof", "sequence_number": place})
        assert answer.status_code == status
        assert status == 302 or "sequence_number" in answer.context["form"].errors
    answer = foreman.post(
        address("wave_edit", Wave.objects.get()), {"name": "Roof", "sequence_number": -1}
    )
    assert "sequence_number" in answer.context["form"].errors


def test_a_task_is_written_down_for_a_builder_or_for_nobody(foreman):
    wave = WaveFactory()
    for name, builder in (("Wire", "ui-builder"), ("Inspect", "")):
        foreman.post(address("wave_add_task", wave), {"name": name, "planned_builder": builder})
    builders = dict(Task.objects.values_list("name", "assigned_builder"))
    assert builders == {"Wire": "ui-builder", "Inspect": None}


@pytest.mark.parametrize("factory", [ProgramFactory, WaveFactory, TaskFactory])
def test_an_edit_writes_what_was_changed_and_nothing_else(foreman, factory):
    row = factory(state="planned")
    name = row._meta.model_name
    where = address(f"{name}_edit", row)
    form = foreman.get(where).context["form"]
    data = {field: value for field in form.fields if (value := form[field].value())}
    foreman.post(where, data | {"name": "Another name"})
    row.refresh_from_db()
    assert row.name == "Another name"
    assert [*Evidence.objects.within(row).get(action="edited").context["changes"]] == ["name"]
    before = row.updated_at
    foreman.post(where, data | {"name": "Another name"})
    row.refresh_from_db()
    assert row.updated_at == before


def test_a_task_is_moved_to_another_open_wave_of_its_program(foreman):
    task = TaskFactory(wave__sequence_number=2, progress_percentage=40)
    program, left = task.wave.program, task.wave
    roof = WaveFactory(program=program, sequence_number=1, name="Roof")
    closed = WaveFactory(program=program, sequence_number=3, state="completed")
    where = address("task_edit", task)
    form = foreman.get(where).context["form"]
    assert list(form.fields["wave"].queryset) == [roof, left]
    data = {field: value for field in form.fields if (value := form[field].value())}
    data["wave"] = roof.pk
    assert foreman.post(where, data).url == task.get_absolute_url()
    task.refresh_from_db()
    assert task.wave == roof
    edited = Evidence.objects.within(task).get(action="edited").context
    assert edited["changes"] == {"wave_id": [str(left.pk), str(roof.pk)]}
    assert edited["user"] == "johan"
    left.refresh_from_db()
    roof.refresh_from_db()
    assert (left.progress_percentage, roof.progress_percentage) == (0, 40)
    for other in (closed, WaveFactory()):
        response = foreman.post(where, data | {"wave": other.pk})
        assert response.status_code == 422
        assert [*response.context["form"].errors] == ["wave"]


@pytest.mark.parametrize("state", ["assigned", "in-progress"])
def test_a_task_that_is_under_way_is_offered_waves_in_progress_alone(state, foreman):
    task = TaskFactory(state=state)
    program = task.wave.program
    others = [WaveFactory(program=program, state=each) for each in ("in-progress", "planned")]
    form = foreman.get(address("task_edit", task)).context["form"]
    assert set(form.fields["wave"].queryset) == {task.wave, others[0]}
    data = {field: value for field in form.fields if (value := form[field].value())}
    assert (
        foreman.post(address("task_edit", task), data | {"wave": others[1].pk}).status_code == 422
    )


@pytest.mark.parametrize(
    ("state", "closed", "rule"),
    [
        ("planned", "completed", "governance_waves_open"),
        ("in-progress", "planned", "governance_waves_in_progress"),
    ],
)
def test_a_wave_that_takes_no_task_in_meanwhile_says_so_at_the_field(state, closed, rule):
    task = TaskFactory(state=state)
    closed = WaveFactory(program=task.wave.program, state=closed)
    with pytest.raises(Refused) as refused:
        actions.edit(task, wave=closed, by=None)
    form = TaskPlan(instance=Task.objects.get(pk=task.pk), data={"name": task.name})
    form.refuse(refused.value)
    assert refused.value.rule == rule
    assert rule in {error.code for error in form.errors.as_data()["wave"]}


def test_a_new_task_is_not_asked_for_its_wave(foreman):
    assert "wave" not in foreman.get(address("wave_add_task", WaveFactory())).context["form"].fields


def test_a_name_that_is_taken_is_said_at_its_field_with_the_rule(foreman):
    ProgramFactory(name="Lamps")
    response = foreman.post(address("program_new"), PROGRAM)
    assert response.status_code == 422
    assert "A program of this name exists. <code>programs_name_key</code>" in response.text
    assert [*response.context["form"].errors] == ["name"]
    assert "Be seen" in response.text


def test_a_place_that_is_taken_is_said_at_its_field(foreman):
    wave = WaveFactory(sequence_number=1)
    response = foreman.post(
        address("program_add_wave", wave.program), {"name": "Roof", "sequence_number": 1}
    )
    assert [*response.context["form"].errors] == ["sequence_number"]


@pytest.mark.django_db(transaction=True)
def test_waves_that_would_wait_for_each_other_are_refused_at_the_field(client):
    client.force_login(UserFactory())
    first = WaveFactory(sequence_number=1)
    second = WaveFactory(program=first.program, sequence_number=2, dependencies=[str(first.pk)])
    response = client.post(
        address("wave_edit", first),
        {"name": first.name, "sequence_number": 1, "dependencies": [second.pk]},
    )
    assert response.status_code == 422
    assert "form a cycle" in response.text
    assert "programs_waves_dependencies" in response.text
    assert [*response.context["form"].errors] == ["dependencies"]


def test_nothing_is_added_to_what_is_completed(foreman):
    task = TaskFactory(state="in-progress")
    with act(None, override="the scene"):
        Wave.objects.filter(pk=task.wave_id).update(state="completed")
    response = foreman.post(address("wave_add_task", task.wave), {"name": "Late"})
    assert response.status_code == 422
    assert "no task can be added to it" in response.text


def test_a_field_is_checked_when_it_is_left_and_nothing_is_written(foreman):
    ProgramFactory(name="Lamps")
    where = address("program_new")
    taken = check(foreman, where, "name", name="Lamps")
    assert "A program of this name exists." in taken.text
    assert "<html" not in taken.text
    assert "This field is required" not in taken.text  # of the field that is not reached yet
    free = check(foreman, where, "name", name="Lights")
    assert "form-error" not in free.text
    assert Program.objects.count() == 1


def test_a_field_that_does_not_exist_is_not_checked(foreman):
    assert check(foreman, address("program_new"), "state").status_code == 404


def test_the_builder_of_a_task_at_work_is_not_in_its_form(foreman):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    assert "planned_builder" not in foreman.get(address("task_edit", task)).context["form"].fields


def test_states_are_not_edited_here(foreman):
    program = ProgramFactory(state="planned")
    foreman.post(address("program_edit", program), PROGRAM | {"state": "completed"})
    program.refresh_from_db()
    assert (program.name, program.state) == ("Lamps", "planned")


def confirm(foreman, page):
    """Confirm the question that a page asks."""
    (shown,) = re.findall(r'name="shown" value="(\w*)"', page.text)
    return foreman.post(page.request["PATH_INFO"], {"shown": shown})


def test_what_is_planned_is_deleted_with_all_inside_it_once_it_is_confirmed(foreman):
    task = TaskFactory(wave__state="planned", wave__program__state="planned")
    program = task.wave.program
    page = foreman.get(address("program_delete", program))
    assert "1 wave and 1 task" in page.text
    assert Program.objects.exists()
    late = TaskFactory(wave=task.wave, state="planned")
    response = confirm(foreman, page)
    assert response.status_code == 409
    assert "What is inside has changed meanwhile. Nothing was deleted." in response.text
    assert "1 wave and 2 tasks" in response.text
    assert {*Task.objects.all()} == {task, late}
    assert foreman.post(address("program_delete", program)).status_code == 409  # never asked
    assert confirm(foreman, response).url == address("program_list")
    assert not Task.objects.exists()


def test_what_has_history_or_has_begun_is_not_deleted(foreman):
    task = TaskFactory(state="planned")
    QAExecutionFactory(task=task)
    response = foreman.post(address("task_delete", task))
    assert response.status_code == 409
    assert "has history and cannot be deleted" in response.text
    begun = TaskFactory(state="in-progress")
    HeartbeatFactory(task=begun)
    assert foreman.post(address("task_delete", begun)).status_code == 404
    assert Task.objects.count() == 2


def test_a_wave_in_progress_is_deleted_where_it_stands_empty(foreman):
    task = TaskFactory(state="planned")
    wave = task.wave
    edit, delete = address("wave_edit", wave), address("wave_delete", wave)
    assert "Delete…" not in foreman.get(edit).text
    assert foreman.get(delete).status_code == 404
    task.delete()
    assert "Delete…" in foreman.get(edit).text
    assert foreman.post(delete).url == wave.program.get_absolute_url()
    assert not Wave.objects.exists()


# Session, user, roles and the frame's questions are nine; the rest is the form's own.
def test_a_form_asks_no_more_for_more_waves(foreman, django_assert_max_num_queries):
    program = ProgramFactory()
    waves = [WaveFactory(program=program, sequence_number=number) for number in range(1, 9)]
    for name, row in (("program_edit", program), ("wave_edit", waves[-1])):
        with django_assert_max_num_queries(13):
            foreman.get(address(name, row))


def test_a_field_is_checked_in_few_questions(foreman, django_assert_max_num_queries):
    program = ProgramFactory()
    where = address("program_edit", program)
    with django_assert_max_num_queries(8):
        check(foreman, where, "name", name="Lamps")


# --- bounds in bytes ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["路" * 3000, "aB3+" * 750])
def test_a_name_that_no_index_takes_is_refused_at_its_field(foreman, name):
    answer = foreman.post(address("program_new"), PROGRAM | {"name": name})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"name"}
    assert "must have at most 2,000 bytes in UTF-8" in answer.text
    assert not Program.objects.exists()


def test_a_suite_that_no_index_takes_is_refused_at_its_field(foreman):
    wave = WaveFactory()
    task = {"name": "Wire", "qa_suite_location": "路" * 4000}
    answer = foreman.post(address("wave_add_task", wave), task)
    assert answer.status_code == 422
    assert "qa_suite_location" in answer.context["form"].errors
    assert not Task.objects.exists()


def test_criteria_of_work_under_way_ask_a_reason(foreman):
    task = TaskFactory(state="in-progress", name="Wire")
    where = address("task_edit", task)
    filled = foreman.get(where).context["form"].initial | {"wave": task.wave_id}
    filled = {name: value or "" for name, value in filled.items()}
    asked = foreman.post(where, filled | {"acceptance_criteria": "- it glows"})
    assert asked.status_code == 422
    (problem,) = asked.context["form"].problems
    assert (problem.label, problem.rule) == ("Reason for the change", "programs_tasks_reason")
    assert "- it glows" in asked.text
    assert Task.objects.get().acceptance_criteria == task.acceptance_criteria

    given = {"acceptance_criteria": "- it glows", "reason": "The lamp was dark."}
    assert foreman.post(where, filled | given).status_code == 302
    assert Task.objects.get().acceptance_criteria == "- it glows"
    told = Evidence.objects.of(task).latest("sequence").context
    assert (told["reason"], told["user"]) == ("The lamp was dark.", "johan")


def test_planned_work_is_asked_for_no_reason(foreman):
    page = foreman.get(address("task_edit", TaskFactory()))
    assert "reason" not in page.context["form"].fields

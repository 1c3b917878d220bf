"""Forms that two persons edit, that arrive twice, or whose secret or login has changed."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.models import BuilderToken
from foreman_office.dashboard.planning.forms import TaskPlan
from governance.models import GovernanceViolation, SentForm
from governance.watch import FORMS_KEPT_FOR, prune_sent_forms
from programs.models import Program, Task, Wave
from tests.factories import BuilderFactory, ProgramFactory, TaskFactory, UserFactory, WaveFactory

KEY = "sending_key"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def foreman(client, db):
    client.force_login(UserFactory(username="johan"))
    return client


def edit_of(row):
    return reverse(f"programs:{row._meta.model_name}_edit", args=[row.pk])


def filled(page):
    """Return what a browser would send of a form that nobody touched."""
    form = page.context["form"]
    data = {field.html_name: field.value() for field in form}
    key = re.search(rf'name="{KEY}" value="([^"]+)"', page.text)
    return {name: "" if value is None else value for name, value in data.items()} | {KEY: key[1]}


# --- two editors ----------------------------------------------------------------------------------


def test_what_another_saved_meanwhile_stays(foreman):
    task = TaskFactory(state="planned", name="Old", acceptance_criteria="one")
    first, second = (filled(foreman.get(edit_of(task))) for _ in range(2))
    foreman.post(edit_of(task), second | {"acceptance_criteria": "one\r\ntwo"})
    assert foreman.post(edit_of(task), first | {"name": "New"}).status_code == 302
    task.refresh_from_db()
    assert (task.name, task.acceptance_criteria) == ("New", "one\ntwo")


def test_a_dependency_that_another_added_stays(foreman):
    one = WaveFactory(sequence_number=1)
    two, three = (WaveFactory(program=one.program, sequence_number=n) for n in (2, 3))
    three.dependencies = [str(one.pk)]
    three.save(update_fields=["dependencies"])
    older = filled(foreman.get(edit_of(three)))
    foreman.post(edit_of(three), older | {"dependencies": [str(one.pk), str(two.pk)]})
    foreman.post(edit_of(three), older | {"name": "Roof"} | {KEY: "another"})
    three.refresh_from_db()
    assert (three.name, three.dependency_ids) == ("Roof", [one.pk, two.pk])


@pytest.mark.parametrize(("chosen", "name"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_what_two_changed_comes_back_with_both_values(foreman, chosen, name):
    program = ProgramFactory(name="Old", state="planned")
    older = filled(foreman.get(edit_of(program)))
    Program.objects.filter(pk=program.pk).update(name="Theirs")
    back = foreman.post(edit_of(program), older | {"name": "Mine", "description": "More."})
    assert back.status_code == 422
    assert "<b>Yours:</b> Mine" in back.text
    assert "<b>Saved meanwhile:</b> Theirs" in back.text
    assert Program.objects.get().name == "Theirs"
    again = filled(back)
    assert foreman.post(edit_of(program), again).status_code == 422  # nothing was chosen
    [conflict] = back.context["form"].conflicts.values()
    choice = {conflict.choice: f"{chosen}:{conflict.version}"}
    assert foreman.post(edit_of(program), again | choice).status_code == 302
    assert Program.objects.values_list("name", "description").get() == (name, "More.")


def test_a_choice_of_what_has_changed_again_is_asked_once_more(foreman):
    program = ProgramFactory(name="Old", state="planned")
    older = filled(foreman.get(edit_of(program))) | {"name": "Mine"}
    Program.objects.filter(pk=program.pk).update(name="Theirs")
    back = foreman.post(edit_of(program), older)
    [conflict] = back.context["form"].conflicts.values()
    Program.objects.filter(pk=program.pk).update(name="A third")
    data = filled(back) | {conflict.choice: f"mine:{conflict.version}"}
    assert foreman.post(edit_of(program), data).status_code == 422
    assert Program.objects.get().name == "A third"


def test_a_value_of_a_field_that_is_gone_is_not_dropped_unsaid(foreman):
    task = TaskFactory(state="planned", assigned_builder=None)
    older = filled(foreman.get(edit_of(task))) | {"planned_builder": "ui-builder"}
    form = TaskPlan(older, instance=Task(pk=task.pk, wave=task.wave, state="completed"))
    form.instance._state.adding = False
    assert any("cannot be changed here any more" in words for words in form.non_field_errors())


FIELDS = ("name", "acceptance_criteria", "qa_suite_location")
EDITS = st.fixed_dictionaries({}, optional={name: st.sampled_from("abc") for name in FIELDS})


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=st.lists(st.tuples(st.integers(0, 1), st.one_of(st.none(), EDITS)), max_size=8))
def test_of_two_editors_none_undoes_the_other_unsaid(foreman, edits):
    """Each opens the form anew (None) or saves; a model tells what must stand afterwards."""
    task = TaskFactory(state="planned", **dict.fromkeys(FIELDS, "a"))
    stands = dict.fromkeys(FIELDS, "a")
    shown, seen = [None, None], [None, None]
    for number, (who, edit) in enumerate(edits):
        if edit is None or shown[who] is None:
            shown[who], seen[who] = filled(foreman.get(edit_of(task))), {**stands}
            continue
        changed = {name: value for name, value in edit.items() if value != seen[who][name]}
        conflicts = {
            name for name, value in changed.items() if stands[name] not in (seen[who][name], value)
        }
        answer = foreman.post(edit_of(task), shown[who] | edit | {KEY: f"{task.pk}-{number}"})
        assert answer.status_code == (422 if conflicts else 302)
        if conflicts:
            assert set(answer.context["form"].conflicts) == conflicts
        else:
            stands |= changed
        task.refresh_from_db()
        assert {name: getattr(task, name) for name in FIELDS} == stands
        shown[who] = None


# --- twice ----------------------------------------------------------------------------------------


def test_a_form_that_arrives_twice_makes_one_task_and_gets_one_answer(foreman):
    wave = WaveFactory()
    where = reverse("programs:wave_add_task", args=[wave.pk])
    data = filled(foreman.get(where)) | {"name": "Wire"}
    answers = [foreman.post(where, data) for _ in range(2)]
    assert Task.objects.count() == 1
    assert {answer.url for answer in answers} == {Task.objects.get().get_absolute_url()}
    foreman.post(where, filled(foreman.get(where)) | {"name": "Wire"})
    assert Task.objects.count() == 2  # a form of its own is an act of its own


def test_an_act_in_place_is_answered_again_in_its_words(foreman):
    task = TaskFactory()
    where = reverse("governance:violation_record", args=["task", task.pk])
    data = {"violation_type": "debt", "description": "There is some.", KEY: "one"}
    first, again = (foreman.post(where, data, headers=HTMX) for _ in range(2))
    assert (first.status_code, again.status_code) == (204, 204)
    assert first["HX-Trigger"] == again["HX-Trigger"]
    assert GovernanceViolation.objects.count() == 1


def test_what_came_back_with_errors_may_be_sent_again(foreman):
    wave = WaveFactory()
    where = reverse("programs:wave_add_task", args=[wave.pk])
    assert foreman.post(where, {"name": " ", KEY: "one"}).status_code == 422
    assert not SentForm.objects.exists()
    assert foreman.post(where, {"name": "Wire", KEY: "one"}).status_code == 302


def test_a_token_is_issued_once_and_its_text_is_kept_nowhere(foreman):
    builder = BuilderFactory()
    where = reverse("builders:builder_issue_token", args=[builder.pk])
    first, again = (foreman.post(where, {KEY: "one"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 409)
    assert BuilderToken.objects.count() == 1
    assert SentForm.objects.get().body is None


def test_answers_to_forms_are_kept_for_a_day(foreman):
    foreman.post(reverse("choice"), {"theme": "dark", KEY: "one"})
    kept = SentForm.objects.all()
    assert prune_sent_forms() == 0
    kept.update(created_at=now() - FORMS_KEPT_FOR * 1.01)
    assert prune_sent_forms() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_that_arrive_at_once_one_acts_and_both_get_its_answer():
    user, wave = UserFactory(username="johan"), WaveFactory()
    where = reverse("programs:wave_add_task", args=[wave.pk])

    def send(number):
        client = Client()
        client.force_login(user)
        try:
            return client.post(where, {"name": "Wire", KEY: f"round {number // 2}"})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        answers = [*threads.map(send, range(8))]
    assert {answer.status_code for answer in answers} == {302}
    assert Task.objects.count() == 4
    assert len({answer.url for answer in answers}) == 4


# --- another secret, no login ---------------------------------------------------------------------


def strict(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    client.get("/")
    return client


def test_a_page_with_script_is_told_the_present_secret(db):
    user = UserFactory(username="johan")
    client = strict(user)
    where = reverse("choice")
    client.get(reverse("zone"))
    data = {"theme": "dark", "csrfmiddlewaretoken": "x" * 64}
    answer = client.post(where, data, headers=HTMX)
    assert answer.status_code == 403
    assert answer["Foreman-User"] == str(user.pk)
    data["csrfmiddlewaretoken"] = answer["Foreman-Secret"]
    assert client.post(where, data, headers=HTMX).status_code == 302


def test_a_page_without_script_carries_the_input_over(db):
    client, wave = strict(UserFactory(username="johan")), WaveFactory()
    where = reverse("programs:wave_add_task", args=[wave.pk])
    client.get(where)
    data = {"name": "Wire <it>", "csrfmiddlewaretoken": "x" * 64, KEY: "one"}
    answer = client.post(where, data)
    assert answer.status_code == 403
    assert 'name="name" value="Wire &lt;it&gt;"' in answer.text
    carried = dict(answer.context["carried"])
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.text)[1]
    assert client.post(where, carried | {"csrfmiddlewaretoken": token}).status_code == 302
    assert Task.objects.get().name == "Wire <it>"


def test_a_form_from_another_site_is_not_carried_over(db):
    client, wave = strict(UserFactory(username="johan")), WaveFactory()
    where = reverse("programs:wave_add_task", args=[wave.pk])
    answer = client.post(where, {"name": "Wire"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "Wire" not in answer.text


def test_a_form_sent_after_the_login_ended_is_kept_with_the_way_to_the_login(client, db):
    wave = WaveFactory()
    where = reverse("programs:wave_add_task", args=[wave.pk])
    answer = client.post(where, {"name": "Wire"})
    assert answer.status_code == 401
    assert 'name="name" value="Wire"' in answer.text
    assert f'href="{reverse("login")}?next=' in answer.text
    assert not Wave.objects.filter(tasks__name="Wire").exists()

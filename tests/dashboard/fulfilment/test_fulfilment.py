"""The pages on which a foreman meets what a gate asks: validate, report a run, name evidence."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from builders.actions import issue_ci_token
from foreman_office.checklists import split_item, usual_items
from governance.actions import record_validation
from governance.gates import conditions
from governance.models import ArchitectureValidation, Evidence, QAExecution
from programs.actions import edit
from programs.models import Program, Task
from tests.factories import TaskFactory, UserFactory

pytestmark = pytest.mark.django_db

JUNIT = b"""<testsuite tests="2">
  <testcase classname="hold" name="expires"><failure message="not built"/></testcase>
  <testcase classname="hold" name="frees a seat"><failure message="not built"/></testcase>
</testsuite>"""


def address(act, task):
    return reverse(f"programs:task_{act}", args=[task.pk])


def report(content=JUNIT, **more):
    return {"report": SimpleUploadedFile("report.xml", content), **more}


def met(task, target):
    task = Task.objects.get(pk=task.pk)
    return {each.rule: each.met for each in conditions(task, target)}


# --- validations ----------------------------------------------------------------------------------


@pytest.fixture
def with_checklist(task):
    items = ["Interfaces: named", "Interfaces: stable", "is short"]
    edit(task.wave.program, by=None, validation_checklist=items)
    return task


def test_the_form_begins_with_the_usual_items_of_the_program(person, with_checklist):
    page = person.get(address("validate", with_checklist)).text
    for words in ("Interfaces", "named", "stable", "Architecture", "is short"):
        assert words in page


def test_a_program_without_a_list_has_that_of_the_office(person, task):
    assert usual_items(task.wave.program)[0] == ("Architecture", "interfaces named")
    assert "failure modes listed" in person.get(address("validate", task)).text


def test_an_item_names_its_section_before_a_colon():
    assert split_item("Tests: each: one") == ("Tests", "each: one")
    assert split_item(": alone") == ("Architecture", ": alone")


def test_what_is_ticked_passes_and_items_can_be_added(person, with_checklist):
    sent = {"item-0": "on", "further_passed": "Data: shaped", "further_failed": "Data: bounded"}
    answer = person.post(address("validate", with_checklist), sent)
    assert answer.headers["Location"] == with_checklist.get_absolute_url()
    stored = ArchitectureValidation.objects.get()
    assert stored.validation_results == {
        "Interfaces": {"named": True, "stable": False},
        "Architecture": {"is short": False},
        "Data": {"shaped": True, "bounded": False},
    }
    assert (stored.build_readiness, stored.validated_by) == ("NOT_READY", "foreman")


def test_a_full_pass_meets_the_gate(person, with_checklist):
    assert not met(with_checklist, "assigned")["architecture_ready"]
    person.post(address("validate", with_checklist), {f"item-{n}": "on" for n in range(3)})
    assert met(with_checklist, "assigned")["architecture_ready"]


def test_an_item_named_twice_is_refused_and_nothing_is_recorded(person, with_checklist):
    answer = person.post(
        address("validate", with_checklist), {"further_failed": "Interfaces: named"}
    )
    assert answer.status_code == 422
    assert "An item is named twice." in answer.text
    assert not ArchitectureValidation.objects.exists()


def test_a_task_without_an_architecture_or_suite_says_what_is_missing(person, wave):
    task = TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")
    for act in ("validate", "report"):
        page = person.get(address(act, task))
        assert reverse("programs:task_edit", args=[task.pk]) in page.text
        assert person.post(address(act, task), {"passing": "1"}).status_code == 422
    assert not QAExecution.objects.exists()


def test_the_page_shows_who_validated(person, client, task):
    results = {"Interfaces": {"named": True}}
    record_validation(task, validation_results=results, by=UserFactory(username="ada"))
    assert "validated by foreman (ada)" in person.get(task.get_absolute_url()).text
    token, _ = issue_ci_token("pipeline", by=None)
    record_validation(task, validation_results=results, by=token)
    page = person.get(task.get_absolute_url()).text
    assert "validated by foreman (CI token pipeline)" in page


# --- runs -----------------------------------------------------------------------------------------


def test_an_uploaded_report_is_a_run_of_the_task(person, task):
    answer = person.post(address("report", task), report())
    assert answer.headers["Location"] == task.get_absolute_url()
    run = QAExecution.objects.get()
    assert (run.qa_status, run.failing_tests, run.results.count()) == ("RED", 2, 2)
    assert met(task, "assigned")["suite_red"]
    act = Evidence.objects.get(action="qa_run_recorded")
    assert (act.actor, act.context["user"]) == ("foreman", "johan")
    assert "<td>johan</td>" in person.get(task.get_absolute_url()).text


def test_counts_are_taken_in_place_of_a_report(person, task):
    person.post(address("report", task), {"passing": "2", "failing": "1", "test_debt_count": "4"})
    run = QAExecution.objects.get()
    assert (run.qa_status, run.total_tests, run.test_debt_count) == ("PARTIAL", 3, 4)


def test_a_run_that_ended_with_an_error_is_not_green(person, task):
    person.post(address("report", task), {"passing": "2", "exit_code": "1"})
    assert not QAExecution.objects.filter(qa_status="GREEN").exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose a report, or enter the counts; not both."),
        (report(passing="1"), "Choose a report, or enter the counts; not both."),
        (report(b"<html></html>"), "html"),
        ({"passing": "-1"}, "greater than or equal to 0"),
        ({"passing": "many"}, "Enter a whole number."),
    ],
)
def test_what_is_no_run_is_refused_with_a_reason(person, task, sent, words):
    answer = person.post(address("report", task), sent)
    assert (answer.status_code, QAExecution.objects.count()) == (422, 0)
    assert "Nothing was recorded." in answer.text
    assert words in answer.text


# --- the evidence location, and the way to all three ---------------------------------------------


def test_the_evidence_location_is_set_alone(person, task):
    person.post(address("evidence", task), {"evidence_location": "evidence/hold.md"})
    task.refresh_from_db()
    assert (task.evidence_location, task.state) == ("evidence/hold.md", "planned")
    assert person.post(address("evidence", task), {"evidence_location": " "}).status_code == 422


def test_each_unmet_condition_links_to_the_act_that_meets_it(person, client, wave):
    planned = TaskFactory(wave=wave)
    page = person.get(planned.get_absolute_url()).text
    for act in ("validate", "report"):
        assert f'class="meeting" href="{address(act, planned)}"' in page
    begun = TaskFactory(wave=wave, state="in-progress")
    page = person.get(begun.get_absolute_url()).text
    assert f'class="meeting" href="{address("evidence", begun)}"' in page
    page = person.get(reverse("governance:why", args=["task", begun.pk])).text
    assert f'<a href="{address("report", begun)}"' in page
    client.force_login(UserFactory(roles=["viewer"]))
    assert 'class="meeting"' not in client.get(planned.get_absolute_url()).text


def test_the_program_form_has_the_checklist_and_who_validates(person):
    person.post(
        reverse("programs:program_new"),
        {
            "name": "Lamps",
            "description": "Light.",
            "validation_checklist": "Interfaces: named\nis short",
            "validated_by": "builder",
        },
    )
    program = Program.objects.get()
    assert program.validation_checklist == ["Interfaces: named", "is short"]
    assert program.validated_by == "builder"

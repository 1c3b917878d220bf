"""The page of a task: it leads to what it shows."""

import pytest
from django.urls import reverse
from django.utils.timezone import now

from kit.core.acts import act
from programs.actions import complete_task, start_task
from programs.models import Task
from tests.factories import (
    ArchitectureValidationFactory,
    BuilderFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client):
    client.force_login(UserFactory(username="johan"))
    return client


def address_of(run):
    return reverse("governance:quality_run", args=[run.pk])


def test_each_run_is_reached_from_its_bar_and_its_row_and_its_evidence(person):
    task = TaskFactory()
    runs = [QAExecutionFactory(task=task, passing_tests=number) for number in (0, 1)]
    page = person.get(task.get_absolute_url()).text
    for run in runs:
        assert page.count(f'href="{address_of(run)}"') >= 3  # bar, row, trail


@pytest.mark.django_db(transaction=True)  # each record arrives at a moment of its own
def test_the_certificate_leads_to_both_of_its_runs(person, admin_user):
    task = TaskFactory()
    ArchitectureValidationFactory(task=task)
    red = QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    start_task(task, by=admin_user)
    green = QAExecutionFactory(task=task, passing_tests=5, executed_at=now())
    complete_task(task, evidence_location="https://example.com/proof?of=walls", by=admin_user)
    page = person.get(task.get_absolute_url()).text
    seal = page[page.index('class="panel certificate"') :]
    seal = seal[: seal.index("</section>")]
    for run in (red, green):
        assert f'href="{address_of(run)}"' in seal
    link = 'href="https://example.com/proof?of=walls" rel="noopener noreferrer"'
    assert link in page


@pytest.mark.parametrize("location", ["evidence/walls/", "javascript:alert(1)", "https://a b"])
def test_what_is_no_address_is_no_link(person, location):
    task = TaskFactory(evidence_location=location)
    page = person.get(task.get_absolute_url()).text
    assert f'href="{location}' not in page


def test_the_builder_in_the_head_is_a_link(person):
    task = TaskFactory(assigned_builder="ui-builder")
    page = person.get(task.get_absolute_url()).text
    head = page[page.index('id="summary"') : page.index('id="trouble"')]
    assert reverse("builders:builder", args=["ui-builder"]) in head


def test_what_the_watcher_did_bears_its_name(person):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    BuilderFactory(builder_id="ui-builder", current_task=task, state="active")
    with act(None, watcher="host:7"):
        Task.objects.filter(pk=task.pk).update(state="blocked")
    page = person.get(task.get_absolute_url()).text
    assert "watcher (host:7)" in page
    why = person.get(reverse("governance:why", args=["task", task.pk])).text
    assert "by watcher (host:7)" in why


def test_parts_of_a_page_that_is_not_read_in_one_transaction_bear_no_revision(person):
    assert "data-revision" not in person.get(TaskFactory().get_absolute_url()).text


@pytest.mark.django_db(transaction=True)
def test_all_parts_of_a_page_bear_the_revision_that_they_were_read_at(client):
    client.force_login(UserFactory())
    task = TaskFactory()
    names = "summary trouble gate proof runs validations past evidence pulse instruction"
    headers = {"HX-Request": "true", "Foreman-Parts": names}
    answer = client.get(task.get_absolute_url(), headers=headers)
    stamp = f'data-revision="{answer["Foreman-Revision"]}"'
    assert all(stamp in drawn["html"] for drawn in answer.json().values())
    known = ", ".join(drawn["etag"] for drawn in answer.json().values())
    TaskFactory()  # elsewhere: the revision goes on, the parts do not change
    again = client.get(task.get_absolute_url(), headers=headers | {"If-None-Match": known})
    assert again.status_code == 304
    assert again["Foreman-Revision"] != answer["Foreman-Revision"]

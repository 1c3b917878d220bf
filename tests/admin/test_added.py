"""What is added in the admin as more than planned is an override, with a reason."""

import pytest
from django.urls import reverse

from governance.models import Evidence
from programs.models import Program, Task
from tests.admin.conftest import errors, shows
from tests.factories import WaveFactory


@pytest.mark.parametrize("values", [{"state": "completed"}, {"progress_percentage": "40"}])
def test_a_task_is_added_as_planned_or_for_a_reason(office, values):
    wave = WaveFactory()
    page = office.add(Task, wave=str(wave.pk), name="Done", **values)
    assert errors(page) == ["Enter a reason: this is an override."]
    assert not Task.objects.exists()

    reason = {"reason": "It was done before the office opened."}
    response = office.add(Task, wave=str(wave.pk), name="Done", **values, **reason)
    assert response.status_code == 302
    created = Evidence.objects.get(entity_type="task", action="created")
    assert created.context["override"] == reason["reason"]
    assert created.context["user"] == "carol"


def test_a_planned_program_needs_none(office):
    assert office.add(Program, name="Lamps", description="-").status_code == 302


def test_what_came_completed_says_so_on_its_page_and_in_its_evidence(office):
    wave = WaveFactory()
    office.add(Task, wave=str(wave.pk), name="Done", state="completed", reason="The record.")
    task = Task.objects.get()
    words = "Task created as completed, without proof"
    assert shows(office.client.get(task.get_absolute_url()), words)
    assert shows(office.client.get(reverse("governance:evidence_list")), words)

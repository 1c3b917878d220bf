"""A governed state changed in the admin is an override, with its reason; a typo is not."""

import pytest

from governance.models import Evidence
from tests.factories import TaskFactory, WaveFactory

pytestmark = pytest.mark.pooled


def test_a_state_that_the_lifecycle_refuses_is_forced_by_its_reason(office):
    task = TaskFactory(state="in-progress")
    assert office.change(task, state="completed", reason="Signed off.").status_code == 302
    task.refresh_from_db()
    assert task.state == "completed"
    evidence = Evidence.objects.of(task).get(context__to="completed")
    assert evidence.context["override"] == "Signed off."
    assert "Signed off." in office.client.get(task.get_absolute_url()).text


def test_without_a_reason_nothing_is_forced(office):
    wave = WaveFactory(state="planned")
    assert office.change(wave, state="completed").status_code == 200
    wave.refresh_from_db()
    assert wave.state == "planned"


def test_a_corrected_name_is_no_override(office):
    task = TaskFactory()
    office.change(task, name="Masonry", reason="A typo.")
    evidence = Evidence.objects.of(task).get(action="edited")
    assert evidence.context["reason"] == "A typo."
    assert "override" not in evidence.context

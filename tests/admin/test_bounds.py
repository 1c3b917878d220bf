"""What no record can be, and how its times are written."""

from datetime import UTC, datetime

import pytest

from governance.models import QAExecution
from tests.factories import BlockerFactory, QAExecutionFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db


def test_no_place_below_the_first_and_no_time_of_the_future_is_entered(office):
    wave, run = WaveFactory(), QAExecutionFactory()
    refused = office.change(wave, sequence_number="-1", reason="A slip.")
    assert "sequence_number" in refused.context["adminform"].form.errors
    for row, field in (
        (run, "executed_at"),
        (BlockerFactory(), "detected_at"),
        (TaskFactory(state="completed"), "completed_at"),
    ):
        later = {f"{field}_0": "2096-01-08", f"{field}_1": "10:00:00+00:00"}
        refused = office.change(row, **later, reason="A slip.")
        errors_of = refused.context["adminform"].form.errors
        assert "is in the future" in errors_of[field][0]


def test_times_are_written_as_on_the_pages(office):
    run = QAExecutionFactory(executed_at=datetime(2026, 1, 8, 16, 39, 5, tzinfo=UTC))
    assert 'value="2026-01-08"' in office.open(run).text
    assert "8 Jan 2026, 16:39:05" in office.list(QAExecution).text

"""Plans of many tasks: what they cost in statements and in memory."""

import tracemalloc
from io import SEEK_END, BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foreman_office import plan_files
from foreman_office.plan_files import exported_records, exporting, staging
from programs.models import Task
from tests.factories import TaskFactory, WaveFactory
from tests.plan_files.plans import imported, load

pytestmark = pytest.mark.django_db


def large(tasks):
    """A plan of one hundred waves, each after the one before."""
    lines = ["format_version: 1", "program:", "  key: large", "  name: Large", "  waves:"]
    for wave in range(100):
        lines += [f"  - key: wave-{wave}", f"    name: Wave {wave}", f"    sequence_number: {wave}"]
        lines += [f"    dependencies: [wave-{wave - 1}]"] if wave else []
        lines += ["    tasks:"]
        for number in range(wave, tasks, 100):
            lines += [f"    - key: task-{number}", f"      name: Task {number}"]
            lines += ["      assigned_builder: ui-builder", "      source: plan.md@f32c404"]
            lines += ["      acceptance_criteria: every test passes"]
    return "\n".join(lines)


@pytest.mark.slow
def test_a_thousand_tasks_are_in_and_it_is_told_how_far_the_import_is(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_text(large(1_000))
    said = imported(file)
    assert Task.objects.count() == 1_000
    assert "tasks 1,000 of 1,000" in said.splitlines()


def test_a_larger_plan_takes_no_more_statements():
    def statements(tasks):
        with CaptureQueriesContext(connection) as queries:
            load(large(tasks).replace("large", f"large-{tasks}").replace("Large", f"L{tasks}"))
        return len(queries)

    assert statements(100) == statements(500)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(monkeypatch):
    monkeypatch.setattr(staging, "BATCH", 20)

    def most(tasks):
        text = large(tasks).replace("large", f"large-{tasks}").replace("Large", f"L{tasks}")
        stream = BytesIO(text.encode())
        tracemalloc.start()
        with plan_files.read_plan(stream, "plan.yaml") as plan:
            plan_files.apply(plan, by=None)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    most(50)  # what is kept after the first import is not of the file
    assert most(400) < 2 * most(60)


@pytest.mark.slow
def test_an_export_has_few_tasks_in_memory_at_a_time(monkeypatch):
    for module in (exporting, exported_records):
        monkeypatch.setattr(module, "BATCH", 20)
    wave = WaveFactory()
    text = "x" * 20_000
    Task.objects.bulk_create(
        TaskFactory.build(wave=wave, acceptance_criteria=text) for _ in range(120)
    )
    tracemalloc.start()
    try:
        with plan_files.export(wave.program) as file:
            size = file.seek(0, SEEK_END)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 4_000_000  # each is told as it is, and as it was made
    assert most < size / 3

"""Runs and validations from before it was kept when they came, in a database that is upgraded."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from governance.models import ArchitectureValidation, Evidence, LatestRun, QAExecution
from governance.quality import latest_run
from programs.models import Task

BEFORE = [("governance", "0003_proof")]

OLD = """
    INSERT INTO programs (name, description, state) VALUES ('Old', '', 'in-progress');
    INSERT INTO waves (program_id, name, sequence_number, state)
        SELECT program_id, 'Old', 1, 'in-progress' FROM programs;
    INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,
            acceptance_criteria, state)
        SELECT wave_id, 'Old', 'arch.md', 'tests/', '', 'planned' FROM waves;
    INSERT INTO qa_executions (task_id, qa_suite_location, total_tests, passing_tests,
            failing_tests, skipped_tests, qa_status, executed_at)
        SELECT task_id, 'tests/', 5, day % 5, 5 - day % 5, 0,
            CASE day % 5 WHEN 0 THEN 'RED' ELSE 'PARTIAL' END,
            timestamptz '2026-01-01' + day * interval '1 day'
        FROM tasks, unnest(ARRAY[3, 1, 2, 4]) AS day;
    INSERT INTO architecture_validations (task_id, architecture_reference, validation_results,
            pass_rate, build_readiness, validated_at)
        SELECT task_id, 'arch.md', '{}', day, 'NOT_READY',
            timestamptz '2026-01-01' + day * interval '1 day'
        FROM tasks, unnest(ARRAY[3, 1, 2]) AS day;
"""


@pytest.mark.django_db
@pytest.mark.thorough
@pytest.mark.slow
def test_old_runs_came_when_they_were_made_and_leave_no_evidence_of_being_filled_in(
    another_database, sql
):
    MigrationExecutor(connection).migrate(BEFORE)
    sql(OLD)
    evidence = Evidence.objects.count()

    call_command("migrate", verbosity=0)

    runs = QAExecution.objects.order_by("executed_at")
    assert [run.arrived_at for run in runs] == [run.executed_at for run in runs]
    assert [run.recorded for run in runs] == [1, 2, 3, 4]
    assert {(tuple(run.against), run.ended_at, run.never_tests) for run in runs} == {((), None, 0)}
    latest = runs.last()
    assert latest_run(Task.objects.get()) == latest
    assert LatestRun.objects.get().recorded == latest.recorded
    told = ArchitectureValidation.objects.order_by("recorded").values_list("pass_rate", flat=True)
    assert list(told) == [1, 2, 3]
    assert Evidence.objects.count() == evidence

    sql(
        "INSERT INTO qa_executions (task_id, qa_suite_location, total_tests, passing_tests,"
        " failing_tests, skipped_tests) SELECT task_id, 'tests/', 1, 1, 0, 0 FROM tasks"
    )
    assert latest_run(Task.objects.get()).recorded > latest.recorded

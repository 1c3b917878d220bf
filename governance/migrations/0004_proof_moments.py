"""When the runs that are there came in, in which order they were recorded, and what holds of them.

A run of which no more is known came in when it was made. Order of one moment was that of the ids.
"""

import django.db.models.lookups
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import kit.core.sql

FILL = """
    CREATE SEQUENCE governance_recorded;

    -- The rules would refuse, or tell as somebody's act, what is only filled in.
    ALTER TABLE qa_executions DISABLE TRIGGER USER;
    UPDATE qa_executions SET arrived_at = executed_at, recorded = numbered.number
    FROM (
        SELECT execution_id,
            row_number() OVER (ORDER BY executed_at, execution_id) AS number
        FROM qa_executions
    ) AS numbered
    WHERE numbered.execution_id = qa_executions.execution_id;
    ALTER TABLE qa_executions ENABLE TRIGGER USER;

    ALTER TABLE architecture_validations DISABLE TRIGGER USER;
    UPDATE architecture_validations SET recorded = numbered.number
    FROM (
        SELECT validation_id,
            row_number() OVER (ORDER BY validated_at, validation_id) AS number
        FROM architecture_validations
    ) AS numbered
    WHERE numbered.validation_id = architecture_validations.validation_id;
    ALTER TABLE architecture_validations ENABLE TRIGGER USER;

    ALTER TABLE qa_latest_runs DISABLE TRIGGER USER;
    UPDATE qa_latest_runs SET arrived_at = run.arrived_at, recorded = run.recorded
    FROM qa_executions AS run WHERE run.execution_id = qa_latest_runs.execution_id;
    ALTER TABLE qa_latest_runs ENABLE TRIGGER USER;

    SELECT setval('governance_recorded', 1 + greatest(
        (SELECT count(*) FROM qa_executions), (SELECT count(*) FROM architecture_validations)
    ));
"""
PAIRS_GO_WITH_THEIR_RUN = """
    ALTER TABLE qa_paired_tests ADD CONSTRAINT qa_paired_tests_execution_id_fkey
        FOREIGN KEY (execution_id) REFERENCES qa_executions (execution_id)
        ON DELETE CASCADE NOT VALID
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_proof")]

    operations = [
        migrations.RunSQL(FILL, "DROP SEQUENCE governance_recorded"),
        migrations.RunSQL(
            PAIRS_GO_WITH_THEIR_RUN,
            "ALTER TABLE qa_paired_tests DROP CONSTRAINT qa_paired_tests_execution_id_fkey",
        ),
        AddConstraintNotValid(
            model_name="qaexecution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("passing_tests", 0), ("qa_status", "RED")),
                    models.Q(
                        ("against", []),
                        ("passing_tests__gt", 0),
                        ("qa_status", "GREEN"),
                        ("test_debt_count", 0),
                        ("total_tests", models.F("passing_tests")),
                    ),
                    models.Q(
                        models.Q(
                            models.Q(("total_tests", models.F("passing_tests")), _negated=True),
                            ("test_debt_count__gt", 0),
                            models.Q(("against", []), _negated=True),
                            _connector="OR",
                        ),
                        ("passing_tests__gt", 0),
                        ("qa_status", "PARTIAL"),
                    ),
                    _connector="OR",
                ),
                name="qa_executions_status_follows_run",
                violation_error_message="GREEN means that there are tests, all pass, there is no debt and nothing speaks against the run; RED that nothing passes; PARTIAL is everything between.",
            ),
        ),
        AddConstraintNotValid(
            model_name="qaexecution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("never_tests__gte", 0), ("never_tests__lte", models.F("total_tests"))
                ),
                name="qa_executions_never_tests_check",
                violation_error_message="never_tests must be a part of total_tests.",
            ),
        ),
        AddConstraintNotValid(
            model_name="qaexecution",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    kit.core.sql.Bytes("qa_suite_location"), 2000
                ),
                name="qa_executions_qa_suite_location_fits_index",
                violation_error_message="qa_suite_location must have at most 2,000 bytes in UTF-8.",
            ),
        ),
        AddConstraintNotValid(
            model_name="qatestresult",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    kit.core.sql.Bytes("name"), 2000
                ),
                name="qa_test_results_name_fits_index",
                violation_error_message="name must have at most 2,000 bytes in UTF-8.",
            ),
        ),
    ]

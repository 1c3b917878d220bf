"""The tests of all suites, each once, kept for searches by triggers."""

from django.db import migrations, models

import kit.core.rules


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0054_record_found"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownTest",
            fields=[
                ("known_test_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32)),
                ("qa_suite_location", models.TextField()),
                ("name", models.TextField()),
                ("first_run_id", models.UUIDField()),
            ],
            options={
                "db_table": "known_tests",
                "constraints": [
                    models.UniqueConstraint(fields=["digest"], name="known_tests_digest_key"),
                ],
            },
        ),
        kit.core.rules.ChangeRules(
            after={
                "governance_keep_test_names": r"""
                CREATE OR REPLACE FUNCTION governance_keep_test_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                SET search_path FROM CURRENT AS $$
                DECLARE
                    run record;
                BEGIN
                    FOR run IN
                        SELECT execution_id, qa_suite_location FROM qa_executions
                        WHERE execution_id IN (SELECT execution_id FROM new_rows)
                        ORDER BY recorded
                    LOOP
                        IF EXISTS (
                            SELECT FROM qa_test_results AS result
                            WHERE result.execution_id = run.execution_id AND NOT EXISTS (
                                SELECT FROM known_tests
                                WHERE digest = governance_test_digest(run.qa_suite_location, result.name)
                            )
                        ) AND pg_try_advisory_xact_lock(hashtext('known_tests'))
                        THEN
                            INSERT INTO known_tests (digest, qa_suite_location, name, first_run_id)
                            SELECT governance_test_digest(run.qa_suite_location, name), run.qa_suite_location, name,
                                run.execution_id
                            FROM qa_test_results WHERE execution_id = run.execution_id
                            ON CONFLICT (digest) DO NOTHING;
                        END IF;
                    END LOOP;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_keep_test_names_of_runs AFTER INSERT ON qa_executions
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_test_names();

                CREATE OR REPLACE TRIGGER governance_keep_test_names AFTER INSERT ON qa_test_results
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_test_names();
                """,
                "governance_test_digest": r"""
                CREATE OR REPLACE FUNCTION governance_test_digest(suite text, name text) RETURNS bytea
                LANGUAGE sql STABLE PARALLEL SAFE
                BEGIN ATOMIC
                    SELECT sha256(convert_to(suite || E'\n' || name, 'UTF8'));
                END;
                """,
            },
        ),
    ]

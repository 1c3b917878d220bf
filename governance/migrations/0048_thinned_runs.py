"""Thin old runs: the tests that did not fail are not kept for ever."""

import django.db.models.deletion
import kit.core.rules
import kit.core.sql
from django.db import migrations, models


GOES_WITH_ITS_RUN = """
    ALTER TABLE qa_thinned_runs ADD CONSTRAINT qa_thinned_runs_execution_id_fkey
        FOREIGN KEY (execution_id) REFERENCES qa_executions (execution_id)
        ON DELETE CASCADE NOT VALID
"""


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0016_badges"),
        ("governance", "0047_suite_turns"),
        ("programs", "0016_pull"),
    ]

    operations = [
        migrations.CreateModel(
            name="ThinnedRun",
            fields=[
                (
                    "execution",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="thinned",
                        serialize=False,
                        to="governance.qaexecution",
                    ),
                ),
                ("thinned_at", models.DateTimeField(db_default=kit.core.sql.ContractNow())),
                ("passed", models.IntegerField()),
                ("skipped", models.IntegerField()),
                ("kept_days", models.IntegerField()),
            ],
            options={
                "db_table": "qa_thinned_runs",
            },
        ),
        migrations.RunSQL(GOES_WITH_ITS_RUN, migrations.RunSQL.noop),
        kit.core.rules.ChangeRules(
            before={
                "governance_follow_test_results": r"""
                CREATE OR REPLACE FUNCTION governance_follow_test_results() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                SET search_path FROM CURRENT AS $$
                BEGIN
                    INSERT INTO evidence_trail
                        (entity_type, entity_id, action, actor, backend, model, witnessed, context)
                    SELECT 'task', run.task_id,
                        CASE WHEN TG_OP = 'INSERT' AND EXISTS (
                            SELECT FROM evidence_trail
                            WHERE entity_type = 'task' AND entity_id = run.task_id AND timestamp = now()
                                AND action = 'qa_run_recorded'
                                AND context -> 'snapshot' ->> 'execution_id' = run.execution_id::text
                        ) THEN 'qa_run_tests_recorded' ELSE 'qa_run_tests_edited' END,
                        who.actor, who.backend, who.model, true,
                        who.context || jsonb_build_object(
                            'snapshot', jsonb_build_object('execution_id', run.execution_id),
                            'operation', lower(TG_OP),
                            'tests', changed.tests,
                            'results', governance_run_results(run.execution_id))
                    FROM (
                        SELECT execution_id, count(*) AS tests FROM changed_rows GROUP BY execution_id
                    ) AS changed
                    JOIN qa_executions AS run USING (execution_id)
                    CROSS JOIN governance_actor() AS who;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_test_results_inserted AFTER INSERT ON qa_test_results
                    REFERENCING NEW TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_test_results_updated AFTER UPDATE ON qa_test_results
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_test_results_deleted AFTER DELETE ON qa_test_results
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_paired_tests_inserted AFTER INSERT ON qa_paired_tests
                    REFERENCING NEW TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_paired_tests_updated AFTER UPDATE ON qa_paired_tests
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_paired_tests_deleted AFTER DELETE ON qa_paired_tests
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();
                """,
            },
            after={
                "governance_follow_test_results": r"""
                CREATE OR REPLACE FUNCTION governance_follow_test_results() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                SET search_path FROM CURRENT AS $$
                BEGIN
                    INSERT INTO evidence_trail
                        (entity_type, entity_id, action, actor, backend, model, witnessed, context)
                    SELECT 'task', run.task_id,
                        CASE WHEN TG_OP = 'INSERT' AND EXISTS (
                            SELECT FROM evidence_trail
                            WHERE entity_type = 'task' AND entity_id = run.task_id AND timestamp = now()
                                AND action = 'qa_run_recorded'
                                AND context -> 'snapshot' ->> 'execution_id' = run.execution_id::text
                        ) THEN 'qa_run_tests_recorded'
                        WHEN TG_OP = 'DELETE' AND EXISTS (
                            SELECT FROM qa_thinned_runs AS thinned
                            WHERE thinned.execution_id = run.execution_id AND thinned.thinned_at = now()
                        ) THEN 'qa_run_tests_thinned' ELSE 'qa_run_tests_edited' END,
                        who.actor, who.backend, who.model, true,
                        who.context || jsonb_build_object(
                            'snapshot', jsonb_build_object('execution_id', run.execution_id),
                            'operation', lower(TG_OP),
                            'tests', changed.tests,
                            'results', governance_run_results(run.execution_id))
                    FROM (
                        SELECT execution_id, count(*) AS tests FROM changed_rows GROUP BY execution_id
                    ) AS changed
                    JOIN qa_executions AS run USING (execution_id)
                    CROSS JOIN governance_actor() AS who;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_test_results_inserted AFTER INSERT ON qa_test_results
                    REFERENCING NEW TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_test_results_updated AFTER UPDATE ON qa_test_results
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_test_results_deleted AFTER DELETE ON qa_test_results
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_paired_tests_inserted AFTER INSERT ON qa_paired_tests
                    REFERENCING NEW TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_paired_tests_updated AFTER UPDATE ON qa_paired_tests
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

                CREATE OR REPLACE TRIGGER governance_follow_paired_tests_deleted AFTER DELETE ON qa_paired_tests
                    REFERENCING OLD TABLE AS changed_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();
                """,
                "governance_keeps_tests": r"""
                CREATE OR REPLACE FUNCTION governance_keeps_tests(run qa_executions) RETURNS boolean
                LANGUAGE sql STABLE
                BEGIN ATOMIC
                    SELECT count(*) < 2
                        OR NOT EXISTS (
                            SELECT FROM qa_executions AS earlier
                            WHERE earlier.task_id = (run).task_id
                                AND earlier.qa_suite_location = (run).qa_suite_location
                                AND (earlier.arrived_at, earlier.recorded) < ((run).arrived_at, (run).recorded)
                        )
                        OR EXISTS (
                            SELECT FROM (
                                SELECT governance_work_began((run).task_id) AS at
                                UNION ALL
                                SELECT completed_at FROM tasks WHERE task_id = (run).task_id
                                UNION ALL
                                SELECT claimed_at FROM completion_claims WHERE task_id = (run).task_id
                            ) AS moments
                            WHERE at >= (run).arrived_at AND at <= min(later.arrived_at)
                        )
                    FROM (
                        SELECT next.arrived_at FROM qa_executions AS next
                        WHERE next.task_id = (run).task_id AND next.qa_suite_location = (run).qa_suite_location
                            AND (next.arrived_at, next.recorded) > ((run).arrived_at, (run).recorded)
                        ORDER BY next.arrived_at, next.recorded LIMIT 2
                    ) AS later;
                END;
                """,
                "governance_thin_runs": r"""
                CREATE OR REPLACE FUNCTION governance_thin_runs(
                    older_days integer, beyond uuid, most_tasks integer, most_tests integer, removes boolean,
                    OUT reached uuid, OUT runs integer, OUT tests integer
                ) LANGUAGE plpgsql SECURITY DEFINER
                SET search_path FROM CURRENT AS $$
                DECLARE
                    looked_at uuid[];
                    chosen uuid[];
                    is_cut boolean;
                BEGIN
                    IF older_days < 1 OR older_days IS NULL THEN
                        RAISE EXCEPTION 'The tests of a run are kept for at least one day.'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_thin_runs';
                    END IF;
                    SELECT array_agg(task_id ORDER BY task_id) INTO looked_at FROM (
                        SELECT DISTINCT task_id FROM qa_latest_runs WHERE task_id > beyond
                        ORDER BY task_id LIMIT most_tasks
                    ) AS next;
                    reached := looked_at[cardinality(looked_at)];
                    runs := 0;
                    tests := 0;
                    IF reached IS NULL THEN
                        RETURN;
                    END IF;
                    SELECT array_agg(execution_id) FILTER (WHERE before < most_tests),
                        coalesce(bool_or(before >= most_tests), false)
                    INTO chosen, is_cut
                    FROM (
                        SELECT run.execution_id, coalesce(sum(run.passing_tests + run.skipped_tests) OVER (
                            ORDER BY run.task_id, run.arrived_at, run.recorded
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
                        FROM qa_executions AS run
                        WHERE run.task_id = ANY (looked_at)
                            AND run.arrived_at < now() - make_interval(days => older_days)
                            AND run.passing_tests + run.skipped_tests > 0
                            AND NOT EXISTS (
                                SELECT FROM qa_thinned_runs AS thinned
                                WHERE thinned.execution_id = run.execution_id)
                            AND EXISTS (
                                SELECT FROM qa_test_results AS test
                                WHERE test.execution_id = run.execution_id
                                    AND test.outcome <> 'failed' AND NOT test.flaky)
                            AND NOT governance_keeps_tests(run)
                    ) AS old;
                    IF is_cut THEN
                        reached := beyond;
                    END IF;
                    IF chosen IS NULL THEN
                        RETURN;
                    END IF;
                    runs := cardinality(chosen);
                    IF NOT removes THEN
                        SELECT count(*) INTO tests FROM qa_test_results
                        WHERE execution_id = ANY (chosen) AND outcome <> 'failed' AND NOT flaky;
                        RETURN;
                    END IF;
                    INSERT INTO qa_thinned_runs (execution_id, thinned_at, passed, skipped, kept_days)
                    SELECT execution_id, now(), count(*) FILTER (WHERE outcome = 'passed'),
                        count(*) FILTER (WHERE outcome = 'skipped'), older_days
                    FROM qa_test_results
                    WHERE execution_id = ANY (chosen) AND outcome <> 'failed' AND NOT flaky
                    GROUP BY execution_id
                    ON CONFLICT DO NOTHING;
                    DELETE FROM qa_test_results
                    WHERE execution_id = ANY (chosen) AND outcome <> 'failed' AND NOT flaky;
                    GET DIAGNOSTICS tests = ROW_COUNT;
                END $$;
                """,
            },
        ),
    ]

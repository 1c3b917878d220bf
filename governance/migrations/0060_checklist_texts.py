"""What checklists say, for searches; and known tests that no run names any more are removed."""

from django.db import migrations

import kit.core.rules


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0059_ordered_evidence"),
    ]

    operations = [
        kit.core.rules.ChangeRules(
            after={
                "governance_checklist_text": r"""
                CREATE OR REPLACE FUNCTION governance_checklist_text(results jsonb) RETURNS text
                LANGUAGE sql IMMUTABLE PARALLEL SAFE
                BEGIN ATOMIC
                    SELECT coalesce(string_agg(said #>> '{}', E'\n'), '')
                    FROM (
                        SELECT to_jsonb(word) AS said
                        FROM jsonb_path_query(results, 'strict $.** ? (@.type() == "object").keyvalue().key') AS word
                        UNION ALL
                        SELECT jsonb_path_query(results, 'strict $.** ? (@.type() == "string")')
                    ) AS texts;
                END;
                """,
                "governance_prune_known_tests": r"""
                CREATE OR REPLACE FUNCTION governance_prune_known_tests(
                    beyond bigint, most integer, OUT reached bigint, OUT removed integer
                ) LANGUAGE plpgsql SECURITY DEFINER
                SET search_path FROM CURRENT AS $$
                DECLARE
                    looked_at bigint[];
                BEGIN
                    SELECT array_agg(known_test_id ORDER BY known_test_id) INTO looked_at FROM (
                        SELECT known_test_id FROM known_tests WHERE known_test_id > beyond
                        ORDER BY known_test_id LIMIT most
                    ) AS next;
                    reached := looked_at[cardinality(looked_at)];
                    removed := 0;
                    IF reached IS NULL THEN
                        RETURN;
                    END IF;
                    WITH astray AS MATERIALIZED (
                        SELECT known_test_id, qa_suite_location, name FROM known_tests AS known
                        WHERE known_test_id = ANY (looked_at) AND NOT EXISTS (
                            SELECT FROM qa_executions AS run
                            JOIN qa_test_results AS test USING (execution_id)
                            WHERE run.execution_id = known.first_run_id
                                AND run.qa_suite_location = known.qa_suite_location AND test.name = known.name
                        )
                    ), elsewhere AS MATERIALIZED (
                        SELECT known_test_id, (
                            SELECT run.execution_id
                            FROM qa_executions AS run
                            JOIN qa_test_results AS test USING (execution_id)
                            WHERE run.qa_suite_location = astray.qa_suite_location AND test.name = astray.name
                            LIMIT 1
                        ) AS execution_id
                        FROM astray
                    ), led AS (
                        UPDATE known_tests AS known SET first_run_id = elsewhere.execution_id
                        FROM elsewhere
                        WHERE known.known_test_id = elsewhere.known_test_id AND elsewhere.execution_id IS NOT NULL
                    )
                    DELETE FROM known_tests AS known USING elsewhere
                    WHERE known.known_test_id = elsewhere.known_test_id AND elsewhere.execution_id IS NULL;
                    GET DIAGNOSTICS removed = ROW_COUNT;
                END $$;
                """,
            },
        ),
    ]

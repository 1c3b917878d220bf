-- What the single tests of a run are, as evidence keeps it: how many they are, how many are paired
-- with tests of an earlier run, and a digest of all their columns but their numbers. A line a test,
-- in the order of its name byte by byte, so that it is the same in whatever session it is computed.
CREATE OR REPLACE FUNCTION governance_run_results(run uuid) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'tests', tests.count,
        'pairs', pairs.count,
        'sha256', encode(sha256(tests.lines || '\x00'::bytea || pairs.lines), 'hex')
    )
    FROM (
        SELECT count(*) AS count,
            coalesce(string_agg(
                sha256(convert_to(
                    jsonb_build_array(name, outcome, flaky, message, is_test)::text, 'UTF8')),
                ''::bytea ORDER BY name COLLATE "C"), '') AS lines
        FROM qa_test_results WHERE execution_id = run
    ) AS tests, (
        SELECT count(*) AS count,
            coalesce(string_agg(
                sha256(convert_to(
                    jsonb_build_array(earlier_id, name, later_name, rule)::text, 'UTF8')),
                ''::bytea ORDER BY earlier_id, name COLLATE "C"), '') AS lines
        FROM qa_paired_tests WHERE execution_id = run
    ) AS pairs;
END;

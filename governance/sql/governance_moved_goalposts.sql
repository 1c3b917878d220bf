-- The tests of a first run that are missing from a second one, or skipped there. (A second run that
-- names no tests shows none of them.)
--
-- Names are compared exactly first. A name that is left over does not count where the office paired
-- it with one left over in the second run, or where it failed and only stood for the tests that
-- came instead. What was never a test does not count. Where the first run named no tests, the
-- totals are compared, without what was never a test.
CREATE OR REPLACE FUNCTION governance_moved_goalposts(before uuid, after uuid)
RETURNS TABLE (name text, what text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT b.name, CASE WHEN coalesce(a.outcome, other.outcome) IS NULL
        THEN 'removed' ELSE 'skipped' END
    FROM qa_test_results AS b
    LEFT JOIN qa_test_results AS a ON a.execution_id = after AND a.name = b.name
    LEFT JOIN qa_paired_tests AS pair ON a.name IS NULL
        AND pair.execution_id = after AND pair.earlier_id = before AND pair.name = b.name
    LEFT JOIN qa_test_results AS other ON other.execution_id = after
        AND other.name = pair.later_name AND NOT EXISTS (
            SELECT FROM qa_test_results AS kept
            WHERE kept.execution_id = before AND kept.name = pair.later_name
        )
    WHERE b.execution_id = before AND b.outcome <> 'skipped' AND b.is_test
        AND coalesce(a.outcome, other.outcome, 'skipped') = 'skipped'
        AND NOT (b.outcome = 'failed' AND pair.name IS NOT NULL AND pair.later_name IS NULL)
    UNION ALL
    SELECT format('%s of %s tests', b.tests - a.tests, b.tests), 'removed'
    FROM (
        SELECT total_tests - never_tests AS tests FROM qa_executions WHERE execution_id = before
    ) AS b, (
        SELECT total_tests - never_tests AS tests FROM qa_executions WHERE execution_id = after
    ) AS a
    WHERE a.tests < b.tests AND NOT governance_names_tests(before)
    ORDER BY 2, 1;
END;

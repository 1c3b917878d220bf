-- Thin the old runs of so many tasks beyond a key, in the order of their keys: the tests that passed
-- or were skipped are removed, those that failed stay, also if they passed when they were retried.
-- Returns how far it came, and how many runs and tests were thinned; no task means that there is
-- none beyond. Of runs with very many tests only so many are thinned at once: then it came no
-- further than before the last task, of which there may be more. Where it removes nothing, it counts.
--
-- What may be removed is decided here and not by the caller, for whom it runs as the owner.
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
    INSERT INTO qa_thinned_runs
        (execution_id, thinned_at, passed, skipped, kept_days, organisation_id)
    SELECT execution_id, now(), count(*) FILTER (WHERE outcome = 'passed'),
        count(*) FILTER (WHERE outcome = 'skipped'), older_days, organisation_id
    FROM qa_test_results
    WHERE execution_id = ANY (chosen) AND outcome <> 'failed' AND NOT flaky
    GROUP BY execution_id, organisation_id
    ON CONFLICT DO NOTHING;
    DELETE FROM qa_test_results
    WHERE execution_id = ANY (chosen) AND outcome <> 'failed' AND NOT flaky;
    GET DIAGNOSTICS tests = ROW_COUNT;
END $$;

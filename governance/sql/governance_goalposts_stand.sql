-- A condition of completing: no test of the run before the work was removed or skipped. Where that
-- run named no tests, the detail says that only counts were compared.
CREATE OR REPLACE FUNCTION governance_goalposts_stand(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'goalposts_stand', count(moved.name) = 0,
        CASE
            WHEN red.execution_id IS NULL THEN 'There is no run to compare with.'
            WHEN count(moved.name) = 0 AND governance_names_tests(red.execution_id)
                THEN 'No test of the earlier run was removed or skipped.'
            WHEN count(moved.name) = 0
                THEN 'Only counts were compared, because the earlier run named no tests: there are no'
                    ' fewer now.'
            ELSE concat_ws(' ',
                'Removed: ' || governance_names(
                    array_agg(moved.name) FILTER (WHERE moved.what = 'removed')) || '.',
                'Skipped: ' || governance_names(
                    array_agg(moved.name) FILTER (WHERE moved.what = 'skipped')) || '.')
        END
    FROM governance_latest_run(id) AS latest
    CROSS JOIN governance_red_run(id) AS red
    LEFT JOIN LATERAL governance_moved_goalposts(red.execution_id, latest.execution_id) AS moved
        ON true
    GROUP BY red.execution_id;
END;

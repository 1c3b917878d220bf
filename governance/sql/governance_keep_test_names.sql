-- The tests of a suite are known by name once to an organisation, however many runs have them, so that a search finds
-- them. A run usually has the names of the run before, and then nothing is written. Names come with
-- their run: most are written before it, and those of a corrected run after it.
--
-- Who writes new names holds a lock until its transaction ends, so that no two wait for each other's
-- names. Who finds it held writes none: the next run of the suite has them again.
CREATE OR REPLACE FUNCTION governance_keep_test_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    run record;
BEGIN
    FOR run IN
        SELECT execution_id, qa_suite_location, organisation_id FROM qa_executions
        WHERE execution_id IN (SELECT execution_id FROM new_rows)
        ORDER BY recorded
    LOOP
        IF run.organisation_id <> programs_office_itself() AND EXISTS (
            SELECT FROM qa_test_results
            WHERE execution_id = run.execution_id AND organisation_id <> run.organisation_id
        ) THEN
            RAISE EXCEPTION 'The tests of a run belong to the organisation of its task.'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_keep_test_names',
                    TABLE = 'qa_test_results', COLUMN = 'organisation_id';
        END IF;
        IF EXISTS (
            SELECT FROM qa_test_results AS result
            WHERE result.execution_id = run.execution_id AND NOT EXISTS (
                SELECT FROM known_tests
                WHERE digest = governance_known_test(
                    run.organisation_id, run.qa_suite_location, result.name)
            )
        ) AND pg_try_advisory_xact_lock(hashtext('known_tests'))
        THEN
            INSERT INTO known_tests (digest, qa_suite_location, name, first_run_id, organisation_id)
            SELECT governance_known_test(run.organisation_id, run.qa_suite_location, name),
                run.qa_suite_location, name, run.execution_id, run.organisation_id
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

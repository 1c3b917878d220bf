-- Whether a run names tests: whether any result of it was a test.
CREATE OR REPLACE FUNCTION governance_names_tests(run uuid) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM qa_test_results WHERE execution_id = run AND is_test);
END;

-- By what a test is known: its suite and its name, which together do not fit into an index.
CREATE OR REPLACE FUNCTION governance_test_digest(suite text, name text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT sha256(convert_to(suite || E'\n' || name, 'UTF8'));
END;

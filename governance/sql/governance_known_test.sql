-- By what the name of a test is known to an organisation; in the office itself as ever.
CREATE OR REPLACE FUNCTION governance_known_test(organisation uuid, suite text, name text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT governance_test_digest(
        CASE organisation WHEN programs_office_itself() THEN '' ELSE organisation || E'\n' END || suite,
        name);
END;

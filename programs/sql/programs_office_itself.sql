-- What stands for the office itself where an organisation is named; `programs.organisation_id` says
-- it by NULL.
CREATE OR REPLACE FUNCTION programs_office_itself() RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT '00000000-0000-0000-0000-000000000000'::uuid;
END;

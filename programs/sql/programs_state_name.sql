-- The name of a state in a sentence: "in progress" for in-progress.
CREATE OR REPLACE FUNCTION programs_state_name(state text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(state, '-', ' ');
END;

-- Whether a row of evidence has any text: progress that is set in bulk has none, and is in no index.
CREATE OR REPLACE FUNCTION governance_evidence_says(context jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_path_exists(context, 'strict $.** ? (@.type() == "string")');
END;

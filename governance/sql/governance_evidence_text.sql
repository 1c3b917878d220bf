-- What a row of evidence says: the texts of its context, as JSON, which keeps them apart. Ids and
-- times are no texts.
CREATE OR REPLACE FUNCTION governance_evidence_text(context jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_path_query_array(context, 'strict $.** ? (@.type() == "string"
        && !(@ like_regex "^([0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]+)$"))'
    )::text;
END;

-- What the checklist of a validation says: its sections, its items and any other text in it.
CREATE OR REPLACE FUNCTION governance_checklist_text(results jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(string_agg(said #>> '{}', E'\n'), '')
    FROM (
        SELECT to_jsonb(word) AS said
        FROM jsonb_path_query(results, 'strict $.** ? (@.type() == "object").keyvalue().key') AS word
        UNION ALL
        SELECT jsonb_path_query(results, 'strict $.** ? (@.type() == "string")')
    ) AS texts;
END;

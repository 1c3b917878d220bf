-- Announce what these few rows are about, to each organisation its own: its id is the first word then.
-- What says of no organisation is told to all.
CREATE OR REPLACE FUNCTION governance_announce_rows(kind text, docs jsonb[]) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_notify('foreman', concat_ws(' ', owner, governance_topics(kind, array_agg(doc))))
    FROM (
        SELECT CASE WHEN kind = 'program' THEN
                coalesce(doc ->> 'organisation_id', programs_office_itself()::text)
            ELSE doc ->> 'organisation_id' END, doc
        FROM unnest(docs) AS doc
    ) AS owned (owner, doc)
    GROUP BY owner;
END $$;

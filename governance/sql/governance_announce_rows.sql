-- Announce what these rows are about; of more than twenty no more than that everything changed.
CREATE OR REPLACE FUNCTION governance_announce_rows(kind text, docs jsonb[]) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF cardinality(docs) > 20 THEN  -- more topics might not go into the 8000 bytes of a payload
        PERFORM pg_notify('foreman', '*');
    ELSIF docs <> '{}' THEN
        PERFORM pg_notify('foreman', governance_topics(kind, docs));
    END IF;
END $$;

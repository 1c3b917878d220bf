-- Set the end of pauses whose time is over.
CREATE OR REPLACE FUNCTION builders_end_pauses(builder text DEFAULT NULL) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    UPDATE builder_pauses SET ended_at = ends_at
    WHERE ended_at IS NULL AND ends_at <= now() AND builder_id = coalesce(builder, builder_id);
END;

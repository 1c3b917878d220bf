-- Note what was not understood in an export: an array of objects with `subject` and `reason`. Of a
-- builder the newest twenty are kept.
CREATE OR REPLACE FUNCTION builders_note_usage(builder text, remarks json)
RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('usage_sessions'), hashtext(builder));
    INSERT INTO usage_remarks AS known (builder_id, subject, reason, times)
    SELECT builder, sent.subject, sent.reason, count(*)
    FROM json_to_recordset(remarks) AS sent (subject text, reason text)
    GROUP BY sent.subject, sent.reason
    ON CONFLICT (builder_id, subject, reason) DO UPDATE
    SET times = known.times + excluded.times, last_at = now();
    DELETE FROM usage_remarks
    WHERE usage_remark_id IN (
        SELECT usage_remark_id FROM usage_remarks AS kept
        WHERE kept.builder_id = builder
        ORDER BY last_at DESC, usage_remark_id DESC
        OFFSET 20
    );
END $$;

-- Store a single heartbeat, for older callers: as builders_record_heartbeats does for many.
CREATE OR REPLACE FUNCTION builders_record_heartbeat(
    token_digest bytea,
    sent_builder text,
    sent_task uuid,
    sent_status text,
    sent_message text,
    sent_progress integer,
    sent_id uuid,
    sent_at timestamptz,
    OUT broken_rule text,
    OUT stored_id uuid,
    OUT stored_at timestamptz
) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    SELECT recorded.broken_rule, recorded.stored_id, recorded.stored_at
    INTO broken_rule, stored_id, stored_at
    FROM builders_record_heartbeats(json_build_array(json_build_object(
        'token_digest', token_digest, 'sent_builder', sent_builder, 'sent_task', sent_task,
        'sent_status', sent_status, 'sent_message', sent_message, 'sent_progress', sent_progress,
        'sent_id', sent_id, 'sent_at', sent_at
    )), true) AS recorded;
END $$;

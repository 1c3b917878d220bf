-- A key that follows another as the one that signs the sealed record leaves a line in the office log,
-- which is sealed in its turn. The first key is known by the first checkpoint.
CREATE OR REPLACE FUNCTION governance_log_keys() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO office_log
        (action, actor, username, subject_kind, subject_name, context, witnessed)
    SELECT 'evidence_key_' || NEW.entered_as, who.actor, who.context ->> 'user',
        'evidence key', NEW.name,
        who.context - 'user' || jsonb_build_object(
            'number', NEW.number,
            'public_key', encode(NEW.public_key, 'base64'),
            'from_checkpoint', NEW.from_checkpoint,
            'reason', NEW.reason,
            'database_role', session_user),
        true
    FROM governance_actor() AS who;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_log_keys AFTER INSERT ON evidence_keys
    FOR EACH ROW WHEN (NEW.entered_as <> 'first') EXECUTE FUNCTION governance_log_keys();
